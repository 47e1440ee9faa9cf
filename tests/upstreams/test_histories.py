"""Histories of many clients while workers and connections are killed: linearizable, nothing oversold, lost or doubled.

Whatever was decided took its number while the rows that it is about were locked. So the results, in the order of their
numbers, are a serial history; it is replayed against a model of shelves and must come to the same answers. Each number
was given between the request's 202 and its result: real time is kept.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections import Counter
from collections.abc import Callable
from itertools import cycle
from multiprocessing import get_context
from multiprocessing.context import SpawnProcess
from uuid import UUID, uuid4

import pytest
from sqlalchemy import case, func, insert, select, text
from sqlalchemy.exc import DBAPIError
from structlog.testing import capture_logs

from config.clock import SystemClock
from config.connections import Valkey
from config.settings import Settings
from tests.upstreams.conftest import Client, Databases, Someone, open_wide
from tests.upstreams.test_recovery import ticks
from upstreams.reservation import worker as worker_service
from upstreams.reservation.storage.tables import request, request_line, reservation, result, sku, trade
from upstreams.trade.storage.stock import StoredStock


def work(settings: Settings) -> None:
    """A process of its own."""
    asyncio.run(worker_service.serve(settings, lambda: None, asyncio.Event()))


class Storm:
    """Worker processes, and the killing of them and of connections."""

    def __init__(self, settings: Settings, database: Databases, valkey: Valkey, chance: random.Random) -> None:
        self._settings = settings
        self._database = database
        self._valkey = valkey
        self._chance = chance
        self._workers: list[SpawnProcess] = []
        self.kills: Counter[str] = Counter()

    def start(self, count: int) -> None:
        for _ in range(count):
            one = get_context("spawn").Process(target=work, args=(self._settings,), daemon=True)
            one.start()
            self._workers.append(one)

    async def rage(self, ways: list[Callable[[], object]], pause: float) -> None:
        for way in cycle(ways):
            await asyncio.sleep(pause * self._chance.uniform(0.5, 1.5))
            done = way()
            if asyncio.iscoroutine(done):
                await done

    def kill_worker(self) -> None:
        victim = self._workers.pop(self._chance.randrange(len(self._workers)))
        assert victim.pid is not None
        os.kill(victim.pid, signal.SIGKILL)
        victim.join(10)
        self.kills["worker"] += 1
        self.start(1)

    async def kill_database(self) -> None:
        async with self._database("owner").begin() as tx:
            await tx.execute(
                text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'munjigi_reservation'")
            )
        self.kills["database"] += 1

    async def kill_valkey(self) -> None:
        await self._valkey.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        self.kills["valkey"] += 1

    def stop(self) -> None:
        for one in self._workers:
            one.kill()
            one.join(10)


async def shop_of(database: Databases, items: int, stock: int) -> list[str]:
    codes = [f"ITEM-{number:04}" for number in range(items)]
    async with database("reservation").begin() as tx:
        common = {"product": uuid4(), "name": {"ko": "것", "en": "thing"}, "currency": "KRW", "price": 1}
        rows = [{"code": code, "limit_per_request": 9, "active": True, "kind": "counted", **common} for code in codes]
        await tx.execute(insert(sku), rows)
        await StoredStock(trade).receive(
            tx, "history", [(code, "icheon", stock) for code in codes], SystemClock().now()
        )
    return codes


async def shopper(
    client: Client,
    items: list[str],
    chance: random.Random,
    count: int,
    asked: set[str],
    kills: Counter[str],
    least: int,
) -> None:
    """Ask, again with the same key until there is an answer; for as long as too few were killed meanwhile."""
    done = 0
    while done < count or kills.total() < least:
        done += 1
        someone = client.of(Someone.new())
        lines = [{"sku": one, "quantity": chance.randint(1, 3)} for one in chance.sample(items, min(len(items), 3))]
        key = uuid4().hex
        async for _ in ticks():
            try:
                answer = await someone.post("/reservations", json={"lines": lines}, headers={"Idempotency-Key": key})
            except Exception:
                continue
            if answer.status_code == 202:
                asked.add(answer.json()["id"])
            if answer.status_code in (202, 409):
                break


async def undecided(database: Databases) -> int:
    async with database("owner").connect() as tx:
        return await tx.scalar(select(func.count()).select_from(request).where(request.c.state == "queued")) or 0


async def check(database: Databases, asked: set[str], stock: int) -> Counter[str]:
    """The history against the model."""
    async with database("owner").connect() as tx:
        assert await StoredStock(trade).unproven(tx) == []
        requests = {str(ident) for ident in await tx.scalars(select(request.c.id))}
        lines: dict[UUID, dict[str, int]] = {}
        for ident, code, quantity in await tx.execute(
            select(request_line.c.request, request_line.c.sku, request_line.c.quantity)
        ):
            lines.setdefault(ident, {})[code] = quantity
        decided = case((request.c.state == "granted", "held"), else_="refused")
        events = select(result.c.id, result.c.reservation, result.c.kind).union_all(
            select(request.c.event, request.c.id, decided).where(request.c.event.is_not(None))
        )
        history = [(ident, kind) for _, ident, kind in sorted((await tx.execute(events)).all())]
        kept = set(await tx.scalars(select(reservation.c.id)))
        promised = dict((await tx.execute(select(trade.stock.c.sku, trade.stock.c.held))).all())
    assert asked <= requests, "a 202 was lost"
    told = Counter(ident for ident, _ in history)
    assert {str(ident) for ident in told} == requests, "a request has no result"
    assert set(told.values()) <= {1}, "a request has two results"
    left: Counter[str] = Counter(dict.fromkeys({code for one in lines.values() for code in one}, stock))
    for ident, kind in history:
        fits = all(left[code] >= quantity for code, quantity in lines[ident].items())
        assert kind == ("held" if fits else "refused"), (ident, kind)
        if fits:
            left.subtract(lines[ident])
    assert kept == {ident for ident, kind in history if kind == "held"}
    assert all(count == stock - left[code] for code, count in promised.items() if code in left)
    return Counter(kind for _, kind in history)


async def history(
    slots: Client,
    settings: Settings,
    database: Databases,
    valkey: Valkey,
    *,
    items: int,
    stock: int,
    clients: int,
    each: int,
    workers: int,
    pause: float,
    wide: bool,
    least: int,
) -> tuple[Counter[str], Counter[str]]:
    """One history; what was decided, and what was killed. `wide`: the gate lets through what cannot be had, too.
    `least`: so many are killed while people ask."""
    chance = random.Random(items * clients)
    codes = await shop_of(database, items, stock)
    if wide:
        await open_wide(valkey, *codes)
    storm, asked = Storm(settings, database, valkey, chance), set[str]()
    storm.start(workers)
    try:
        # errors by the hundred are not drawn with all their variables
        with capture_logs():
            async with asyncio.timeout(400):
                raging = asyncio.create_task(
                    storm.rage([storm.kill_database, storm.kill_valkey, storm.kill_worker], pause)
                )
                seeds = [random.Random(number) for number in range(clients)]
                await asyncio.gather(*(shopper(slots, codes, seed, each, asked, storm.kills, least) for seed in seeds))
                raging.cancel()
                await asyncio.gather(raging, return_exceptions=True)
                async for _ in ticks():
                    try:
                        if not await undecided(database):
                            break
                    except DBAPIError:
                        continue
    finally:
        storm.stop()
    return await check(database, asked, stock), storm.kills


async def test_a_short_history(slots: Client, settings: Settings, database: Databases, valkey: Valkey):
    told, kills = await history(
        slots, settings, database, valkey,
        items=3, stock=20, clients=8, each=5, workers=1, pause=0.15, wide=True, least=2,
    )  # fmt: skip
    assert told["held"] > 5
    assert kills.total() > 1


@pytest.mark.proof
@pytest.mark.parametrize(
    ("items", "stock", "each", "wide"), [(1, 150, 12, True), (1, 400, 30, False), (1000, 2, 16, True)]
)
async def test_histories_of_64_clients(
    slots: Client,
    settings: Settings,
    database: Databases,
    valkey: Valkey,
    items: int,
    stock: int,
    each: int,
    wide: bool,
):
    told, kills = await history(
        slots, settings, database, valkey,
        items=items, stock=stock, clients=64, each=each, workers=3, pause=0.6, wide=wide, least=6,
    )  # fmt: skip
    assert told["held"] > 50
    assert told["refused"] > 20 or not wide
    assert kills.total() >= 6
