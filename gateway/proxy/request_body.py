"""Where a request's body ends (RFC 9112, sections 6 and 7).

Own counting instead of the parser's, so that what follows a body stays unread until its turn, and so that chunks are
read strictly: CRLF everywhere, hexadecimal sizes without sign or prefix, extensions and trailers that are as their
grammar has them (a quote that does not close would hide the end of a line from whoever honours quotes).
"""

from __future__ import annotations

import re
from typing import Protocol

from gateway.header import Header

_HEXADECIMAL = frozenset(b"0123456789abcdefABCDEF")
_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_QUOTED = rb'"(?:[\t \x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t\x20-\x7e\x80-\xff])*"'
_EXTENSIONS = re.compile(
    rb"[ \t]*(?:;[ \t]*" + _TOKEN + rb"(?:[ \t]*=[ \t]*(?:" + _TOKEN + rb"|" + _QUOTED + rb"))?[ \t]*)+"
)
_TRAILER = re.compile(rb"(" + _TOKEN + rb"):([\t\x20-\x7e\x80-\xff]*)")
_LONGEST_LINE = 256
_TRAILERS = 4096


class MalformedBody(ValueError):
    """The chunked framing is broken; the connection cannot be read any further."""


class RequestBody(Protocol):
    """A body of which some is still to come."""

    complete: bool
    chunked: bool
    announced: int
    """Bytes that are known to be still to come; there may be more."""

    def feed(self, data: bytes) -> tuple[bytes, bytes]:
        """The payload in `data`, and what stands behind the body's end. Raises `MalformedBody`."""


class SizedBody:
    """A body with a Content-Length."""

    __slots__ = ("announced", "complete")
    chunked = False

    def __init__(self, length: int) -> None:
        self.announced = length
        self.complete = length == 0

    def feed(self, data: bytes) -> tuple[bytes, bytes]:
        if len(data) < self.announced:
            self.announced -= len(data)
            return data, b""
        end = self.announced
        self.announced = 0
        self.complete = True
        return data[:end], data[end:]


class ChunkedBody:
    """A body in chunks. Extensions are read and dropped."""

    __slots__ = ("_line", "_state", "_trailing", "announced", "complete", "trailers")
    chunked = True

    def __init__(self) -> None:
        self.complete = False
        self._state = self._size
        self.announced = 0
        self._line = b""
        """The beginning of a line whose end has not come."""
        self._trailing = 0
        self.trailers: list[Header] = []
        """The fields behind the body, names in lower case (RFC 9112, section 7.1.2)."""

    def feed(self, data: bytes) -> tuple[bytes, bytes]:
        payload: list[bytes] = []
        data = self._line + data
        self._line = b""
        while data and not self.complete:
            if self.announced:
                piece = data[: self.announced]
                payload.append(piece)
                self.announced -= len(piece)
                data = data[len(piece) :]
                if not self.announced:
                    self._state = self._chunk_end
                continue
            end = data.find(b"\n")
            if end < 0:
                if len(data) > _LONGEST_LINE:
                    raise MalformedBody("a line of the chunked body is too long")
                if data.find(b"\r", 0, -1) >= 0:
                    raise MalformedBody("a CR without LF")
                self._line, data = data, b""
                break
            line, data = data[: end + 1], data[end + 1 :]
            if end > _LONGEST_LINE or not line.endswith(b"\r\n") or b"\r" in line[:-2] or b"\0" in line:
                raise MalformedBody("a line of the chunked body does not end in CRLF")
            self._state(line[:-2])
        return b"".join(payload), data

    def _size(self, line: bytes) -> None:
        digits = line
        if b";" in line:
            digits = line[: line.index(b";")].rstrip(b" \t")
            if _EXTENSIONS.fullmatch(line, len(digits)) is None:
                raise MalformedBody("the extension of a chunk is malformed")
        if not 1 <= len(digits) <= 15 or not _HEXADECIMAL.issuperset(digits):
            raise MalformedBody("the size of a chunk is not hexadecimal")
        self.announced = int(digits, 16)
        if not self.announced:
            self._state = self._trailer

    def _chunk_end(self, line: bytes) -> None:
        if line:
            raise MalformedBody("a chunk is longer than its size")
        self._state = self._size

    def _trailer(self, line: bytes) -> None:
        if not line:
            self.complete = True
            return
        self._trailing += len(line)
        found = _TRAILER.fullmatch(line)
        if self._trailing > _TRAILERS or found is None:
            raise MalformedBody("the trailers are malformed or too long")
        self.trailers.append((found[1].lower(), found[2].strip(b" \t")))
