"""A published policy at four gateways, each a process of its own, and a large one swapped under load (P5).

What is found is printed, a table row each; `make proof ARGS=tests/policy/test_at_gateways.py` repeats it.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import msgspec
import pytest

from benchmarks.house import House, more_gateways, running_house
from benchmarks.policies import policy_of
from benchmarks.result import percentile
from config.clock import SystemClock
from config.connections import Database, open_database, open_valkey
from config.envelope import Envelope
from events import outbox
from jose.storage.keys import SigningKeys
from policy import artefact, compiled_versions, demo, signature, versions
from policy.artefact import ANONYMOUS, Assignment, Policy, Rule, RuleEffect
from policy.snapshot import FORMAT, compiled
from policy.storage.versions import PolicyVersions

pytestmark = pytest.mark.proof

GATEWAYS, ROUNDS = 4, 25
BOUND = 1.0
"""Seconds from the commit until the last gateway decides by it."""
RULES, ASSIGNMENTS = 100_000, 1_000_000
PACE = 0.005
"""Seconds between two requests of the load, which are due whatever became of those before."""
STORED = PolicyVersions()


@contextmanager
def origin() -> Iterator[Path]:
    """A service that answers at once, in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="mj-at-") as folder:
        path = Path(folder) / "origin.sock"
        process = subprocess.Popen([sys.executable, "-m", "tests.gateway.soak_origin", str(path)])
        try:
            while not path.exists():
                time.sleep(0.02)
            yield path
        finally:
            process.kill()
            process.wait()


class Caller:
    """One connection to one gateway."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, path: str) -> int:
        """The status of an answer to nobody in particular."""
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        writer.write(f"GET {path} HTTP/1.1\r\nHost: shop.localhost:8080\r\nAccept: application/json\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            (int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
        )
        await reader.readexactly(length)
        if b"connection: close" in head.lower():
            writer.close()
            self._streams = None
        return int(head[9:12])

    async def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            await self._streams[1].wait_closed()


def shut(number: int, base: Policy) -> Policy:
    """The policy, and one path that is shut to everybody, among those that are open to all."""
    probe = Rule(f"probe-{number}", 1, ANONYMOUS, "shop", f"/assets/probe-{number}", RuleEffect.DENY, methods=("GET",))
    return msgspec.structs.replace(base, rules=(probe, *base.rules))


class Publisher:
    """Publishes as the policy service does."""

    def __init__(self, house: House, database: Database) -> None:
        self.database = database
        self._valkey = open_valkey(house.settings)
        self._keys = SigningKeys(Envelope.load(house.settings))
        self._clock = SystemClock()

    async def publish(self, policy: Policy) -> float:
        """When it was committed."""
        act = versions.Act("u-admin", "a proof", self._clock.now(), "c-1")
        async with self.database.begin() as tx:
            ring = await self._keys.load_ring(tx, "policy")
            made, _ = await versions.draft(STORED, tx, policy, act)
            await versions.publish(STORED, tx, made.number, ring.active, act)
        return await self._told()

    async def store(self, policy: Policy, made: bytes) -> float:
        """The same for a policy that was compiled before, without lint and crosscheck, whose time is not the matter."""
        now = self._clock.now()
        async with self.database.begin() as tx:
            await STORED.hold(tx)
            ring = await self._keys.load_ring(tx, "policy")
            draft = await STORED.save_draft(tx, artefact.encode(policy), author="u", why="a proof", at=now)
            fingerprint = compiled_versions.fingerprint(made)
            signed = signature.sign(ring.active, draft.number, draft.sha256, now.timestamp(), compiled=fingerprint)
            await STORED.publish(tx, draft.number, signature=signed, publisher="u", at=now)
            await STORED.save_compiled(tx, draft.number, FORMAT, made)
            await outbox.append(tx, "policy", "*", {"version": draft.number})
        return await self._told()

    async def _told(self) -> float:
        committed = time.perf_counter()
        await outbox.poke(self._valkey)
        return committed

    async def close(self) -> None:
        await self._valkey.aclose()


@asynccontextmanager
async def publishing(house: House) -> AsyncIterator[Publisher]:
    database = open_database(house.settings, "policy")
    publisher = Publisher(house, database)
    try:
        yield publisher
    finally:
        await publisher.close()
        await database.dispose()


async def arrival(port: int, path: str, given_up: float = 60.0) -> float:
    """When a gateway first lets nobody through to a path."""
    caller, begun = Caller(port), time.perf_counter()
    try:
        while time.perf_counter() - begun < given_up:
            if await caller.ask(path) == 403:
                return time.perf_counter()
            await asyncio.sleep(0.002)
    finally:
        await caller.close()
    raise AssertionError(f"{path} was let through for {given_up} s")


def test_a_published_policy_is_at_four_gateways_within_a_second() -> None:
    with origin() as service, running_house(service) as house, more_gateways(house, GATEWAYS - 1) as others:
        took = asyncio.run(_published_to([house.gateway_port, *others], house))
    every = [seconds for one in took for seconds in one]
    last = [max(one) for one in took]
    for name, seconds in (("one gateway", every), ("the last of four", last)):
        row = " | ".join(f"{percentile(seconds, share) * 1000:.0f} ms" for share in (0.5, 0.99, 1.0))
        sys.stderr.write(f"| {name} | {row} |\n")
    assert max(last) < BOUND


async def _published_to(ports: list[int], house: House) -> list[list[float]]:
    took = []
    async with publishing(house) as publisher:
        for number in range(ROUNDS):
            waiting = [asyncio.create_task(arrival(port, f"/assets/probe-{number}")) for port in ports]
            committed = await publisher.publish(shut(number, demo.shipped_policy()))
            took.append([moment - committed for moment in await asyncio.gather(*waiting)])
    return took


def test_a_hundred_thousand_rules_and_a_million_assignments_are_swapped_under_load() -> None:
    large = policy_of(RULES)
    shipped = shut(1, demo.shipped_policy())
    policy = msgspec.structs.replace(
        shipped,
        roles=tuple(sorted({*shipped.roles, *large.roles})),
        rules=(*shipped.rules, *large.rules),
        assignments=tuple(Assignment(f"u-{number:07}", f"role{number % RULES}") for number in range(ASSIGNMENTS)),
    )
    begun = time.process_time()
    made = compiled(policy)
    sys.stderr.write(f"compiled in {time.process_time() - begun:.1f} s, {len(made) / 1e6:.0f} MB\n")
    with origin() as service, running_house(service) as house:
        before, during, after, took = asyncio.run(_swapped(house, policy, made))
    for name, seconds in (("before", before), ("during", during), ("after", after)):
        row = " | ".join(f"{percentile(seconds, share) * 1000:.1f} ms" for share in (0.5, 0.99, 1.0))
        sys.stderr.write(f"| {name} | {len(seconds)} | {row} |\n")
    sys.stderr.write(f"in force {took:.2f} s after the commit\n")
    assert percentile(during, 0.99) < 2 * max(percentile(before, 0.99), percentile(after, 0.99))


async def _swapped(house: House, policy: Policy, made: bytes) -> tuple[list[float], list[float], list[float], float]:
    port = house.gateway_port
    async with publishing(house) as publisher:
        await publisher.publish(shut(0, demo.shipped_policy()))
        await arrival(port, "/assets/probe-0")
        before = await _load(port, asyncio.create_task(asyncio.sleep(8)))
        committed = await publisher.store(policy, made)
        waiting = asyncio.create_task(arrival(port, "/assets/probe-1"))
        during = await _load(port, waiting)
        after = await _load(port, asyncio.create_task(asyncio.sleep(8)))
        return before, during, after, waiting.result() - committed


async def _load(port: int, until: asyncio.Task[object]) -> list[float]:
    """Seconds from the moment at which each request was due to its answer, until something is done."""
    idle = [Caller(port) for _ in range(64)]
    took: list[float] = []

    async def one(due: float) -> None:
        caller = idle.pop() if idle else Caller(port)
        await caller.ask("/products")
        took.append(time.perf_counter() - due)
        idle.append(caller)

    due = time.perf_counter()
    async with asyncio.TaskGroup() as asked:
        while not until.done():
            due += PACE
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            asked.create_task(one(due))
    for caller in idle:
        await caller.close()
    return took
