"""Processes that count one subject together through a real Valkey, and what they do while it is away."""

from __future__ import annotations

import random
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from config import key_space
from config.connections import Valkey, open_valkey
from config.engines.folders import make_var
from config.engines.valkey import ValkeyServer
from config.settings import Settings
from gateway.limits.guard import Guard
from gateway.limits.rate import Per, Rate
from gateway.limits.settlement import Settlement
from tests.clock import FakeClock

SLOW = Rate(Per.PERSON, 10, 36_000, 5, "zone shop")
"""One an hour: Valkey's own clock, which goes on, gives nobody anything within a test."""


class Process:
    """What one process of the gateway has of a rate."""

    def __init__(self, valkey: Valkey, clock: FakeClock, rate: Rate = SLOW) -> None:
        self.clock = clock
        self.guard = Guard(rate)
        self.settlement = Settlement(valkey, clock)

    def ask(self, subject: str = "kim") -> bool:
        now = self.clock.monotonic()
        if self.guard.wait(subject, now):
            return False
        self.guard.take(subject, now)
        return True

    async def settle(self) -> None:
        await self.settlement.settle([self.guard])


@pytest.fixture
async def other_valkey(settings: Settings) -> AsyncIterator[Valkey]:
    client = open_valkey(settings)
    yield client
    await client.aclose()


async def test_two_processes_go_beyond_the_rate_by_one_burst_at_most_and_work_it_off(
    valkey: Valkey, other_valkey: Valkey, clock: FakeClock
) -> None:
    one, two = Process(valkey, clock), Process(other_valkey, clock)
    assert [sum(process.ask() for _ in range(20)) for process in (one, two)] == [5, 5], "neither heard of the other yet"
    await one.settle()
    await two.settle()
    clock.advance(3600)
    assert one.ask(), "it heard of its own five alone"
    await one.settle()
    assert not two.ask()
    for _ in range(4):
        clock.advance(3600)
        assert not one.ask(), "what both let through beyond the rate is worked off"
        assert not two.ask()


async def test_whoever_comes_to_another_process_is_known_there_once_it_settled(
    valkey: Valkey, other_valkey: Valkey, clock: FakeClock
) -> None:
    one, two = Process(valkey, clock), Process(other_valkey, clock)
    assert [one.ask() for _ in range(6)] == [True] * 5 + [False]
    await one.settle()
    assert two.ask()
    await two.settle()
    assert not two.ask(), "five that it never saw count here, too"
    assert two.ask("lee")


@pytest.mark.parametrize("seed", range(8))
async def test_the_bound_holds_whoever_comes_where_and_whenever_they_settle(
    valkey: Valkey, other_valkey: Valkey, clock: FakeClock, seed: int
) -> None:
    """The processes' clocks do not move, Valkey's moves by less than one request: nothing is ever worked off."""
    chance = random.Random(seed)
    count = chance.randint(2, 5)
    processes = [Process(chance.choice((valkey, other_valkey)), clock) for _ in range(count)]
    admitted = 0
    for _ in range(400):
        process = chance.choice(processes)
        if chance.random() < 0.2:
            await process.settle()
        else:
            admitted += process.ask()
    assert admitted <= SLOW.burst * count
    for process in processes:
        await process.settle()
    for process in processes * 2:
        process.ask()
        await process.settle()
    assert not any(process.ask() for process in processes)


async def test_a_process_alone_keeps_the_rate_exactly_whenever_it_settles(valkey: Valkey, clock: FakeClock) -> None:
    settled, local = Process(valkey, clock), Process(valkey, clock)
    chance = random.Random(1)
    for _ in range(300):
        if chance.random() < 0.3:
            await settled.settle()
        assert settled.ask() == local.ask()


async def test_a_late_settlement_charges_from_when_it_was_taken(valkey: Valkey, clock: FakeClock) -> None:
    process = Process(valkey, clock)
    assert [process.ask() for _ in range(5)] == [True] * 5
    clock.advance(2 * 3600)
    await process.settle()
    assert [process.ask() for _ in range(3)] == [True, True, False]


async def test_many_subjects_are_settled_in_few_calls_within_their_shards_and_expire(
    valkey: Valkey, clock: FakeClock
) -> None:
    process = Process(valkey, clock, Rate(Per.ADDRESS, 1, 3600, 1, "zone shop"))
    for number in range(5_000):
        assert process.ask(f"10.0.{number // 250}.{number % 250}")
    before = (await valkey.info("commandstats")).get("cmdstat_evalsha", {}).get("calls", 0)
    await process.settle()
    after = (await valkey.info("commandstats"))["cmdstat_evalsha"]["calls"]
    assert after - before <= 5_000 / 200 + key_space.RATE_SHARDS
    keys = [key async for key in valkey.scan_iter("munjigi:{rates:*")]
    assert len(keys) == 5_000
    assert len({key.partition("}")[0] for key in keys}) == key_space.RATE_SHARDS
    assert 0 < await valkey.pttl(keys[0]) <= 3_600_000
    clock.advance(3600)
    await process.settle()
    assert len(process.guard) == 0


async def test_what_is_worked_off_already_leaves_nothing_in_valkey(valkey: Valkey, clock: FakeClock) -> None:
    process = Process(valkey, clock, Rate(Per.ADDRESS, 100, 1, 10, "zone shop"))
    process.ask()
    clock.advance(1)
    await process.settle()
    assert [key async for key in valkey.scan_iter("munjigi:{rates:*")] == []


@pytest.fixture
def server() -> Iterator[ValkeyServer]:
    folder = Path(tempfile.mkdtemp(prefix="mj-"))
    folder.chmod(0o755)
    own = Settings(var=folder / "v")
    make_var(own)
    engine = ValkeyServer(own, durable=False)
    engine.start()
    engine.wait_ready()
    yield engine
    engine.stop()
    shutil.rmtree(folder)


async def test_without_valkey_each_process_keeps_the_rate_alone_and_tells_what_it_took_later(
    server: ValkeyServer, clock: FakeClock
) -> None:
    clients = [open_valkey(server.settings) for _ in range(2)]
    one, two = (Process(client, clock) for client in clients)
    server.process.kill()
    server.process.wait()
    for process in (one, two):
        assert process.ask()
        await process.settle()
        assert process.settlement.away
        assert not process.guard.settles
        assert [process.ask() for _ in range(6)] == [True] * 4 + [False] * 2, "never without a rate"
        await process.settle()
    server.start()
    server.wait_ready()
    await one.settle()
    await two.settle()
    assert not one.settlement.away
    clock.advance(3 * 3600)
    assert not two.ask(), "what was taken meanwhile is counted for all"
    for client in clients:
        await client.aclose()
