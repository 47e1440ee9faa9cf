"""Listens, serves and drains: uvicorn around `GatewayProtocol`."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

from uvicorn import Config, Server

from config.serving import listener
from gateway.proxy.door import Door
from gateway.proxy.http_protocol import GatewayProtocol


def protocol_class(door: Door) -> type[GatewayProtocol]:
    """The protocol class of one gateway, for `uvicorn.Config(http=...)`."""
    return type("BoundGatewayProtocol", (GatewayProtocol,), {"door": door})


class _Server(Server):
    def __init__(self, config: Config, ready: Callable[[], None], stop: asyncio.Event) -> None:
        super().__init__(config)
        self._ready = ready
        self._stop = stop

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self._ready()

    async def main_loop(self) -> None:
        while not self._stop.is_set():
            await self.on_tick(0)  # keeps the Date that generated answers carry
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), 1.0)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals belong to whoever sets `stop`."""
        yield


async def serve(door: Door, listen: str, ready: Callable[[], None], stop: asyncio.Event) -> None:
    """Serve until `stop` is set, then finish what is in flight within `door.limits.drain` seconds.

    `listen` is `host:port` or `unix:/path`; `ready` is called once connections are taken. The pools in `door` are
    closed at the end. Raises `CannotListen`.
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
    taking = listener(listen)
    server = _Server(config, ready, stop)
    door.watch.start(asyncio.get_running_loop())
    _collect_rarely()
    try:
        await server.serve(sockets=[taking])
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


def _collect_rarely() -> None:
    """Requests leave no circles behind, so the collector need not look at everything after every few hundred of them.

    What stands at the start stays for good, and is looked at no more.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
