"""A real SMTP server on loopback that does as it is told."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any, cast

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from notifications.smtp import MailServer


@dataclass
class Answers:
    """What the server answers, step by step; when a list is empty it takes what comes."""

    to_recipient: list[str] = field(default_factory=list)
    to_data: list[str] = field(default_factory=list)
    taken: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    connections: int = 0
    on_taken: Callable[[], None] = lambda: None

    async def handle_RCPT(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if self.to_recipient:
            return self.to_recipient.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        if self.to_data:
            return self.to_data.pop(0)
        content = cast(bytes, envelope.content)
        self.taken.append(cast(EmailMessage, message_from_bytes(content, policy=default)))
        self.recipients += envelope.rcpt_tos
        self.on_taken()
        return "250 2.0.0 taken"


@dataclass
class RunningServer:
    """Where it listens, and what it took."""

    port: int
    answers: Answers

    @property
    def address(self) -> MailServer:
        return MailServer("127.0.0.1", self.port, "none")


@asynccontextmanager
async def mail_server(
    answers: Answers | None = None, *, port: int = 0, tls: ssl.SSLContext | None = None, implicit: bool = False
) -> AsyncIterator[RunningServer]:
    """Runs until the block is left. `tls`: it wants STARTTLS and a password first, or TLS from the first byte."""
    chosen = answers or Answers()

    def protocol() -> asyncio.Protocol:
        chosen.connections += 1
        options: dict[str, Any] = {"hostname": "mail.test", "enable_SMTPUTF8": True}
        if tls is not None:
            options |= {"authenticator": _authenticate, "auth_required": not implicit, "auth_require_tls": not implicit}
            options |= {} if implicit else {"tls_context": tls, "require_starttls": True}
        return SMTP(chosen, **options)

    loop = asyncio.get_running_loop()
    server = await loop.create_server(protocol, "127.0.0.1", port, ssl=tls if implicit else None)
    try:
        yield RunningServer(server.sockets[0].getsockname()[1], chosen)
    finally:
        server.close()
        await server.wait_closed()


def _authenticate(_server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: object) -> AuthResult:
    login = cast(LoginPassword, data)
    known = (login.login, login.password) == (b"munjigi", b"open sesame")
    return AuthResult(success=known, handled=known)
