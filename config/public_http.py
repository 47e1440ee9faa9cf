"""HTTP/1.1 from strangers: uvicorn's protocol, with a bound on a request's head and on the time it takes to arrive.

uvicorn's own keeps whatever is sent until the head is complete, for as long as that takes. The gateway's data path has
bounds of its own (`gateway.proxy`).

Documents that are at hand are answered without a task: to begin and end one costs more than some of the answers. A head
leaves with the body behind it: each write is a system call, and a packet.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Coroutine, Generator
from contextvars import copy_context
from functools import partial
from types import coroutine
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

LARGEST_HEAD = 65_536
"""Bytes of request line and headers."""
ARRIVAL = 30.0
"""Seconds from the first byte of a request (or from the connection) until its last one."""
_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


def with_documents(paths: Collection[str]) -> Callable[..., asyncio.Protocol]:
    """The protocol, for an application that answers a GET of these paths without waiting for anything."""
    return partial(PublicHttpProtocol, at_once=frozenset(paths))


class PublicHttpProtocol(HttpToolsProtocol):
    """For `serve_application(…, http=PublicHttpProtocol, ws="none")`."""

    _head: int | None = None
    """Bytes of the head that is arriving."""
    _due: float | None = None
    """When the request that is arriving must have arrived, by the loop's clock."""
    _patience: asyncio.TimerHandle | None = None

    def __init__(self, *arguments: Any, at_once: Collection[str] = (), **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._at_once = at_once

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self._be_patient()

    def connection_lost(self, exc: Exception | None) -> None:
        self._rest()
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
        self._be_patient()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._head = None
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._rest()
        super().on_message_complete()

    def _be_patient(self) -> None:
        if self._due is None:
            self._due = self.loop.time() + ARRIVAL
            if self._patience is None:  # one timer a connection, which looks again: not one a request
                self._patience = self.loop.call_at(self._due, self._look_again)

    def _rest(self) -> None:
        self._due = None

    def _look_again(self) -> None:
        self._patience = None
        if self._due is None:
            return
        if self.loop.time() >= self._due:
            self.transport.close()
        else:
            self._patience = self.loop.call_at(self._due, self._look_again)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        cycle.transport = _HeadWithBody(self.transport, self.loop)
        if cycle.scope["path"] not in self._at_once or cycle.scope["method"] != "GET":
            super()._start_asgi_task(cycle, app)
            return
        going, context = cycle.run_asgi(app), copy_context()
        try:
            waited = context.run(going.send, None)
        except StopIteration:
            return
        task = self.loop.create_task(_go_on(going, waited), context=context)
        task.add_done_callback(self.tasks.discard)
        self.tasks.add(task)


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


@coroutine
def _go_on(begun: Coroutine[Any, Any, None], waited: Any) -> Generator[Any, Any, None]:
    """A coroutine that was begun by hand and waits for something after all: for a client that reads slowly, say."""
    while True:
        try:
            try:
                value = yield waited
            except BaseException as error:
                waited = begun.throw(error)
            else:
                waited = begun.send(value)
        except StopIteration:
            return
