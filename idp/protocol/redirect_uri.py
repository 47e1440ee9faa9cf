"""Redirect URIs: which may be registered, which are a client's own, and how an answer is put on one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from urllib.parse import urlencode, urlsplit, urlunsplit

from config.this_machine import is_this_machine

_LOOPBACK = re.compile(r"(http://(?:127\.0\.0\.1|\[::1\]))(?::([1-9][0-9]{0,4}))?((?:/[!-~]*)?)")
_PRIVATE_USE = re.compile(r"[a-z][a-z0-9+-]*(?:\.[a-z0-9+-]+)+:/[!-~]*")


def is_registered(redirect_uri: str, registered: Iterable[str]) -> bool:
    """Whether a URI is a client's own, character by character (RFC 9700, section 2.1; RFC 3986, section 6.2.1).

    A native app listens on whatever port of a loopback address is free (RFC 8252, section 7.3): there, and nowhere
    else, the port may be another one.
    """
    own = frozenset(registered)
    if redirect_uri in own:
        return True
    portless = _without_loopback_port(redirect_uri)
    return portless is not None and any(_without_loopback_port(uri) == portless for uri in own)


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
    return parts.scheme == "https" or (parts.scheme == "http" and is_this_machine(host))


def is_registrable_by_native_app(uri: str) -> bool:
    """Whether an app that is installed on people's machines may register this URI (RFC 8252, section 7).

    Beside what everybody may, that is a scheme of its own which is a name of the DNS, turned round: without a dot
    (`javascript:`, `myapp:`) it is nobody's (section 7.1).
    """
    sound = _PRIVATE_USE.fullmatch(uri) is not None and "#" not in uri and "@" not in uri and "\\" not in uri
    return sound or is_registrable(uri)


def source(uri: str) -> str:
    """What a page's `form-action` must allow for a form to end up at a URI (Content Security Policy 3, 2.3.1)."""
    parts = urlsplit(uri)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else f"{parts.scheme}:"


def with_parameters(uri: str, parameters: Sequence[tuple[str, str]]) -> str:
    """The URI with parameters added to its query; what is there stays (RFC 6749, section 4.1.2)."""
    parts = urlsplit(uri)
    query = "&".join(part for part in (parts.query, urlencode(parameters)) if part)
    return urlunsplit(parts._replace(query=query))


def with_fragment(uri: str, parameters: Sequence[tuple[str, str]]) -> str:
    """The URI with parameters as its fragment, which no registered one has."""
    return f"{uri}#{urlencode(parameters)}"


def _without_loopback_port(uri: str) -> str | None:
    found = _LOOPBACK.fullmatch(uri)
    if found is None or int(found[2] or 0) > 65535:
        return None
    return found[1] + found[3]
