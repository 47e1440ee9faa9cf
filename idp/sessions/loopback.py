"""Names under `localhost` are this machine's (RFC 6761, section 6.3), whether its resolver knows them or not."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

from config.this_machine import LOOPBACK


def reachable(uri: str) -> tuple[str, str | None]:
    """Where to connect for a URI, and the `Host` header where that is not what the address says."""
    parts = urlsplit(uri)
    if not (parts.hostname or "").endswith(".localhost"):
        return uri, None
    netloc = LOOPBACK if parts.port is None else f"{LOOPBACK}:{parts.port}"
    return urlunsplit(parts._replace(netloc=netloc)), parts.netloc
