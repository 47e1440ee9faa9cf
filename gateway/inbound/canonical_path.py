"""One form of a path for routing, policy and forwarding alike; whatever two readers might read in two ways is refused.

A path that is let through holds only `pchar` and `/` (RFC 3986, section 3.3), its unreserved characters stand bare and
the remaining percent-encodings in upper case (section 6.2.2), and it has no empty and no dot segments. Encodings that
some servers decode a second time, or treat as separators, are refused rather than kept: `%2F`, `%5C`, `%25`, `%3B`,
`%23`, `%3F`, controls, and what is not well-formed UTF-8 or would turn into a separator by compatibility folding.
"""

from __future__ import annotations

import re
import unicodedata

_SHAPE = re.compile(rb"(?:[A-Za-z0-9\-._~!$&'()*+,=:@/]|%[0-9A-Fa-f]{2})+")
_ESCAPE = re.compile(rb"%[0-9A-Fa-f]{2}")
_ESCAPES = re.compile(rb"(?:%[89A-F][0-9A-F])+")
_DOT_SEGMENT = re.compile(rb"/\.\.?(?:/|$)")
_QUERY = re.compile(rb"[!\"$-~]*")
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_REFUSED = frozenset(b"/\\%;#?\x7f") | frozenset(range(0x20))
_SEPARATORS = frozenset("/\\.%;#?")


class AmbiguousTarget(ValueError):
    """The request target has no one reading; answered with 400."""


def canonical_path(path: bytes) -> bytes:
    """The one form of an absolute path, without its query. Raises `AmbiguousTarget`."""
    if not path.startswith(b"/"):
        raise AmbiguousTarget("the target is not an absolute path")
    if _SHAPE.fullmatch(path) is None:
        raise AmbiguousTarget("the path holds a character that RFC 3986 does not allow there")
    if b"%" in path:
        path = _ESCAPE.sub(_normal_escape, path)
        for run in _ESCAPES.findall(path):
            _require_plain_text(run)
    if b"//" in path:
        raise AmbiguousTarget("the path has an empty segment")
    if _DOT_SEGMENT.search(path) is not None:
        raise AmbiguousTarget("the path has a dot segment")
    return path


def _normal_escape(escape: re.Match[bytes]) -> bytes:
    byte = int(escape[0][1:], 16)
    if byte in _REFUSED:
        raise AmbiguousTarget(f"the path holds {escape[0].decode('ascii')}")
    return bytes((byte,)) if byte in _UNRESERVED else escape[0].upper()


def _require_plain_text(escapes: bytes) -> None:
    try:
        text = bytes.fromhex(escapes.replace(b"%", b"").decode("ascii")).decode("utf-8")
    except UnicodeDecodeError:
        raise AmbiguousTarget("the path is not well-formed UTF-8") from None
    if any("\x80" <= character <= "\x9f" for character in text):
        raise AmbiguousTarget("the path holds a control character")
    if not _SEPARATORS.isdisjoint(unicodedata.normalize("NFKC", text)):
        raise AmbiguousTarget("the path holds a look-alike of a separator")


class CanonicalTargets:
    """`split` with a memory of recent paths; bounded, since paths come from outside."""

    def __init__(self, capacity: int = 4096) -> None:
        self._capacity = capacity
        self._known: dict[bytes, bytes] = {}

    def split(self, target: bytes) -> tuple[bytes, bytes]:
        """The canonical path and the raw query (without `?`) of a request target. Raises `AmbiguousTarget`."""
        path, _, query = target.partition(b"?")
        if query and _QUERY.fullmatch(query) is None:
            raise AmbiguousTarget("the query holds a character that RFC 3986 does not allow there")
        known = self._known.get(path)
        if known is None:
            known = canonical_path(path)
            if len(path) <= 256:
                if len(self._known) >= self._capacity:
                    self._known.clear()
                self._known[path] = known
        return known, query
