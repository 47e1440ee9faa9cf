"""What reservation survives, point by point (`reservation.faults`): each request ends in exactly one result."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select

from config import key_space
from config.clock import SystemClock
from config.connections import Database, Valkey
from config.entropy import SystemEntropy
from config.settings import Settings
from tests.clock import FakeClock
from tests.upstreams.conftest import Client, Databases, Someone, open_wide
from tests.upstreams.test_reservations import CLASS, SEAT, all_decided, ask, asking, counts, drain
from upstreams.door.person import Person
from upstreams.reservation.desk import Desk
from upstreams.reservation.faults import Faults, Point
from upstreams.reservation.gate import Gate
from upstreams.reservation.queue import RequestQueue, shard_of_first
from upstreams.reservation.results import Teller
from upstreams.reservation.storage import decisions
from upstreams.reservation.storage.stores import postgresql_stores
from upstreams.reservation.storage.tables import request, result
from upstreams.reservation.worker import Worker, build
from upstreams.trade.allocation import Line


class Crash(Exception):
    """The process is gone."""


class CrashAt(Faults):
    """The process goes at one point, the first time it comes there."""

    def __init__(self, point: Point) -> None:
        self._point = point
        self.reached = False

    async def at(self, point: Point) -> None:
        if point == self._point and not self.reached:
            self.reached = True
            raise Crash


class HoldAt(Faults):
    """The process sleeps at one point until it is woken."""

    def __init__(self, point: Point) -> None:
        self._point = point
        self.there = asyncio.Event()
        self.go_on = asyncio.Event()

    async def at(self, point: Point) -> None:
        if point == self._point:
            self.there.set()
            await self.go_on.wait()


async def ticks() -> AsyncIterator[None]:
    """Moments, for as long as somebody looks."""
    while True:
        yield
        await asyncio.sleep(0.02)


def worker_with(settings: Settings, database: Database, valkey: Valkey, faults: Faults) -> Worker:
    return build(settings.reservation, database, valkey, SystemClock(), SystemEntropy(), faults=faults)


def desk_with(settings: Settings, database: Database, valkey: Valkey, faults: Faults) -> Desk:
    stores = postgresql_stores()
    teller = Teller(valkey, database, stores.happenings)
    return Desk(
        database, stores, RequestQueue(valkey), Gate(valkey), teller, SystemClock(), SystemEntropy(),
        shards=settings.reservation.shards, faults=faults,
    )  # fmt: skip


def person(of: Someone) -> Person:
    return Person(of.id, None, "", of.subject.sid)


async def left_at_the_gate(valkey: Valkey, sku: str) -> int | None:
    return (await Gate(valkey).see(sku)).left


async def results_of(database: Databases, ident: str) -> list[str]:
    async with database("reservation").connect() as tx:
        changes = await tx.scalars(
            select(result.c.kind).where(result.c.reservation == UUID(ident)).order_by(result.c.id)
        )
        decision = await decisions.of(tx, [UUID(ident)])
        return [*(event.news.kind for event in decision.values()), *changes]


@pytest.mark.parametrize("point", ["taken", "decided", "committed"])
async def test_a_worker_that_crashes(
    slots: Client, worker: Worker, valkey: Valkey, settings: Settings, database: Databases, point: Point
):
    """Before the commit nothing was done and it is done again; after it, the stored result is told again."""
    asked = await ask(slots, (SEAT, 2))
    queue, shard = RequestQueue(valkey), shard_of_first(SEAT, settings.reservation.shards)
    await queue.open(shard)
    crashing = worker_with(settings, database("reservation"), valkey, CrashAt(point))
    with pytest.raises(Crash):
        await crashing.process(shard, await queue.take(shard, "gone", count=9, wait=0.001))
    assert await results_of(database, asked["id"]) == (["held"] if point == "committed" else [])
    async with valkey.pubsub() as channel:
        await channel.subscribe(key_space.RESERVATION_RESULTS)
        assert (await channel.get_message(timeout=1))["type"] == "subscribe"
        await worker.process(shard, await queue.left(shard, count=9))
        told = await channel.get_message(timeout=1)
    assert asked["id"] in told["data"]
    assert await results_of(database, asked["id"]) == ["held"]
    assert await counts(database, SEAT) == (10, 2, 0)
    assert await valkey.xlen(key_space.reservation_shard(shard)) == 0


async def test_a_zombie_wakes_up(
    slots: Client, worker: Worker, valkey: Valkey, settings: Settings, database: Databases
):
    """It took a batch, slept while another took it over, and goes on as if nothing had been."""
    asked = await ask(slots, (SEAT, 2))
    queue, shard = RequestQueue(valkey), shard_of_first(SEAT, settings.reservation.shards)
    await queue.open(shard)
    asleep = HoldAt("taken")
    zombie = worker_with(settings, database("reservation"), valkey, asleep)
    going = asyncio.create_task(zombie.process(shard, await queue.take(shard, "zombie", count=9, wait=0.001)))
    async with asyncio.timeout(5):
        await asleep.there.wait()
        await worker.process(shard, await queue.left(shard, count=9))
        asleep.go_on.set()
        await going
    assert await results_of(database, asked["id"]) == ["held"]
    assert await counts(database, SEAT) == (10, 2, 0)


async def test_a_crash_after_the_gate_only_undersells(
    slots: Client, worker: Worker, valkey: Valkey, settings: Settings, database: Databases
):
    assert (await slots.get("/reservations")).status_code == 200
    desk = desk_with(settings, database("reservation"), valkey, CrashAt("gate_taken"))
    with pytest.raises(Crash):
        await desk.submit(person(slots.someone), [Line(SEAT, 4)], "a-key-of-mine")
    assert await left_at_the_gate(valkey, SEAT) == 6
    refused = await slots.post("/reservations", **asking((SEAT, 7)))
    assert refused.json()["code"] == "MJ-RSV-001"
    await worker._reconciler.count_gates()
    assert await left_at_the_gate(valkey, SEAT) == 10
    # the key was used for nothing: it may be used
    assert (await desk.submit(person(slots.someone), [Line(SEAT, 4)], "a-key-of-mine")).record.state == "QUEUED"


async def test_a_crash_before_the_line(slots: Client, valkey: Valkey, settings: Settings, database: Databases):
    clock = FakeClock(SystemClock().now())
    reconciling = build(settings.reservation, database("reservation"), valkey, clock, SystemEntropy())
    desk = desk_with(settings, database("reservation"), valkey, CrashAt("submitted"))
    with pytest.raises(Crash):
        await desk.submit(person(slots.someone), [Line(SEAT, 4)], "a-key-of-mine")
    again = await slots.post("/reservations", **asking((SEAT, 4), key="a-key-of-mine"))
    assert (again.status_code, again.json()["state"], again.json()["position"]) == (202, "QUEUED", None)
    clock.advance(11)
    assert await reconciling._reconciler.enqueue_again(10.0) == 1
    assert (await slots.get(f"/reservations/{again.json()['id']}")).json()["position"] == 1
    assert await drain(reconciling, RequestQueue(valkey), settings) == 1
    assert await counts(database, SEAT) == (10, 4, 0)


async def test_a_change_that_nobody_told(
    slots: Client, worker: Worker, valkey: Valkey, settings: Settings, database: Databases
):
    asked = await ask(slots, (SEAT, 2))
    await drain(worker, RequestQueue(valkey), settings)
    desk = desk_with(settings, database("reservation"), valkey, CrashAt("changed"))
    with pytest.raises(Crash):
        await desk.confirm(person(slots.someone), UUID(asked["id"]))
    later = build(
        settings.reservation, database("reservation"), valkey, FakeClock(SystemClock().now()), SystemEntropy()
    )
    later._reconciler._clock.advance(3)  # type: ignore[attr-defined]
    async with valkey.pubsub() as channel:
        await channel.subscribe(key_space.RESERVATION_RESULTS)
        assert (await channel.get_message(timeout=1))["type"] == "subscribe"
        await later._reconciler.round(())
        told = await channel.get_message(timeout=1)
        await later._reconciler.round(())
        assert await channel.get_message(timeout=0.05) is None
    assert '"kind":"confirmed"' in told["data"]


async def test_a_commit_of_which_nobody_knows(slots: Client, valkey: Valkey, settings: Settings, database: Databases):
    """The connection breaks at COMMIT: the batch is given again, and what is decided is read by its id."""

    class Lost(CrashAt):
        async def at(self, point: Point) -> None:
            try:
                await super().at(point)
            except Crash as error:
                raise OSError("the database is gone") from error

    asked = await ask(slots, (SEAT, 2))
    faults = Lost("committed")
    unlucky = worker_with(settings, database("reservation"), valkey, faults)
    stop = asyncio.Event()
    running = asyncio.create_task(unlucky.run(stop))
    await all_decided(database)
    line = key_space.reservation_shard(shard_of_first(SEAT, settings.reservation.shards))
    async with asyncio.timeout(10):
        async for _ in ticks():
            if not await valkey.xlen(line):
                break
    stop.set()
    await running
    assert faults.reached
    assert await results_of(database, asked["id"]) == ["held"]


async def test_valkey_went_back_in_time(
    slots: Client, worker: Worker, valkey: Valkey, settings: Settings, database: Databases
):
    """A line that ends before the number it had ended at lost entries: what is queued is put in again."""
    shard = shard_of_first(SEAT, settings.reservation.shards)
    await RequestQueue(valkey).open(shard)
    for _ in range(3):
        await ask(slots.of(Someone.new()), (SEAT, 1))
    await worker._reconciler.round({shard})
    await valkey.delete(key_space.reservation_shard(shard), key_space.reservation_tickets(shard))
    await RequestQueue(valkey).open(shard)
    await worker._reconciler.round({shard})
    assert await drain(worker, RequestQueue(valkey), settings) == 3


async def test_keys_outlive_valkey(
    slots: Client, worker: Worker, valkey: Valkey, settings: Settings, database: Databases
):
    """Sold out, and Valkey lost: the same key still gives what it gave, before and after the keys are noted anew."""
    asked = await slots.post("/reservations", **asking((SEAT, 10), key="a-key-of-mine"))
    await drain(worker, RequestQueue(valkey), settings)
    await valkey.flushall()
    for _ in range(2):
        again = await slots.post("/reservations", **asking((SEAT, 10), key="a-key-of-mine"))
        assert (again.status_code, again.json()["id"]) == (202, asked.json()["id"])
        stranger = slots.of(Someone.new())
        assert (await stranger.post("/reservations", **asking((SEAT, 1)))).json()["code"] == "MJ-RSV-001"
        await worker._reconciler.round({0})
        assert await valkey.exists(key_space.RESERVATION_KEYS_KNOWN)


async def test_without_valkey_nothing_is_let_in(
    slots: Client, valkey: Valkey, monkeypatch: pytest.MonkeyPatch, database: Databases
):
    from redis.exceptions import ConnectionError as Gone

    async def gone(*_: object) -> None:
        raise Gone

    with monkeypatch.context() as patched:
        patched.setattr(Gate, "admit", gone)
        paused = await slots.post("/reservations", **asking((SEAT, 1)))
    assert (paused.status_code, paused.json()["code"]) == (503, "MJ-RSV-007")
    assert paused.headers["retry-after"] == "2"
    async with database("reservation").connect() as tx:
        assert await tx.scalar(select(func.count()).select_from(request)) == 0


async def test_a_batch_that_never_ends_is_decided_one_by_one(
    slots: Client, worker: Worker, valkey: Valkey, settings: Settings, database: Databases
):
    """Whatever kills the process that decides it kills it alone, in the end: others in its batch are decided."""
    await open_wide(valkey, SEAT)
    queue, shard = RequestQueue(valkey), shard_of_first(SEAT, settings.reservation.shards)
    await queue.open(shard)
    for _ in range(3):
        await ask(slots.of(Someone.new()), (SEAT, 1))
    await queue.take(shard, "first", count=9, wait=0.001)
    assert await queue.found_left(shard) == 1  # by a second one, which died of it too
    sizes: list[int] = []
    decide = worker._batches.decide

    async def watched(idents: Any) -> Any:
        sizes.append(len(idents))
        return await decide(idents)

    worker._batches.decide = watched  # type: ignore[method-assign]
    await worker._finish_others(shard)
    assert sizes == [1, 1, 1]
    assert await counts(database, SEAT) == (10, 3, 0)


async def test_a_worker_that_stops_gives_its_lines_back(
    slots: Client, valkey: Valkey, settings: Settings, database: Databases
):
    """Two share the lines; one goes, and the other has them all, at once and without a gap."""
    stops = [asyncio.Event(), asyncio.Event()]
    pair = [worker_with(settings, database("reservation"), valkey, Faults()) for _ in stops]
    running = [asyncio.create_task(one.run(stop)) for one, stop in zip(pair, stops, strict=True)]

    async def holders(count: int) -> set[str]:
        async with asyncio.timeout(20):
            while True:
                keys = [key_space.reservation_lease(shard) for shard in range(settings.reservation.shards)]
                found = await valkey.mget(keys)
                if all(found) and len(set(found)) == count:
                    return set(found)
                await asyncio.sleep(0.05)

    both = await holders(2)
    stops[0].set()
    await running[0]
    assert await holders(1) < both
    await ask(slots, (SEAT, 1))
    await ask(slots, (CLASS, 1))
    await all_decided(database)
    stops[1].set()
    await running[1]
    assert not await valkey.zcard(key_space.RESERVATION_WORKERS)


async def test_too_fast_is_told_when_to_come_again(slots: Client, valkey: Valkey):
    await open_wide(valkey, SEAT)
    odd = slots.reduced("mask:price")
    codes = [(await odd.post("/reservations", **asking((SEAT, 1)))).status_code for _ in range(3)]
    assert codes == [202, 202, 429]
    slow = await odd.post("/reservations", **asking((SEAT, 1), key=uuid4().hex))
    assert (slow.json()["code"], slow.headers["retry-after"]) == ("MJ-RSV-008", "10")
    assert (await slots.of(Someone.new()).post("/reservations", **asking((SEAT, 1)))).status_code == 202
