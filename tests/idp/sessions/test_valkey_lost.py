"""Valkey killed, emptied and restarted under load of ends and checks (S7): nobody is revived, nobody is lost."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from redis.exceptions import RedisError

from config.clock import SystemClock
from config.connections import Database, Valkey
from config.engines.valkey import ValkeyServer
from config.sections.engines import Role
from events.outbox import poke
from events.subscription import Subscription
from gateway.sessions.near_cache import EndedSession, LiveSession
from gateway.sessions.session_check import SessionCheck, StoreUnreachable
from idp.sessions.one_session import Began
from tests.events.listening import running_relay, until
from tests.events.test_valkey_lost import kill, mortal, server
from tests.idp.people import add_person, beginning, one_session

OpenDatabase = Callable[[Role], Database]
LEASE = 1.0
__all__ = ["mortal", "server"]  # fixtures


@dataclass
class Watch:
    """What gateways believed, and what they were told: checked against the moments of the ends."""

    live: list[str]
    ended: dict[str, float] = field(default_factory=dict)
    """By sid: the monotonic moment of the acknowledgement."""
    seen_ended: set[str] = field(default_factory=set)
    believed: int = 0
    wrong: list[str] = field(default_factory=list)
    longest: float = 0.0
    """Seconds from an acknowledged end to the last time that a gateway still believed in the session."""

    def check(self, sid: str, found: object, held: bool) -> None:
        now = time.monotonic()
        if isinstance(found, EndedSession):
            self.seen_ended.add(sid)
            if sid not in self.ended and sid in self.live:
                self.wrong.append(f"{sid} was lost")
        elif isinstance(found, LiveSession) and held:
            self.believed += 1
            if sid in self.seen_ended:
                self.wrong.append(f"{sid} was revived")
            if sid in self.ended:
                self.longest = max(self.longest, now - self.ended[sid])


@asynccontextmanager
async def _gateway(valkey: Valkey) -> AsyncIterator[SessionCheck]:
    """What a gateway knows of sessions: its near cache under a lease, fed by the stream."""
    clock = SystemClock()
    sessions = SessionCheck(valkey=valkey, clock=clock, lease=LEASE)

    def on_event(topic: str, payload: object) -> None:
        if topic == "session":
            sessions.event(payload)  # type: ignore[arg-type] # a mapping, as the stream has it

    subscription = Subscription(
        valkey, clock, on_event=on_event, on_heartbeat=sessions.heartbeat, on_reset=sessions.reset
    )
    task = asyncio.create_task(subscription.run(asyncio.Event()))
    try:
        await until(lambda: sessions.lease.overdue(time.monotonic()) is None)
        yield sessions
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_once(database: OpenDatabase, server: ValkeyServer, mortal: Valkey) -> None:
    await _storm(database, server, mortal, people=60, rounds=2)


@pytest.mark.proof
async def test_again_and_again(database: OpenDatabase, server: ValkeyServer, mortal: Valkey) -> None:
    await _storm(database, server, mortal, people=600, rounds=20)


async def _storm(database: OpenDatabase, server: ValkeyServer, mortal: Valkey, *, people: int, rounds: int) -> None:
    idp, clock, chance = database("idp"), SystemClock(), random.Random(7)
    sessions = one_session(clock)
    watch = Watch([])
    async with running_relay(database("worker"), mortal), _gateway(mortal) as one, _gateway(mortal) as two:
        async with idp.begin() as tx:
            for number in range(people):
                begun = await sessions.begin(tx, beginning((await add_person(tx, f"p{number}")).id, clock))
                assert isinstance(begun, Began)
                watch.live.append(begun.session.sid)
        await poke(mortal)
        over = asyncio.Event()

        async def check(gateway: SessionCheck, seed: int) -> None:
            own = random.Random(seed)
            while not over.is_set():
                sid = own.choice(watch.live)
                held = gateway.lease.overdue(time.monotonic()) is None
                found: object = None
                try:
                    found = await gateway.state(sid)
                except StoreUnreachable:
                    await asyncio.sleep(0.01)
                watch.check(sid, found, held and gateway.lease.overdue(time.monotonic()) is None)
                await asyncio.sleep(0.001)

        async def end() -> None:
            candidates = watch.live[: people // 2]
            chance.shuffle(candidates)
            for sid in candidates:
                if over.is_set():
                    return
                async with idp.begin() as tx:
                    assert await sessions.end(tx, sid, "administrator", correlation_id="storm") is not None
                watch.ended[sid] = time.monotonic()
                await poke(mortal)
                await asyncio.sleep(rounds / people)

        working = [asyncio.create_task(check(gateway, n)) for n, gateway in enumerate((one, two))]
        ending = asyncio.create_task(end())
        for round_ in range(rounds):
            await asyncio.sleep(0.3)
            if round_ % 2:
                kill(server)
                await asyncio.sleep(chance.uniform(0, 1.5))
                server.start()
                server.wait_ready()
            else:
                try:
                    await mortal.flushall()
                except (RedisError, OSError):
                    continue
        await ending
        await _agreed(watch, (one, two))
        over.set()
        await asyncio.gather(*working)
    assert watch.wrong == []
    assert watch.believed > 0
    assert watch.longest <= LEASE, f"believed for {watch.longest:.3f} s after an acknowledged end"


async def _agreed(watch: Watch, gateways: tuple[SessionCheck, ...]) -> None:
    """Once a heartbeat vouches for what ended, everybody knows it: half have ended, and the other half are live."""
    since = time.monotonic()
    for gateway in gateways:
        await until(lambda gateway=gateway: gateway.lease.vouched >= since, 20)
        for sid in watch.live:
            async with asyncio.timeout(20):
                found = None
                while found is None:
                    try:
                        found = await gateway.state(sid)
                    except StoreUnreachable:
                        await asyncio.sleep(0.05)
            assert isinstance(found, EndedSession if sid in watch.ended else LiveSession), sid
