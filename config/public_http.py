"""HTTP/1.1 from strangers: uvicorn's protocol, with a bound on a request's head and on the time it takes to arrive.

uvicorn's own keeps whatever is sent until the head is complete, for as long as that takes. The gateway's data path has
bounds of its own (`gateway.proxy`).

What is asked most costs least: a document that is at hand leaves as it is, without the application and its task; an
application that has its whole answer hands it over by `WHOLE`, an extension of ASGI; and a head leaves with the body
behind it, since each write is a system call, and a packet.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

LARGEST_HEAD = 65_536
"""Bytes of request line and headers."""
ARRIVAL = 30.0
"""Seconds from the first byte of a request (or from the connection) until its last one."""
_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
_CONTROLS = bytes((*range(9), *range(10, 32), 127))
_FRAMING = (b"content-length", b"transfer-encoding")

AtHand = Callable[[bytes], bytes | None]
"""Of the target of a GET, to the letter: the headers and the body that follow the status line of a 200; None: it is for
the application. It is asked anew each time, and answers at once."""
Headers = Sequence[tuple[bytes, bytes]]
Whole = Callable[[int, Headers, bytes], bool]
"""Takes a whole answer: status, headers (names in lower case; `content-length` is
among them, and nothing else about the connection), body. False: it does not,
and the application has to send it."""
WHOLE: Final = "munjigi.whole"
"""Where in `scope["extensions"]` it is."""


def with_documents(at_hand: AtHand) -> Callable[..., asyncio.Protocol]:
    """The protocol, with documents."""
    return partial(PublicHttpProtocol, at_hand=at_hand)


class PublicHttpProtocol(HttpToolsProtocol):
    """For `serve_application(…, http=PublicHttpProtocol, ws="none")`."""

    _head: int | None = None
    """Bytes of the head that is arriving."""
    _due: float | None = None
    """When what is waited for must have come, by the loop's clock: a whole request, or the beginning of another."""
    _resting: bool = False
    """Whether it is the beginning."""
    _patience: asyncio.TimerHandle | None = None
    _looks_at: float = 0.0
    """When that timer does."""
    _document: bytes | None = None
    """The answer to the request that is arriving."""
    _answered: RequestResponseCycle
    """What the application is answering."""

    def __init__(self, *arguments: Any, at_hand: AtHand | None = None, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._at_hand = at_hand

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self._wait(ARRIVAL)

    def connection_lost(self, exc: Exception | None) -> None:
        self._due = None
        if self._patience is not None:
            self._patience.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._head is None or self.transport.is_closing():
            return
        self._head += len(data)
        if self._head > LARGEST_HEAD:
            self.transport.write(_TOO_LARGE)
            self.transport.close()

    def on_message_begin(self) -> None:
        self._head = 0
        if self._due is None or self._resting:
            self._wait(ARRIVAL)
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._head = None
        if self._at_hand is not None and self._is_plain():
            self._document = self._at_hand(self.url)
        if self._document is None:
            super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._due = None
        if self._document is None:
            super().on_message_complete()
            return
        document, self._document = self._document, None
        own = _written(self.server_state.default_headers) or b""
        self.transport.write(b"".join((STATUS_LINE[200], own, document)))
        self.server_state.total_requests += 1
        self._wait(self.timeout_keep_alive, resting=True)

    def on_response_complete(self) -> None:
        """In the place of uvicorn's, which makes a timer after each answer, and cancels it for each request."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        elif self._due is None:
            self._wait(self.timeout_keep_alive, resting=True)

    def _is_plain(self) -> bool:
        """Whether the request is a GET with nothing to it, and nobody before it waits for an answer."""
        parser = self.parser
        return (
            parser.get_method() == b"GET"
            and parser.get_http_version() == "1.1"
            and parser.should_keep_alive()
            and not parser.should_upgrade()
            and not self.expect_100_continue
            and not self.flow.write_paused
            and (self.cycle is None or self.cycle.response_complete)
            and not any(name in _FRAMING for name, _ in self.headers)
        )

    def _wait(self, seconds: float, *, resting: bool = False) -> None:
        """One timer a connection, which looks again, and not one for each request."""
        self._due, self._resting = self.loop.time() + seconds, resting
        if self._patience is None or self._looks_at > self._due:
            self._look_at(self._due)

    def _look_at(self, moment: float) -> None:
        if self._patience is not None:
            self._patience.cancel()
        self._looks_at, self._patience = moment, self.loop.call_at(moment, self._look_again)

    def _look_again(self) -> None:
        self._patience = None
        if self._due is None:
            return
        if self.loop.time() >= self._due:
            self.transport.close()
        else:
            self._look_at(self._due)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._answered = cycle
        cycle.transport = _HeadWithBody(self.transport, self.loop)
        cycle.scope["extensions"] = {WHOLE: self._answer}  # type: ignore[dict-item]  # uvicorn knows dicts alone
        super()._start_asgi_task(cycle, app)

    def _answer(self, status: int, headers: Headers, body: bytes) -> bool:
        """`Whole`, of the one request that is being answered."""
        cycle = self._answered
        if cycle.response_started or cycle.disconnected or self.flow.write_paused or cycle.scope["method"] == "HEAD":
            return False
        fields = _written(self.server_state.default_headers, headers)
        if fields is None or (b"content-length", b"%d" % len(body)) not in headers:
            return False  # uvicorn says what is wrong
        end = b"\r\n" if cycle.keep_alive else b"connection: close\r\n\r\n"
        cycle.response_started = cycle.response_complete = True
        cycle.message_event.set()
        self.transport.write(b"".join((STATUS_LINE[status], fields, end, body)))
        if not cycle.keep_alive:
            self.transport.close()
        cycle.on_response()
        return True


def _written(*headers: Headers) -> bytes | None:
    """The lines of these headers; None where a control character is in one: it could begin another header."""
    lines = [b"%b: %b\r\n" % field for part in headers for field in part]
    text = b"".join(lines)
    return text if len(text.translate(None, _CONTROLS)) == len(text) - 2 * len(lines) else None


class _HeadWithBody(asyncio.Transport):
    """What one answer is written to: its head waits for what follows it, until the end of the loop's turn."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._head: bytes | None = None
        self._gone = False

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        if self._gone:
            self._transport.write(data)
        elif self._head is None:
            self._head = bytes(data)
            self._loop.call_soon(self._send)
        else:
            self._send(data)

    def close(self) -> None:
        self._send()
        self._transport.close()

    def is_closing(self) -> bool:
        return self._transport.is_closing()

    def _send(self, more: bytes | bytearray | memoryview[Any] = b"") -> None:
        if not self._gone and self._head is not None:
            self._gone = True
            self._transport.write(self._head + more)
