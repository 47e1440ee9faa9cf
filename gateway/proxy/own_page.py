"""The gateway's own pages: one request of a client's connection, served by the Starlette application.

uvicorn's `RequestResponseCycle` speaks ASGI; this hands it the head that the data path has already judged, so that an
own page sees the same canonical path, the same clean headers and the same client address as the pipeline did.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any, cast
from urllib.parse import unquote

from uvicorn._types import HTTPScope
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from gateway.exchange import OwnPage, RequestHead
from gateway.header import Header
from gateway.proxy.answer import CORRELATION

_logger = logging.getLogger("uvicorn.error")
HIGH_WATER = 64 * 1024


class OwnPageCycle:
    """One own page on its way."""

    def __init__(
        self,
        app: Any,
        head: RequestHead,
        verdict: OwnPage,
        *,
        transport: asyncio.Transport,
        peer: tuple[str, int] | None,
        server: tuple[str, int | None] | None,
        app_state: dict[str, Any],
        default_headers: list[Header],
        expects_continue: bool,
        keep_alive: bool,
        tasks: set[asyncio.Task[None]],
        ended: Callable[[], None],
        answered: Callable[[int, int], None],
    ) -> None:
        """`ended` is called when the response is complete or can no longer become so; `answered` of its status (0: not
        yet, or told before), and of each piece of its body how many bytes it has."""
        self._app = app
        self._answered = answered
        self._ended: Callable[[], None] | None = ended
        self._flow = FlowControl(transport)
        self._cycle = RequestResponseCycle(
            scope=cast("HTTPScope", scope_of(head, verdict, peer=peer, server=server, app_state=app_state)),
            transport=transport,
            flow=self._flow,
            logger=_logger,
            access_logger=_logger,
            access_log=False,
            default_headers=[*default_headers, (CORRELATION, head.correlation_id.encode("ascii"))],
            message_event=asyncio.Event(),
            expect_100_continue=expects_continue,
            keep_alive=keep_alive,
            on_response=self._end,
        )
        task = asyncio.get_running_loop().create_task(self._cycle.run_asgi(cast("Any", self._told)))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    async def _told(self, scope: Any, receive: Any, send: Any) -> None:
        async def sent(message: Any) -> None:
            self._answered(message.get("status", 0), len(message.get("body", b"")))
            await send(message)

        await self._app(scope, receive, sent)

    def feed(self, body: bytes, *, complete: bool) -> None:
        """More of the request's body; when much is unread the client's connection is paused until the page reads on."""
        if self._cycle.response_complete:
            return
        self._cycle.body += body
        self._cycle.more_body = not complete
        if len(self._cycle.body) > HIGH_WATER and not complete:
            self._flow.pause_reading()
        self._cycle.message_event.set()

    def writable(self, writable: bool) -> None:
        """The client takes more, or is slow."""
        if writable:
            self._flow.resume_writing()
        else:
            self._flow.pause_writing()

    def close_after(self) -> None:
        """Do not keep the connection after this response."""
        self._cycle.keep_alive = False

    def disconnect(self) -> None:
        """The client is gone."""
        self._cycle.disconnected = True
        self._cycle.message_event.set()
        self._flow.resume_writing()

    def _end(self) -> None:
        self._flow.resume_reading()
        ended, self._ended = self._ended, None
        if ended is not None:
            ended()


def scope_of(
    head: RequestHead,
    verdict: OwnPage,
    *,
    peer: tuple[str, int] | None,
    server: tuple[str, int | None] | None,
    app_state: dict[str, Any],
) -> dict[str, Any]:
    """The request as ASGI has it."""
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": head.method.decode("ascii"),
        "scheme": head.scheme,
        "path": unquote(head.path.decode("ascii")),
        "raw_path": head.path,
        "query_string": head.query,
        "root_path": "",
        "headers": head.headers,
        "client": (head.client, peer[1]) if peer is not None else None,
        "server": server,
        "state": {**app_state, **verdict.state},
    }
