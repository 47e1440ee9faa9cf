"""Another route table while requests are under way: none fails, what is the same stays, what is not is let go of."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

from gateway.exchange import Forward
from gateway.proxy.breaker import State
from gateway.routes.upstream import Bounds, Check, Ejection, Upstream
from tests.gateway.proxy.rig import Asked, Origin, Rig, holds, rigged
from tests.gateway.proxy.targets import GET, POST, kill, named, pool, pooled, says_nothing, target, upstream_of, who


async def test_what_is_the_same_keeps_its_connections_and_its_health(folder: Path) -> None:
    async with pooled(folder, 2, ejection=Ejection(3, 30.0, 30.0)) as rig:
        await kill(rig.targets[0])
        client = await rig.client()
        await who(client, 8)
        before = pool(rig)
        other = Upstream("other", "127.0.0.1:1")
        rig.door.use_upstreams([other, alike(before.upstream)])
        assert pool(rig) is before
        assert target(rig, 0).state is State.OPEN
        await who(client, 2)
        assert rig.targets[1].connections == 1
        assert set(rig.door.pools.by_name) == {"origin", "other"}


def alike(upstream: Upstream) -> Upstream:
    """Equal, and not the same."""
    return Upstream(upstream.name, upstream.address, upstream.more, ejection=upstream.ejection)


async def test_what_changed_is_let_go_of_when_its_last_exchange_is_over(folder: Path) -> None:
    go_on = asyncio.Event()

    async def slow(asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await go_on.wait()
        await named("slow")(asked, reader, writer)

    check = Check("/", interval=0.02)
    async with pooled(folder, 1, check=check, bounds=Bounds(connections=1)) as rig:
        client, waiting, idle = await rig.client(), await rig.client(), await rig.client()
        await who(idle, 1)
        rig.targets[0].behaviour = slow
        client.send(GET)
        await holds(lambda: target(rig, 0).outstanding == 1)
        waiting.send(GET)
        await holds(lambda: len(pool(rig).waiting) == 1)
        former = pool(rig)
        other = Origin(folder / "other.sock", named("other"))
        await other.start()
        rig.door.use_upstreams([upstream_of([f"unix:{other.path}"])])
        assert await who(idle, 2) == ["other"] * 2
        go_on.set()
        assert (await client.answer()).body == b"slow"
        assert (await waiting.answer()).body == b"slow"
        await holds(lambda: former not in rig.door.watch.watched)
        assert former.is_over
        asked = len(rig.targets[0].asked)
        await asyncio.sleep(0.1)
        assert len(rig.targets[0].asked) == asked  # nor is it checked any more
        await other.stop()


async def test_a_stop_closes_what_was_let_go_of_before(folder: Path) -> None:
    async with pooled(folder, 1) as rig:
        rig.targets[0].behaviour = says_nothing
        client = await rig.client()
        client.send(GET)
        await holds(lambda: target(rig, 0).outstanding == 1)
        former = pool(rig)
        rig.door.use_upstreams([])
        rig.door.use_upstreams([])
        rig.door.pools.close()
        await holds(lambda: former.is_over)


async def test_a_stop_finishes_what_waits_for_a_connection(folder: Path) -> None:
    async def slow(asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.05)
        await named("slow")(asked, reader, writer)

    async with pooled(folder, 2, bounds=Bounds(connections=1)) as rig:
        for origin in rig.targets:
            origin.behaviour = slow
        clients = [await rig.client() for _ in range(6)]
        for client in clients:
            client.send(POST)
        await holds(lambda: len(pool(rig).waiting) == 4)
        rig.stop.set()
        assert [(await client.answer()).body for client in clients] == [b"slow"] * 6
        await rig.serving


async def test_reloads_under_load_fail_nobody(folder: Path) -> None:
    """GETs and POSTs by many clients, while the table changes again and again between three shapes."""
    origins = [Origin(folder / f"o{number}.sock", named(f"o{number}")) for number in range(4)]
    for origin in origins:
        await origin.start()
    addresses = [f"unix:{origin.path}" for origin in origins]
    shapes = [
        upstream_of(addresses[:2]),
        upstream_of(addresses[2:]),
        upstream_of(addresses[1:3], bounds=Bounds(connections=2)),
    ]
    steady = Upstream("steady", addresses[3])
    over = False
    seen: Counter[tuple[int, bytes]] = Counter()

    async def asks(rig: Rig, number: int) -> None:
        client = await rig.client()
        while not over:
            request = POST if number % 2 else GET
            answer = await client.ask(request.replace(b" / ", b" /steady " if number % 3 == 0 else b" / "))
            seen[answer.status, answer.body] += 1

    def pipeline(head: object) -> Forward:
        return Forward("steady" if getattr(head, "path", b"") == b"/steady" else "origin")

    async with rigged(folder, upstream=shapes[0], pipeline=pipeline, patience=30) as rig:
        rig.door.use_upstreams([shapes[0], steady])
        kept = rig.door.pools.by_name["steady"]
        asking = [asyncio.ensure_future(asks(rig, number)) for number in range(12)]
        for turn in range(30):
            rig.door.use_upstreams([shapes[turn % 3], steady])
            enough = sum(seen.values()) + 50
            await holds(lambda enough=enough: sum(seen.values()) >= enough)
        over = True
        await asyncio.gather(*asking)
        assert {status for status, _ in seen} == {200}
        assert {body for _, body in seen} == {b"o0", b"o1", b"o2", b"o3"}
        assert rig.door.pools.by_name["steady"] is kept
    for origin in origins:
        await origin.stop()
