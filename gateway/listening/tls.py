"""TLS at the gateway's own listener: files of certificates -> a context for handshakes (RFC 8446, RFC 9325).

A context is made whole or not at all, and never changed: connections that stand keep the one they began with.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509

from config.settings import WrongSettings

CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""Of TLS 1.2: forward secrecy and authenticated encryption alone (RFC 9325, section 4.2). TLS 1.3 has no others."""


class WrongCertificate(WrongSettings):
    """A file cannot be used; the message names it and says why."""


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """PEM files."""

    certificate: Path
    """The certificate, and behind it the chain up to an authority that clients know."""
    key: Path
    others: tuple[Path, ...] = ()
    """Certificates for other names, each a file with its chain and its key."""
    client_authorities: Path | None = None
    """Whose certificates clients may come with; None: nobody is asked for one."""
    client_required: bool = False
    """Whoever comes without one is not let in."""

    @property
    def all(self) -> tuple[Path, ...]:
        """Every file that there is to look at."""
        return (self.certificate, self.key, *self.others, *filter(None, (self.client_authorities,)))


def tls_context(files: TlsFiles) -> ssl.SSLContext:
    """The context for new handshakes. Raises `WrongCertificate`."""
    first = _one(files, files.certificate, files.key)
    by_name = {name: context for path in files.others for context in [_one(files, path, path)] for name in _names(path)}

    def choose(connection: ssl.SSLObject, asked: str | None, _first: ssl.SSLContext) -> None:
        if (found := _found(by_name, asked)) is not None:
            connection.context = found

    if by_name:
        first.sni_callback = choose
    return first


def _found(by_name: Mapping[str, ssl.SSLContext], asked: str | None) -> ssl.SSLContext | None:
    """By the name itself, or by a `*` in place of its first label (RFC 9525, section 6.3)."""
    if asked is None:
        return None
    name = asked.lower().rstrip(".")
    return by_name.get(name) or by_name.get("*." + name.partition(".")[2])


def _one(files: TlsFiles, certificate: Path, key: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(CIPHERS)
    context.set_alpn_protocols(["http/1.1"])
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    _readable(certificate)
    _readable(key)
    try:
        context.load_cert_chain(certificate, key, password=_no_password)
    except _Encrypted:
        raise WrongCertificate(f"{key}: the key is encrypted; write it without a password") from None
    except ssl.SSLError as error:
        raise WrongCertificate(f"{certificate}: {_why(error)}") from error
    if files.client_authorities is not None:
        _ask_for_certificates(context, files.client_authorities, required=files.client_required)
    return context


def _ask_for_certificates(context: ssl.SSLContext, authorities: Path, *, required: bool) -> None:
    _readable(authorities)
    try:
        context.load_verify_locations(authorities)
    except ssl.SSLError as error:
        raise WrongCertificate(f"{authorities}: {_why(error)}") from error
    context.verify_mode = ssl.CERT_REQUIRED if required else ssl.CERT_OPTIONAL
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # an authority below another one may stand here by itself
    # a resumed session is not verified again: whoever comes by a certificate proves it on every connection
    context.options |= ssl.OP_NO_TICKET
    context.num_tickets = 0


class _Encrypted(Exception):
    """Somebody is asked for a password."""


def _no_password() -> str:
    raise _Encrypted  # OpenSSL would ask at the terminal


def _readable(path: Path) -> None:
    try:
        path.open("rb").close()
    except OSError as error:
        raise WrongCertificate(f"{path}: {error.strerror}") from error


def _why(error: ssl.SSLError) -> str:
    if error.reason == "KEY_VALUES_MISMATCH":
        return "the key is another certificate's"
    return f"this is not PEM that can be used ({error.reason or 'no certificate found'})"


def _names(path: Path) -> Iterator[str]:
    """The DNS names of a file's first certificate (its common name is none: RFC 9525, section 2). `_one` read it."""
    found = x509.load_pem_x509_certificates(path.read_bytes())[0]
    try:
        names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        raise WrongCertificate(f"{path}: the certificate has no DNS name, so nobody would ever be shown it") from None
    yield from (name.lower() for name in names.get_values_for_type(x509.DNSName))
