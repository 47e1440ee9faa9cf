"""A gateway cut off from the stream does within a second what each zone says, and comes back by itself (S4)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest

from config import key_space
from config.clock import SystemClock
from config.connections import Valkey, open_valkey
from events.outbox import append, poke
from gateway.exchange import Answer, Forward, RequestHead, Verdict
from gateway.routes.route_file import load_route_table
from tests.events.listening import running_relay, until
from tests.gateway.rig import ROUTES, Rig, bearer, head
from tests.gateway.test_live_connections import Connection
from tests.gateway.wire import Wire, told, wired

STRICT, READ_ONLY, GRACE = "/api/policy", "/reservations", "/products"
POLICY = {"roles": ["administrator", "customer"], "acr": "urn:munjigi:acr:2"}
Break = Callable[[Wire], None]


@dataclass
class Cut:
    """A gateway whose way to Valkey a test may break; everything else works on."""

    rig: Rig
    wire: Wire
    valkey: Valkey
    tell: Callable[..., Awaitable[None]]

    def ask(self, path: str, method: str = "GET") -> RequestHead:
        host = "console.localhost" if path == STRICT else "shop.localhost"
        return head(path, method=method, host=host, headers=[bearer(self.token)])

    async def verdict(self, path: str, method: str = "GET") -> Verdict:
        return await self.rig.ask(self.ask(path, method))

    async def passes(self, path: str, method: str = "GET") -> bool:
        return isinstance(await self.verdict(path, method), Forward)

    def __post_init__(self) -> None:
        self.token = self.rig.token(**POLICY)


@pytest.fixture
async def cut(settings, database, valkey, tmp_path):
    async def tell(state: str = "live", version: int = 1, sid: str = "session-1") -> None:
        now = SystemClock().timestamp()
        event = {
            "sid": sid,
            "sub": "kim",
            "version": version,
            "state": state,
            "idle_expires_at": now + 1800,
            "absolute_expires_at": now + 43200,
            "reason": None if state == "live" else "takeover",
            "ended_by": None,
            "at": now,
        }
        async with database("idp").begin() as tx:
            await append(tx, "session", sid, event)
        await poke(valkey)

    async with wired(settings, tmp_path) as (wire, theirs), running_relay(database("worker"), valkey):
        projection = open_valkey(theirs)
        rig = Rig(settings, database("gateway"), projection, SystemClock(), tmp_path)
        async with told(theirs, rig.sessions):
            await tell()
            stand = Cut(rig, wire, valkey, tell)
            await until(lambda: rig.sessions.lease.overdue(time.monotonic()) is None)
            assert [await stand.passes(path) for path in (STRICT, READ_ONLY, GRACE)] == [True] * 3
            yield stand
            wire.mend()
        await rig.http.aclose()
        await projection.aclose()


async def lease_lost(cut: Cut) -> float:
    """Seconds until the lease is over."""
    begun = time.monotonic()
    await until(lambda: cut.rig.sessions.lease.overdue(time.monotonic()) is not None)
    return time.monotonic() - begun


breaks = pytest.mark.parametrize("breaks", [Wire.freeze, Wire.cut], ids=["frozen", "cut"])


@breaks
async def test_each_zone_does_within_a_second_what_it_says(cut: Cut, breaks: Break) -> None:
    breaks(cut.wire)
    assert await lease_lost(cut) < 1.05
    refused = await cut.verdict(STRICT)
    assert isinstance(refused, Answer)
    assert refused.status == 503
    assert b"MJ-GATEWAY-213" in refused.body
    assert await cut.passes(READ_ONLY)
    refused = await cut.verdict(READ_ONLY, "POST")
    assert isinstance(refused, Answer)
    assert b"MJ-GATEWAY-214" in refused.body
    assert await cut.passes(GRACE)
    assert await cut.passes(GRACE, "POST")
    staleness = cut.rig.heard.records[-1]["staleness"]
    assert isinstance(staleness, float)
    assert 0.0 <= staleness < 5.0


@breaks
async def test_it_comes_back_by_itself(cut: Cut, breaks: Break) -> None:
    breaks(cut.wire)
    await lease_lost(cut)
    assert not await cut.passes(STRICT)
    cut.wire.mend()
    await until(lambda: cut.rig.sessions.lease.overdue(time.monotonic()) is None)
    assert [await cut.passes(path, method) for path, method in ((STRICT, "GET"), (READ_ONLY, "POST"))] == [True, True]


@breaks
async def test_what_ended_meanwhile_is_known_with_the_lease(cut: Cut, breaks: Break) -> None:
    """The heartbeat behind the end never comes before it; one from before it vouches for nothing but its own second."""
    lease = cut.rig.sessions.lease
    breaks(cut.wire)
    await cut.tell("ended", 2)
    told = time.monotonic()
    await lease_lost(cut)
    assert await cut.passes(GRACE)  # the last known state: this zone wants it so
    cut.wire.mend()
    await until(lambda: lease.vouched >= told and lease.overdue(time.monotonic()) is None)
    assert [await cut.passes(path) for path in (STRICT, READ_ONLY, GRACE)] == [False] * 3


async def test_grace_is_over_after_its_seconds(cut: Cut, settings, tmp_path) -> None:
    short = tmp_path / "short.toml"
    short.write_text(ROUTES.replace("grace 60", "grace 1"))
    cut.rig.pipeline.use_table(load_route_table(short, runtime=settings.runtime, port=8080))
    cut.wire.freeze()
    await lease_lost(cut)
    assert await cut.passes(GRACE)
    overdue = cut.rig.sessions.lease.overdue
    await until(lambda: (overdue(time.monotonic()) or 0.0) >= 1.0)
    assert not await cut.passes(GRACE)


@breaks
async def test_what_lives_on_ends_within_the_same_second(cut: Cut, breaks: Break) -> None:
    connections = {}
    for path in (STRICT, READ_ONLY, GRACE):
        verdict = await cut.verdict(path)
        assert isinstance(verdict, Forward)
        assert verdict.opened is not None
        connections[path] = Connection()
        verdict.opened(connections[path])
    breaks(cut.wire)
    begun = time.monotonic()
    while not connections[STRICT].reasons:
        assert time.monotonic() - begun < 1.0
        await cut.rig.live_check.watch_lease()
        await pause()
    assert connections[STRICT].reasons == ["session_unknown"]
    assert [connections[path].reasons for path in (READ_ONLY, GRACE)] == [[], []]


async def pause() -> None:
    """Let the loop work for a moment."""
    moment = time.monotonic() + 0.01
    await until(lambda: time.monotonic() >= moment)


async def test_a_gap_in_the_sequence_empties_the_cache(cut: Cut) -> None:
    cache = cut.rig.sessions.cache
    generation = cache.generation
    ((_, last),) = await cut.valkey.xrevrange(key_space.EVENT_STREAM, count=1)
    entry = {**last, "s": str(int(last["s"]) + 7), "k": "client", "p": "{}"}
    await cut.valkey.xadd(key_space.EVENT_STREAM, entry)
    await until(lambda: cache.generation > generation)
    assert "session-1" not in cache.live
    await until(lambda: cut.rig.sessions.lease.overdue(time.monotonic()) is None)
    assert await cut.passes(STRICT)


async def test_another_epoch_empties_the_cache(cut: Cut, database) -> None:
    cache = cut.rig.sessions.cache
    generation = cache.generation
    ((_, last),) = await cut.valkey.xrevrange(key_space.EVENT_STREAM, count=1)
    beat = f'{{"t": {time.time()}}}'
    await cut.valkey.xadd(key_space.EVENT_STREAM, {"e": str(int(last["e"]) + 1), "s": "1", "k": "heartbeat", "p": beat})
    await until(lambda: cache.generation > generation)
    assert "session-1" not in cache.live


async def test_a_stream_that_began_anew_empties_the_cache_and_lets_nobody_in(cut: Cut) -> None:
    """The cursor stands beyond the last id: XREAD would wait for ever. The session has no row, so it is not rebuilt."""
    cache = cut.rig.sessions.cache
    generation = cache.generation
    await cut.valkey.flushall()
    await until(lambda: cache.generation > generation, seconds=15)
    assert not await cut.passes(STRICT)
    await cut.tell("live", 2)
    await until(lambda: cut.rig.sessions.lease.overdue(time.monotonic()) is None, seconds=15)
    assert await cut.passes(STRICT)


async def test_a_fill_in_flight_while_it_was_cut_off_is_not_believed(cut: Cut) -> None:
    """What was asked before the wire froze arrives after the end: the end wins."""
    cut.rig.sessions.cache.live.clear()
    cut.wire.freeze()
    task = asyncio.ensure_future(cut.rig.ask(cut.ask(GRACE)))
    await cut.tell("ended", 2)
    async with asyncio.timeout(8):
        while await cut.valkey.hget(key_space.session("session-1"), "state") != "ended":
            await pause()
    cut.wire.mend()
    assert not isinstance(await task, Forward)
