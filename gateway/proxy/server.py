"""Listens, serves and drains: uvicorn around `GatewayProtocol`."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from uvicorn import Config, Server

from config.serving import collect_rarely, listener
from gateway.listening.certificates import Certificates
from gateway.proxy.door import Door
from gateway.proxy.http_protocol import GatewayProtocol

_SWITCH = 0.001
"""Seconds after which a thread that writes logs must let the event loop go on; clients would see Python's 5 ms."""
_CLOSE_NOTIFY = 2.0
"""Seconds that a client has to answer the end of a TLS connection."""


def protocol_class(door: Door) -> type[GatewayProtocol]:
    """The protocol class of one gateway, for `uvicorn.Config(http=...)`."""
    return type("BoundGatewayProtocol", (GatewayProtocol,), {"door": door})


class _Server(Server):
    def __init__(
        self,
        config: Config,
        taking: socket.socket,
        ready: Callable[[], None],
        stop: asyncio.Event,
        certificates: Certificates | None,
        handshake: float,
    ) -> None:
        super().__init__(config)
        self._taking = taking
        self._ready = ready
        self._stop = stop
        self._certificates = certificates
        self._handshake = handshake

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=[])
        if self._certificates is None:
            await self._listen(None)
        else:
            self._certificates.use = self._listen
            await self._listen(self._certificates.context)
        self._ready()

    async def _listen(self, context: ssl.SSLContext | None) -> None:
        """Take connections by this context from now on; those that stand, or shake hands, keep the one they have.

        The socket is listened on by both for an instant, so that nobody is turned away.
        """
        if self._stop.is_set():
            return
        server = await asyncio.get_running_loop().create_server(
            self._protocol,
            sock=self._taking.dup(),
            ssl=context,
            backlog=self.config.backlog,
            ssl_handshake_timeout=None if context is None else self._handshake,
            ssl_shutdown_timeout=None if context is None else _CLOSE_NOTIFY,
        )
        former, self.servers = self.servers, [server]
        for one in former:
            one.close()

    def _protocol(self) -> asyncio.Protocol:
        made: asyncio.Protocol = self.config.http_protocol_class(  # type: ignore[call-arg] # ours, as uvicorn calls it
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        return made

    async def main_loop(self) -> None:
        while not self._stop.is_set():
            await self.on_tick(0)  # keeps the Date that generated answers carry
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), 1.0)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals belong to whoever sets `stop`."""
        yield


async def serve(
    door: Door,
    listen: str,
    ready: Callable[[], None],
    stop: asyncio.Event,
    *,
    certificates: Certificates | None = None,
    shared: bool = False,
) -> None:
    """Serve until `stop` is set, then finish what is in flight within `door.limits.drain` seconds.

    `listen` is `host:port` or `unix:/path`; `ready` is called once connections are taken; with `certificates` they are
    TLS. `shared`: other processes listen there, too. The pools in `door` are closed at the end. Raises `CannotListen`.
    """
    config = Config(
        app=door.own_pages,
        http=protocol_class(door),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=max(1, round(door.limits.drain)),
    )
    taking = listener(listen, shared=shared)
    server = _Server(config, taking, ready, stop, certificates, door.limits.head_time)
    door.watch.start(asyncio.get_running_loop())
    collect_rarely()
    sys.setswitchinterval(_SWITCH)
    try:
        await server.serve()
    finally:
        for connection in list(server.server_state.connections):
            transport = getattr(connection, "transport", None)
            if transport is not None:
                transport.abort()
        for task in tuple(door.tasks):
            task.cancel()
        door.pools.close()
        door.watch.stop()
        taking.close()
        _remove(listen)
        await asyncio.sleep(0)


def _remove(listen: str) -> None:
    if listen.startswith("unix:"):
        Path(listen.removeprefix("unix:")).unlink(missing_ok=True)
