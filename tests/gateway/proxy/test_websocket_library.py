"""A websocket library on both sides: what its ends agree upon passes through (RFC 6455, RFC 7692)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, unix_serve
from websockets.exceptions import ConnectionClosedError, ConnectionClosedOK

from gateway.routes.upstream import Upstream
from tests.gateway.proxy.authority import Authority
from tests.gateway.proxy.rig import free_port, rigged


async def echo(there: ServerConnection) -> None:
    async for message in there:
        if message == "bye":
            await there.close(4321, "as asked")
        elif message == "ping me":
            await (await there.ping(b"from the service"))
            await there.send("ponged")
        else:
            await there.send(message)


@asynccontextmanager
async def through(folder: Path, **options: object) -> AsyncIterator[ClientConnection]:
    """A library's client, the gateway with TLS, a library's server."""
    authority, port = Authority(folder), free_port()
    path = str(folder / "library.sock")
    async with (
        unix_serve(echo, path, select_subprotocol=lambda _, offered: offered[-1] if offered else None),
        rigged(folder, listen=f"127.0.0.1:{port}", certificates=authority.certificates(), patience=30) as rig,
    ):
        rig.door.use_upstreams([Upstream("origin", f"unix:{path}")])
        async with connect(
            f"wss://localhost:{port}/live", ssl=authority.trusting(), host="127.0.0.1", proxy=None, **options
        ) as here:
            yield here


async def test_subprotocol_and_compression_are_agreed_by_the_two_ends(folder: Path) -> None:
    async with through(folder, subprotocols=["v2", "v1"]) as here:
        assert here.subprotocol == "v1"
        assert [extension.name for extension in here.protocol.extensions] == ["permessage-deflate"]
        for message in ("문지기" * 50_000, b"\x00\xff" * 100_000, ""):
            await here.send(message)
            assert await here.recv() == message
    async with through(folder, compression=None) as here:
        assert here.subprotocol is None
        assert here.protocol.extensions == []


async def test_fragments_and_pings_pass_both_ways(folder: Path) -> None:
    async with through(folder) as here:
        await here.send(piece for piece in ("a", "b" * 70_000, "c"))
        assert await here.recv() == "a" + "b" * 70_000 + "c"
        await (await here.ping(b"from the client"))
        await here.send("ping me")
        assert await here.recv() == "ponged"


async def test_close_codes_pass_both_ways(folder: Path) -> None:
    async with through(folder) as here:
        await here.send("bye")
        with pytest.raises(ConnectionClosedError) as closed:
            await here.recv()
        assert closed.value.rcvd is not None
        assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (4321, "as asked")
    async with through(folder) as here:
        waiting = asyncio.create_task(here.recv())
        await here.close(1000, "done")
        with pytest.raises(ConnectionClosedOK):
            await waiting
        assert (here.close_code, here.close_reason) == (1000, "done")
