"""Clients that send or read a byte now and then, and addresses that hold many connections. Time is moved by hand."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from config.client_address import ClientAddresses
from gateway.exchange import OwnPage, RequestHead, Verdict
from gateway.limits.connections import PerAddress
from gateway.proxy.client_connection import Hold
from gateway.proxy.limits import Limits
from tests.gateway.proxy.rig import Asked, Client, Rig, free_port, holds, rigged, says

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\n"
PATIENT = Limits(body_idle=1e6, slow_reader=1e6, first_byte=1e6, stream_idle=1e6)
"""Nothing but the pace ends anything."""


def connection(rig: Rig) -> Any:
    """The one client's."""
    return next(one for one in rig.door.watch.watched if hasattr(one, "_body"))


def pass_time(rig: Rig, seconds: float) -> None:
    """As the watch would, were it so much later."""
    door = rig.door
    door.watch.stop()
    door.watch.now += seconds
    for watched in tuple(door.watch.watched):
        watched.check(door.watch.now)


async def drip(rig: Rig, client: Client, pieces: int, size: int) -> None:
    """One piece of a body each second."""
    there = connection(rig)
    for _ in range(pieces):
        wanted = there._body_size + size
        client.send(b"x" * size)
        await holds(lambda wanted=wanted: there._body_size >= wanted or there._body is None)
        pass_time(rig, 1.0)


async def test_a_body_that_drips_is_given_up_although_each_byte_is_in_time(folder: Path) -> None:
    async with rigged(folder, limits=PATIENT) as rig:
        client = await rig.client()
        client.send(POST + b"Content-Length: 100000\r\n\r\nx")
        await holds(lambda: rig.origin.connections == 1)
        pass_time(rig, 0)
        await drip(rig, client, 20, 400)
        answer = await client.answer()
        assert (answer.status, json.loads(answer.body)["code"]) == (408, "MJ-GATEWAY-107")
        assert rig.door.slow_clients == 1
        await holds(lambda: rig.origin.closed == 1)


async def test_a_body_at_the_least_pace_goes_on(folder: Path) -> None:
    async with rigged(folder, limits=PATIENT) as rig:
        client = await rig.client()
        client.send(POST + b"Content-Length: 30000\r\n\r\n")
        await holds(lambda: rig.origin.connections == 1)
        pass_time(rig, 0)
        await drip(rig, client, 50, 600)
        assert (await client.answer()).status == 200
        assert rig.door.slow_clients == 0


async def test_a_body_that_an_own_page_waits_for_is_given_up_too(folder: Path) -> None:
    def own(head: RequestHead) -> Verdict:
        return OwnPage({})

    async with rigged(folder, limits=PATIENT, pipeline=own) as rig:
        client = await rig.client()
        client.send(POST + b"Content-Length: 100000\r\n\r\nx")
        await holds(lambda: len(rig.heads) == 1)
        pass_time(rig, 0)
        pass_time(rig, 21)
        assert await client.rest() == b""
        assert rig.door.slow_clients == 1


async def test_a_client_whose_upstream_is_slow_is_not_to_blame(folder: Path) -> None:
    async with rigged(folder, limits=PATIENT) as rig:
        rig.origin.reads_body = False
        proceed = asyncio.Event()

        async def stall(asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await proceed.wait()
            await reader.readexactly(30_000_000)
            await says(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")(asked, reader, writer)

        rig.origin.behaviour = stall
        client = await rig.client()
        client.send(POST + b"Content-Length: 30000000\r\n\r\n" + b"x" * 30_000_000)
        await holds(lambda: bool(connection(rig)._held & Hold.UPSTREAM_SLOW))
        for _ in range(5):
            pass_time(rig, 21)
        proceed.set()
        assert (await client.answer()).status == 200
        assert rig.door.slow_clients == 0


async def test_once_an_answer_streams_the_body_may_come_as_it_likes(folder: Path) -> None:
    async def talk(asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n")
        assert await reader.readexactly(6) == b"1\r\nx\r\n"
        writer.write(b"0\r\n\r\n")

    async with rigged(folder, behaviour=talk, limits=PATIENT) as rig:
        rig.origin.reads_body = False
        client = await rig.client()
        client.send(POST + b"Transfer-Encoding: chunked\r\n\r\n")
        await client.reader.readuntil(b"hi\r\n")
        for _ in range(5):
            pass_time(rig, 21)
        client.send(b"1\r\nx\r\n")
        assert (await client.reader.readuntil(b"0\r\n\r\n")).endswith(b"0\r\n\r\n")


BIG = 16 << 20


async def reading_slowly(rig: Rig) -> Client:
    """A client that has asked for much and reads nothing of it."""
    client = await rig.client()
    client.writer.transport.pause_reading()  # type: ignore[attr-defined]  # a Transport reads too
    client.send(GET)
    await holds(lambda: rig.door.clients == 1 and connection(rig)._write_paused_at < float("inf"))
    return client


async def test_a_client_that_reads_a_byte_now_and_then_is_dropped(folder: Path) -> None:
    big = says(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % BIG + b"x" * BIG)
    async with rigged(folder, behaviour=big, limits=PATIENT) as rig:
        await reading_slowly(rig)
        pass_time(rig, 0)
        pass_time(rig, 19)
        assert rig.door.clients == 1
        pass_time(rig, 1)
        await holds(lambda: rig.door.clients == 0)
        assert rig.door.slow_clients == 1


async def test_a_client_that_paused_and_reads_again_has_its_whole_window_next_time(folder: Path) -> None:
    big = says(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % BIG + b"x" * BIG)
    async with rigged(folder, behaviour=big, limits=PATIENT) as rig:
        client = await reading_slowly(rig)
        pass_time(rig, 0)
        pass_time(rig, 19)
        client.writer.transport.resume_reading()  # type: ignore[attr-defined]
        assert len((await client.answer()).body) == BIG
        client.writer.transport.pause_reading()  # type: ignore[attr-defined]
        client.send(GET)
        await holds(lambda: connection(rig)._write_paused_at < float("inf"))
        pass_time(rig, 19)
        assert rig.door.clients == 1
        client.writer.transport.resume_reading()  # type: ignore[attr-defined]
        assert len((await client.answer()).body) == BIG
        assert rig.door.slow_clients == 0


async def test_an_address_holds_so_many_connections_and_no_more(folder: Path) -> None:
    port = free_port()
    async with rigged(folder, listen=f"127.0.0.1:{port}", per_address=PerAddress(3)) as rig:
        clients = [Client(*await asyncio.open_connection("127.0.0.1", port)) for _ in range(4)]
        for client in clients[:3]:
            assert (await client.ask(GET)).status == 200
        refused = await clients[3].answer()
        assert (refused.status, json.loads(refused.body)["code"]) == (429, "MJ-GATEWAY-151")
        assert refused.values(b"retry-after") == [b"1"]
        assert await clients[3].rest() == b""
        assert rig.door.per_address.refused == 1
        clients[0].writer.close()
        await holds(lambda: rig.door.clients == 2)
        again = Client(*await asyncio.open_connection("127.0.0.1", port))
        assert (await again.ask(GET)).status == 200
        for client in (*clients, again):
            client.writer.close()
        await holds(lambda: rig.door.clients == 0)
        assert len(rig.door.per_address) == 0


async def test_a_trusted_proxy_brings_many_peoples_connections(folder: Path) -> None:
    port = free_port()
    trusted = ClientAddresses(["127.0.0.0/8"])
    async with rigged(folder, listen=f"127.0.0.1:{port}", per_address=PerAddress(1), addresses=trusted):
        clients = [Client(*await asyncio.open_connection("127.0.0.1", port)) for _ in range(4)]
        for client in clients:
            assert (await client.ask(GET)).status == 200
            client.writer.close()


def test_an_ipv6_subscriber_is_one_address_and_a_mapped_one_is_ipv4() -> None:
    held = PerAddress(2)
    assert [held.enter(f"2001:db8:1:2::{number}") for number in range(3)] == [True, True, False]
    assert held.enter("2001:db8:1:3::1")
    addresses = ClientAddresses()
    assert [held.enter(addresses.peer(f"::ffff:192.0.2.{number}")) for number in range(4)] == [True] * 4
    for _ in range(5):
        assert held.enter("")
    assert len(held) == 6
