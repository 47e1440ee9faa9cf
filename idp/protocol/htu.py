"""The address that a DPoP proof names (`htu`), in one form (RFC 9449, section 4.3; RFC 3986, 6.2.2 and 6.2.3)."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

LONGEST = 8192
_DEFAULT_PORTS = {"http": 80, "https": 443}
_ESCAPE = re.compile(r"%[0-9A-Fa-f]{2}")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_FORBIDDEN = frozenset('"<>\\^`{|}')


def normal_htu(uri: str) -> str | None:
    """Scheme, authority and path of an absolute `http` or `https` URI; None: it is none.

    Query and fragment are left out; the scheme and host are in lower case, the default port is left out, escapes of
    unreserved characters stand bare and the others in upper case, dot segments are resolved, an empty path is `/`.
    """
    if len(uri) > LONGEST or not uri.isascii() or any(c <= " " or c == "\x7f" or c in _FORBIDDEN for c in uri):
        return None
    try:
        parts = urlsplit(uri)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme not in _DEFAULT_PORTS or not host or "@" in parts.netloc:
        return None
    if len(_ESCAPE.findall(parts.path)) != parts.path.count("%"):
        return None
    shown = f"[{host}]" if ":" in host else host
    shown += "" if port in (None, _DEFAULT_PORTS[parts.scheme]) else f":{port}"
    return f"{parts.scheme}://{shown}{_without_dots(_ESCAPE.sub(_normal_escape, parts.path))}"


def _normal_escape(escape: re.Match[str]) -> str:
    character = chr(int(escape[0][1:], 16))
    return character if character in _UNRESERVED else escape[0].upper()


def _without_dots(path: str) -> str:
    """RFC 3986, section 5.2.4, of a path that is absolute or empty."""
    kept: list[str] = []
    segments = path.split("/")[1:]
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    if segments and segments[-1] in (".", ".."):
        kept.append("")
    return "/" + "/".join(kept)
