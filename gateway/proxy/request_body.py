"""Where a request's body ends (RFC 9112, sections 6 and 7).

Own counting instead of the parser's, so that what follows a body stays unread until its turn, and so that chunks are
read strictly: CRLF everywhere, hexadecimal sizes without sign or prefix, no bare LF inside extensions.
"""

from __future__ import annotations

import re
from typing import Protocol

from gateway.exchange import Header

_HEXADECIMAL = frozenset(b"0123456789abcdefABCDEF")
_LONGEST_LINE = 256
_TRAILERS = 4096
_TRAILER = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):([\t\x20-\x7e\x80-\xff]*)")


class MalformedBody(ValueError):
    """The chunked framing is broken; the connection cannot be read any further."""


class RequestBody(Protocol):
    """A body of which some is still to come."""

    complete: bool
    chunked: bool

    def feed(self, data: bytes) -> tuple[bytes, bytes]:
        """The payload in `data`, and what stands behind the body's end. Raises `MalformedBody`."""


class SizedBody:
    """A body with a Content-Length."""

    __slots__ = ("_remaining", "complete")
    chunked = False

    def __init__(self, length: int) -> None:
        self._remaining = length
        self.complete = length == 0

    def feed(self, data: bytes) -> tuple[bytes, bytes]:
        if len(data) < self._remaining:
            self._remaining -= len(data)
            return data, b""
        end = self._remaining
        self._remaining = 0
        self.complete = True
        return data[:end], data[end:]


class ChunkedBody:
    """A body in chunks. Extensions are read and dropped."""

    __slots__ = ("_left", "_line", "_state", "_trailing", "complete", "trailers")
    chunked = True

    def __init__(self) -> None:
        self.complete = False
        self._state = self._size
        self._left = 0
        """Bytes of the current chunk that are still to come."""
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
            if self._left:
                piece = data[: self._left]
                payload.append(piece)
                self._left -= len(piece)
                data = data[len(piece) :]
                if not self._left:
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
        digits = line.partition(b";")[0].rstrip(b" \t") if b";" in line else line
        if not 1 <= len(digits) <= 15 or not _HEXADECIMAL.issuperset(digits):
            raise MalformedBody("the size of a chunk is not hexadecimal")
        self._left = int(digits, 16)
        if not self._left:
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
