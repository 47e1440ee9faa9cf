"""Raw connections: whatever bytes go out, whatever came in is kept, and messages are read strictly from it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass, field

from tests.proxy_suite.strict import CHUNKED, NO_LENGTH, Ambiguous, Head, chunk_size, length_of, read_head

_LONGEST_LINE = 1 << 16
_LOOK = 0.02
"""Seconds between two looks whether something came."""


class Ended(Exception):
    """The other side closed in the middle of a message."""


class Wire:
    """One end of a connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.raw = bytearray()
        """All that came."""
        self.read = 0
        """How much of it was read as messages."""
        self.ended = False

    @property
    def unread(self) -> bytes:
        return bytes(self.raw[self.read :])

    def send(self, data: bytes) -> None:
        """Send these bytes; what the other side has closed already is no error."""
        if not self.writer.is_closing():
            self.writer.write(data)

    async def more(self) -> bool:
        """Wait for more to come; False: nothing will."""
        if self.ended:
            return False
        try:
            data = await self.reader.read(1 << 16)
        except OSError:
            data = b""
        self.ended = not data
        self.raw += data
        return bool(data)

    async def head(self) -> bytes | None:
        """The next head as it came, up to an empty line, however its lines end; None: nothing came before the end.

        Raises `Ended`.
        """
        looked = self.read
        while True:
            ends = [
                at + len(mark) for mark in (b"\r\n\r\n", b"\n\n", b"\n\r\n") if (at := self.raw.find(mark, looked)) >= 0
            ]
            if ends:
                raw = bytes(self.raw[self.read : min(ends)])
                self.read = min(ends)
                return raw
            looked = max(self.read, len(self.raw) - 4)
            if not await self.more():
                if self.unread:
                    raise Ended
                return None

    async def exactly(self, count: int) -> bytes:
        """So many bytes. Raises `Ended`."""
        while len(self.raw) - self.read < count:
            if not await self.more():
                raise Ended
        self.read += count
        return bytes(self.raw[self.read - count : self.read])

    async def line(self) -> bytes:
        """Up to the next LF. Raises `Ended`, `Ambiguous`."""
        while (end := self.raw.find(b"\n", self.read)) < 0:
            if len(self.raw) - self.read > _LONGEST_LINE:
                raise Ambiguous("a line without end")
            if not await self.more():
                raise Ended
        return await self.exactly(end + 1 - self.read)

    async def body(self, head: Head, *, answer: bool = False) -> bytes:
        """The body that a head announces. Raises `Ended`, `Ambiguous`."""
        length = length_of(head, answer=answer)
        if length == NO_LENGTH:
            while await self.more():
                pass
            return await self.exactly(len(self.raw) - self.read)
        if length != CHUNKED:
            return await self.exactly(length)
        body = bytearray()
        while size := chunk_size(await self.line()):
            body += await self.exactly(size)
            if await self.exactly(2) != b"\r\n":
                raise Ambiguous("a chunk does not end in CRLF")
        while (line := await self.line()) != b"\r\n":
            if not line.endswith(b"\r\n") or b":" not in line:
                raise Ambiguous("a trailer is malformed")
        return bytes(body)

    async def close(self) -> None:
        """Close at once."""
        self.writer.transport.abort()
        with contextlib.suppress(OSError):
            await self.writer.wait_closed()


@dataclass
class Answer:
    """A response as the client read it."""

    head: Head
    body: bytes = b""
    fault: str = ""
    """Why it is no whole, well-formed response; empty: it is one."""

    @property
    def status(self) -> int:
        return self.head.status


@dataclass
class Heard:
    """What a client heard on one connection."""

    answers: list[Answer] = field(default_factory=list)
    """The final ones, in order."""
    interim: list[int] = field(default_factory=list)
    fault: str = ""
    """What came is not HTTP/1.1."""
    closed: bool = False

    @property
    def statuses(self) -> list[int]:
        return [answer.status for answer in self.answers]


async def hear(wire: Wire, methods: list[str], *, patience: float, silence: float, most: int = 99) -> Heard:
    """Read answers to requests of these methods (GET, past the last) until the end, a fault, or silence.

    `patience`: seconds without a byte before the first answer, or within one; `silence`: those after it.
    `most`: no more answers than that, each of which has all patience.
    """
    heard = Heard()

    async def next_answer() -> bool:
        raw = await wire.head()
        if raw is None:
            heard.closed = True
            return False
        head = read_head(raw, answer=True)
        if head.status < 200:
            heard.interim.append(head.status)
            return head.status != 101
        answer = Answer(head, fault="it broke off")
        number = len(heard.answers)
        heard.answers.append(answer)
        if (methods[number] if number < len(methods) else "GET") != "HEAD" and head.status not in (204, 304):
            answer.body = await wire.body(head, answer=True)
        answer.fault = ""
        return len(heard.answers) < most

    async def all_answers() -> None:
        while await next_answer():
            pass

    reading = asyncio.ensure_future(all_answers())
    since, before = time.monotonic(), len(wire.raw)
    wanted = most if most < 99 else 1
    while not reading.done():
        await asyncio.wait([reading], timeout=_LOOK)
        if len(wire.raw) != before:
            since, before = time.monotonic(), len(wire.raw)
        quiet = len(heard.answers) >= wanted and not heard.answers[-1].fault and not wire.unread
        if time.monotonic() - since > (silence if quiet else patience):
            break
    reading.cancel()
    try:
        await reading
    except asyncio.CancelledError:
        pass
    except Ended:
        heard.closed = True
        heard.fault = "" if heard.answers and heard.answers[-1].fault else "it broke off"
    except Ambiguous as fault:
        heard.fault = str(fault)
        if heard.answers and heard.answers[-1].fault:
            heard.answers[-1].fault = heard.fault
    return heard
