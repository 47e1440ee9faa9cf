"""Listens for the proxies in front, beside the gateway's own listener and never on it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from config.client_address import ClientAddresses
from config.sections.gateway import GatewaySettings
from config.serving import listener
from gateway.doors.connection import DoorConnection
from gateway.doors.doors import Doors
from gateway.proxy.door import Door


@contextlib.asynccontextmanager
async def open_doors(
    door: Door, settings: GatewaySettings, authority: Callable[[bytes], str | None]
) -> AsyncIterator[None]:
    """Answer proxies at `gateway.decision_listen`, where it is set, until the context ends; what is being decided then
    is answered, for `door.limits.drain` seconds at most. `door` is being served meanwhile: its watch runs.

    `authority`: host and port as browsers name them, of a host. Raises `CannotListen`.
    """
    listen = settings.decision_listen
    if listen is None:
        yield
        return
    peers = None if listen.startswith("unix:") else ClientAddresses(settings.decision_peers)
    doors = Doors(door, peers, authority)
    taking = listener(listen, shared=settings.processes > 1)
    server = await asyncio.get_running_loop().create_server(lambda: DoorConnection(doors), sock=taking)
    try:
        yield
    finally:
        server.close()
        await _drain(doors)
        _remove(listen)


def _remove(listen: str) -> None:
    if listen.startswith("unix:"):
        Path(listen.removeprefix("unix:")).unlink(missing_ok=True)


async def _drain(doors: Doors) -> None:
    if not doors.connections:
        return
    doors.nobody.clear()
    for connection in tuple(doors.connections):
        connection.drain()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(doors.door.limits.drain):
            await doors.nobody.wait()
    for connection in tuple(doors.connections):
        connection.cut()
