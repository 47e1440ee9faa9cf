"""HTTP/1.1 as the strictest reader has it (RFC 9112): what two readers might read in two ways has no reading here."""

from __future__ import annotations

import re
from dataclasses import dataclass

_TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VALUE = re.compile(rb"[\t\x20-\x7e\x80-\xff]*")
_REQUEST_LINE = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+ [\x21-\x7e]+ HTTP/1\.[01]")
_STATUS_LINE = re.compile(rb"HTTP/1\.[01] [1-5][0-9]{2} [\t\x20-\x7e\x80-\xff]*")
_HOST = re.compile(rb"[A-Za-z0-9._~!$&'()*+,;=%\[\]:-]+")
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,15})(?:[ \t]*;[\t\x20-\x7e\x80-\xff]*)?")
_FRAMING = (b"content-length", b"transfer-encoding", b"host")
CHUNKED = -1
NO_LENGTH = -2


class Ambiguous(ValueError):
    """It has no one reading."""


@dataclass(frozen=True)
class Head:
    """Start line and fields."""

    start: bytes
    fields: tuple[tuple[bytes, bytes], ...]
    """Names in lower case, values without the white space around them."""

    def values(self, name: str) -> list[bytes]:
        """Of the lines of that lower-case name."""
        return [value for key, value in self.fields if key == name.encode()]

    @property
    def method(self) -> bytes:
        return self.start.split(b" ")[0]

    @property
    def target(self) -> bytes:
        return self.start.split(b" ")[1]

    @property
    def status(self) -> int:
        return int(self.start.split(b" ")[1])


def plain(name: bytes) -> bytes:
    """A field name as the sloppiest reader takes it."""
    return name.strip().lower().replace(b"_", b"-").replace(b".", b"-")


def read_head(raw: bytes, *, answer: bool = False) -> Head:
    """`raw`: from the start line to the empty line. Raises `Ambiguous`."""
    if (
        not raw.endswith(b"\r\n\r\n")
        or raw.count(b"\n") != raw.count(b"\r\n")
        or raw.count(b"\r") != raw.count(b"\r\n")
    ):
        raise Ambiguous("a line does not end in CRLF")
    start, *lines = raw[:-4].split(b"\r\n")
    if (_STATUS_LINE if answer else _REQUEST_LINE).fullmatch(start) is None:
        raise Ambiguous(f"start line {start[:60]!r}")
    fields = []
    for line in lines:
        name, colon, value = line.partition(b":")
        if not colon or _TOKEN.fullmatch(name) is None or _VALUE.fullmatch(value) is None:
            raise Ambiguous(f"field line {line[:60]!r}")
        if plain(name) in _FRAMING and name.lower() not in _FRAMING:
            raise Ambiguous(f"{name!r} looks like a field of the framing")
        fields.append((name.lower(), value.strip(b" \t")))
    head = Head(start, tuple(fields))
    hosts = head.values("host")
    if not answer and (len(hosts) != 1 or _HOST.fullmatch(hosts[0]) is None):
        raise Ambiguous("not one Host")
    length_of(head, answer=answer)
    return head


def length_of(head: Head, *, answer: bool = False) -> int:
    """Of the body that is announced: bytes, `CHUNKED`, or of an answer `NO_LENGTH`. Raises `Ambiguous`."""
    lengths, codings = head.values("content-length"), head.values("transfer-encoding")
    if codings:
        if lengths or len(codings) > 1 or codings[0].lower() != b"chunked":
            raise Ambiguous("its framing can be read in two ways")
        return CHUNKED
    if not lengths:
        return NO_LENGTH if answer else 0
    if len(lengths) > 1 or not lengths[0].isdigit() or len(lengths[0]) > 18:
        raise Ambiguous("Content-Length is not one number")
    return int(lengths[0])


def chunk_size(line: bytes) -> int:
    """Of a chunk whose first line is `line`, CRLF included. Raises `Ambiguous`."""
    match = _CHUNK.fullmatch(line[:-2]) if line.endswith(b"\r\n") else None
    if match is None:
        raise Ambiguous(f"chunk size {line[:40]!r}")
    return int(match[1], 16)
