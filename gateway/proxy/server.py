"""Listens, serves and drains: uvicorn around `GatewayProtocol`."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

from uvicorn import Config, Server

from gateway.proxy.door import Door
from gateway.proxy.http_protocol import GatewayProtocol


class ListenError(OSError):
    """The address cannot be listened on; the message names it."""


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
    closed at the end. Raises `ListenError`.
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
    listener = _listener(listen)
    server = _Server(config, ready, stop)
    door.watch.start(asyncio.get_running_loop())
    try:
        await server.serve(sockets=[listener])
    finally:
        for connection in list(server.server_state.connections):
            transport = getattr(connection, "transport", None)
            if transport is not None:
                transport.abort()
        for task in tuple(door.tasks):
            task.cancel()
        door.pools.close()
        door.watch.stop()
        listener.close()
        _remove(listen)
        await asyncio.sleep(0)


def _remove(listen: str) -> None:
    if listen.startswith("unix:"):
        Path(listen.removeprefix("unix:")).unlink(missing_ok=True)


def _listener(listen: str) -> socket.socket:
    if listen.startswith("unix:"):
        listener = socket.socket(socket.AF_UNIX)
        try:
            _remove(listen)
            listener.bind(listen.removeprefix("unix:"))
        except OSError as error:
            listener.close()
            raise ListenError(error.errno, f"cannot listen on {listen}: {error.strerror}") from error
        return listener
    host, _, port = listen.rpartition(":")
    host = host.strip("[]")
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, int(port)))
    except (OSError, ValueError) as error:
        listener.close()
        raise ListenError(getattr(error, "errno", None), f"cannot listen on {listen}: {error}") from error
    return listener
