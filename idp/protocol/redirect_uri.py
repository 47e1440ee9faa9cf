"""Redirect URIs: which may be registered, which are a client's own, and how an answer is put on one."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from urllib.parse import urlencode, urlsplit, urlunsplit


def is_registered(redirect_uri: str, registered: Iterable[str]) -> bool:
    """Whether a URI is a client's own, character by character (RFC 9700, section 2.1; RFC 3986, section 6.2.1)."""
    return redirect_uri in frozenset(registered)


def is_registrable(uri: str) -> bool:
    """Whether a client may register this URI.

    It is absolute, bears neither fragment (RFC 6749, section 3.1.2) nor user, and is `https`; `http` only on this
    very machine (RFC 8252, section 7.3; `localhost` and the names under it, RFC 6761, section 6.3).
    """
    if not uri.isascii() or any(character <= " " or character == "\\" for character in uri):
        return False
    try:
        parts = urlsplit(uri)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    if not host or "#" in uri or "@" in parts.netloc:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and _is_this_machine(host))


def with_parameters(uri: str, parameters: Sequence[tuple[str, str]]) -> str:
    """The URI with parameters added to its query; what is there stays (RFC 6749, section 4.1.2)."""
    parts = urlsplit(uri)
    query = "&".join(part for part in (parts.query, urlencode(parameters)) if part)
    return urlunsplit(parts._replace(query=query))


def _is_this_machine(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
