"""One mail to one SMTP server, and what its answer means for the next attempt (RFC 5321, RFC 3207, RFC 8314)."""

from __future__ import annotations

import re
import ssl
from dataclasses import dataclass
from email.message import EmailMessage

import aiosmtplib

from config.settings import Settings, WrongSettings
from config.this_machine import is_this_machine
from notifications.outcome import Away, Deferred, Refused

STEP_LIMIT = 15.0
"""Seconds that the server has for one step."""
_ENHANCED = re.compile(r"^[245]\.\d{1,3}\.\d{1,3}\b")


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mails are handed over."""

    host: str
    port: int
    encryption: str
    user: str | None = None
    password: str | None = None
    tls: ssl.SSLContext | None = None

    def __repr__(self) -> str:
        return f"MailServer({self.host}:{self.port}, {self.encryption})"

    @classmethod
    def of(cls, settings: Settings) -> MailServer:
        """The server that the settings name, or the local inbox.

        Raises `WrongSettings` where mails would travel in the clear beyond this machine.
        """
        mail = settings.mail
        if mail.server is None:
            host, port = _host_and_port(settings.inbox.smtp, "MUNJIGI_INBOX__SMTP")
            encryption = "none"
        else:
            host, port = _host_and_port(mail.server, "MUNJIGI_MAIL__SERVER")
            encryption = mail.encryption
        if encryption == "none":
            if not is_this_machine(host):
                raise WrongSettings(
                    f"MUNJIGI_MAIL__ENCRYPTION: none would send mails in the clear to {host}. It must be starttls or "
                    "tls for every server but one on this machine."
                )
            return cls(host, port, encryption)
        try:
            tls = ssl.create_default_context(cafile=mail.certificates)
        except (OSError, ssl.SSLError) as error:
            raise WrongSettings(f"MUNJIGI_MAIL__CERTIFICATES: {mail.certificates} cannot be used: {error}") from error
        password = mail.password.get_secret_value() if mail.password else None
        return cls(host, port, encryption, mail.user, password, tls)


class Postman:
    """A connection to the server, opened with the first mail and kept until `leave`. One mail at a time."""

    def __init__(self, server: MailServer, greeting: str) -> None:
        """`greeting`: the domain that we say we are (RFC 5321, section 4.1.1.1)."""
        self._server = server
        self._greeting = greeting
        self._client: aiosmtplib.SMTP | None = None

    async def hand_over(self, mail: EmailMessage, *, sender: str, recipient: str) -> None:
        """Returns once the server has taken the mail. Raises `Refused` (5yz), `Deferred` (4yz, or it broke off), or
        `Away`; they quote its code."""
        client = await self._connected()
        try:
            await client.send_message(mail, sender=sender, recipients=[recipient])
        except aiosmtplib.SMTPRecipientsRefused as error:
            raise _verdict(error.recipients[0]) from error
        except aiosmtplib.SMTPSenderRefused as error:
            raise Away(f"sender {told(error)}") from error  # the sender is ours: no fault of this mail
        except aiosmtplib.SMTPResponseException as error:
            raise _verdict(error) from error
        except aiosmtplib.SMTPNotSupported as error:
            raise Refused("the server does not support it") from error
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            self._drop()
            raise Deferred(f"broken off ({_cause(error)})") from error
        except BaseException:
            self._drop()  # cancelled in the middle: nobody may go on where it stopped
            raise

    async def leave(self) -> None:
        """Say goodbye, if there is somebody to say it to."""
        client, self._client = self._client, None
        if client is None:
            return
        try:
            await client.quit(timeout=1)
        except (aiosmtplib.SMTPException, OSError, TimeoutError):
            client.close()

    async def _connected(self) -> aiosmtplib.SMTP:
        if self._client is not None and self._client.is_connected:
            return self._client
        self._drop()
        server = self._server
        client = aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            username=server.user,
            password=server.password,
            local_hostname=self._greeting,
            timeout=STEP_LIMIT,
            use_tls=server.encryption == "tls",
            start_tls=server.encryption == "starttls",  # never "if offered": that is for whoever sits between
            tls_context=server.tls,
        )
        try:
            await client.connect()
        except aiosmtplib.SMTPResponseException as error:
            client.close()
            raise Away(told(error)) from error
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            client.close()
            raise Away(_cause(error)) from error
        except BaseException:
            client.close()
            raise
        self._client = client
        return client

    def _drop(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.close()


def told(error: aiosmtplib.SMTPResponseException) -> str:
    """The reply code and the enhanced status code (RFC 3463). Not the server's text: it may quote the address."""
    enhanced = _ENHANCED.match(error.message)
    return f"{error.code} {enhanced[0]}" if enhanced else str(error.code)


def _cause(error: Exception) -> str:
    """What lies under an error of the client: `ConnectionRefusedError`, `SSLCertVerificationError`."""
    return type(error.__cause__ or error).__name__


def _verdict(error: aiosmtplib.SMTPResponseException) -> Exception:
    if error.code == aiosmtplib.SMTPStatus.domain_unavailable:  # 421 closes the channel, for all mails
        return Away(told(error))
    return (Refused if 500 <= error.code < 600 else Deferred)(told(error))


def _host_and_port(address: str, setting: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host or not port.isdigit():
        raise WrongSettings(f"{setting}: it must be host:port.")
    return host, int(port)
