"""Patterns of canonical paths: `/products`, `/products/:id`, `/products/*` (all below), `/products/**` (and itself).

`:name` stands for one segment that is not empty. `:name` and `/*` mean what Casbin's keyMatch2 makes of them; other
characters mean themselves, a dot too, which keyMatch2 takes for any character.
"""

from __future__ import annotations

import re
from enum import IntEnum

import msgspec

LONGEST = 1000
_SEGMENT = re.compile(r"[A-Za-z0-9._~!$&'()+,;=@%-]*")  # pchar of RFC 3986, section 3.3, but `*` and `:`
_ESCAPE = re.compile(r"%(.{0,2})")
_BYTE = re.compile(r"[0-9A-F]{2}")
_BARE = re.compile(r"[A-Za-z0-9._~-]")
_REFUSED = frozenset("/\\%;#?\x7f") | frozenset(map(chr, range(0x20)))
_NAME = re.compile(r":[A-Za-z_][A-Za-z0-9_]*")


class WrongPattern(ValueError):
    """A pattern that cannot be used; the message says why."""


class Tail(IntEnum):
    """What may follow the segments of a pattern."""

    NOTHING = 0
    BELOW = 1
    HERE_AND_BELOW = 2


class PathPattern(msgspec.Struct, frozen=True):
    """A pattern that was read: its segments (None: any one that is not empty) and what may follow them."""

    text: str
    segments: tuple[str | None, ...]
    tail: Tail


def parse(text: str) -> PathPattern:
    """Read one pattern. Raises `WrongPattern`."""
    if not text.startswith("/"):
        raise WrongPattern(f"a path begins with a slash: {text[:100]!r}")
    if len(text) > LONGEST:
        raise WrongPattern(f"a path pattern has at most {LONGEST} characters")
    parts = text[1:].split("/")
    tail = Tail.NOTHING
    if parts[-1] in ("*", "**"):
        tail = Tail.BELOW if parts.pop() == "*" else Tail.HERE_AND_BELOW
    segments: list[str | None] = []
    for part in parts:
        if _SEGMENT.fullmatch(part):
            segments.append(part)
        elif _NAME.fullmatch(part):
            segments.append(None)
        else:
            raise WrongPattern(f"not a segment of a path pattern: {part!r}; `*` and `**` stand only at the end")
    if "" in segments[:-1] or (tail and segments[-1:] == [""]):
        raise WrongPattern(f"a canonical path has no empty segment inside: {text!r}")
    return PathPattern(text, tuple(segments), tail)


def reachable(pattern: PathPattern) -> bool:
    """Whether some canonical path may match: those have no dot segment, no `;`, and no escape of what stands bare (RFC
    3986, section 6.2.2) or is refused."""
    return all(segment is None or _canonical(segment) for segment in pattern.segments)


def _canonical(segment: str) -> bool:
    if segment in (".", "..") or ";" in segment:
        return False
    if "%" not in segment:
        return True
    for escape in _ESCAPE.findall(segment):
        if not _BYTE.fullmatch(escape):
            return False
        character = chr(int(escape, 16))
        if character in _REFUSED or _BARE.fullmatch(character):
            return False
    return True


def matches(path: str, pattern: str) -> bool:
    """The plain meaning of a pattern, as Casbin's matcher calls it; the snapshot's index must agree with it."""
    read = parse(pattern)
    expression = "".join("/[^/]+" if segment is None else "/" + re.escape(segment) for segment in read.segments)
    expression += ("", "/.*", "(?:/.*)?")[read.tail]
    return re.fullmatch(expression, path, re.DOTALL) is not None
