"""TLS towards an upstream: whose certificates are believed, under which name, and which one is shown."""

from __future__ import annotations

import hashlib
import re
import ssl
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?|[0-9a-f:.]+")


class TlsEntry(msgspec.Struct, forbid_unknown_fields=True):
    """`tls` of an upstream, as it stands in the file of routes."""

    ca: str | None = None
    server_name: str | None = None
    certificate: str | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class UpstreamTls:
    """Equal where the same is believed and shown."""

    server_name: str | None
    """The name that the certificate must bear; None: the host of the target."""
    files: tuple[Path, ...]
    digest: bytes
    """Of what stood in them."""
    context: ssl.SSLContext = field(compare=False, repr=False)


def read_tls(where: str, entry: TlsEntry, targets: tuple[str, ...]) -> UpstreamTls:
    """What an entry means, its files read now: a file that changes makes another one at the next look.

    Raises `ValueError`, naming the entry.
    """
    if entry.server_name is not None and not _NAME.fullmatch(entry.server_name):
        raise ValueError(f"{where}.server_name: a lower-case host name or an address")
    if entry.server_name is None and any(target.startswith("unix:") for target in targets):
        raise ValueError(f"{where}.server_name: needed, since the target that is a socket has no name of its own")
    if (entry.certificate is None) != (entry.key is None):
        raise ValueError(f"{where}: certificate and key together, or neither")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    files: list[Path] = []
    digest = hashlib.sha256()
    for name, value in (("ca", entry.ca), ("certificate", entry.certificate), ("key", entry.key)):
        if value is not None:
            content = _read(f"{where}.{name}", value)
            digest.update(b"%b %d " % (name.encode(), len(content)) + content)
            files.append(Path(value))
    try:
        if entry.ca is None:
            context.load_default_certs()
        else:
            context.load_verify_locations(cafile=entry.ca)
    except (ssl.SSLError, OSError) as error:
        raise ValueError(f"{where}.ca: {entry.ca} holds no certificates in PEM") from error
    if entry.certificate is not None and entry.key is not None:
        try:
            context.load_cert_chain(entry.certificate, entry.key, password=_no_password)
        except (ssl.SSLError, OSError, _Encrypted) as error:
            why = "the key is encrypted" if isinstance(error, _Encrypted) else "they do not belong together"
            raise ValueError(f"{where}.key: {entry.key} with {entry.certificate}: {why}, or are not PEM") from error
    return UpstreamTls(entry.server_name, tuple(files), digest.digest(), context)


class _Encrypted(Exception):
    """Nobody is there who could be asked for a password."""


def _no_password() -> str:
    raise _Encrypted


def _read(where: str, path: str) -> bytes:
    if not path.startswith("/"):
        raise ValueError(f"{where}: an absolute path")
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise ValueError(f"{where}: {path}: {error.strerror}") from error
