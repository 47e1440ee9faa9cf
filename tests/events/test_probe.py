"""The built-in probe, on real engines: what gateways report is what they did, and nothing of a probe stays."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import text

from config import key_space
from config.clock import SystemClock
from config.entropy import SystemEntropy
from config.settings import Settings
from events.probe import GONE_AFTER, NOBODY, Probe
from events.server_clock import server_offset
from gateway.sessions.probe import ProbeWatch
from gateway.sessions.session_check import SessionCheck
from tests.events.listening import running_relay
from tests.gateway.wire import told, wired


class SlowClock(SystemClock):
    """The clock of a machine that is ten seconds behind."""

    def timestamp(self) -> float:
        return super().timestamp() - 10.0


@asynccontextmanager
async def gateway(settings: Settings, name: str, clock: SystemClock | None = None) -> AsyncIterator[SessionCheck]:
    """What of a gateway hears of probes."""
    sessions = SessionCheck(valkey=None, clock=clock or SystemClock(), lease=1.0)
    async with told(settings, sessions) as valkey:
        watch = ProbeWatch(name=name, valkey=valkey, clock=clock or SystemClock(), sessions=sessions)
        sessions.on_probe = watch.began
        await watch.announce()
        try:
            yield sessions
        finally:
            await watch.leave()


@pytest.fixture
def probe(database, valkey):
    return Probe(database("worker"), valkey, SystemClock(), SystemEntropy())


def sample(name: str, gateway: str) -> float:
    return REGISTRY.get_sample_value(name, {"gateway": gateway}) or 0.0


async def test_every_gateway_is_measured(settings, database, valkey, probe):
    async with running_relay(database("worker"), valkey), gateway(settings, "one"), gateway(settings, "two"):
        found = await probe.measure()
    assert found.keys() == {"one", "two"}
    assert all(0.0 <= seconds < 1.0 for seconds in found.values())
    assert sample("munjigi_revocation_seconds_count", "one") == 1.0
    assert sample("munjigi_revocation_last_seconds", "two") == found["two"]


async def test_another_machines_clock_changes_nothing(settings, database, valkey, probe):
    async with running_relay(database("worker"), valkey), gateway(settings, "behind", SlowClock()):
        found = await probe.measure()
    assert 0.0 <= found["behind"] < 1.0


async def test_clocks_are_compared_with_valkeys(valkey):
    assert abs(await server_offset(valkey, SystemClock())) < 0.5
    assert abs(await server_offset(valkey, SlowClock()) - 10.0) < 0.5


async def test_nothing_of_a_probe_stays(settings, database, valkey, probe):
    async with running_relay(database("worker"), valkey), gateway(settings, "one") as sessions:
        ended: list[object] = []
        sessions.on_ended.append(ended.append)
        await probe.measure()
        assert not sessions.cache.live
        assert not sessions.cache.ended
        assert not ended
        projected = [key async for key in valkey.scan_iter(key_space.session("*"))]
        assert len(projected) == 1
        assert 0 < await valkey.ttl(projected[0]) <= 3600
        assert not [key async for key in valkey.scan_iter(key_space.probe_reports("*"))]
    async with database("idp").connect() as tx:
        assert (
            await tx.scalar(text("SELECT count(*) FROM idp.session WHERE user_id::text = :sub"), {"sub": NOBODY}) == 0
        )


async def test_a_gateway_that_hears_nothing_is_counted(settings, database, valkey, probe, tmp_path, monkeypatch):
    monkeypatch.setattr("events.probe.PATIENCE", 0.5)
    async with (
        wired(settings, tmp_path) as (wire, cut_off),
        running_relay(database("worker"), valkey),
        gateway(settings, "well"),
        gateway(cut_off, "cut off"),
    ):
        wire.freeze()
        found = await probe.measure()
        wire.mend()
    assert found.keys() == {"well"}
    assert sample("munjigi_revocation_missing_total", "cut off") == 1.0


async def test_a_gateway_cut_off_for_minutes_is_still_missed(settings, database, valkey, probe, monkeypatch):
    """Not forgotten with its last announcement; only who took leave, or is away for very long, is."""
    monkeypatch.setattr("events.probe.PATIENCE", 0.5)
    now = SystemClock().timestamp() + await server_offset(valkey, SystemClock())
    await valkey.zadd(key_space.PROBE_GATEWAYS, {"silent": now - 300.0, "long gone": now - GONE_AFTER - 60.0})
    async with running_relay(database("worker"), valkey), gateway(settings, "well"):
        async with gateway(settings, "leaving"):
            pass
        assert (await probe.measure()).keys() == {"well"}
    assert sample("munjigi_revocation_missing_total", "silent") == 1.0
    assert sample("munjigi_revocation_missing_total", "leaving") == 0.0
    assert sample("munjigi_revocation_missing_total", "long gone") == 0.0
    assert await valkey.zscore(key_space.PROBE_GATEWAYS, "long gone") is None


async def test_a_gateway_that_forgot_everything_says_so(settings, database, valkey, probe):
    """A reset refuses the probe's session, too, but not because it ended."""
    async with running_relay(database("worker"), valkey), gateway(settings, "reset") as sessions:
        measuring = asyncio.create_task(probe.measure())
        async with asyncio.timeout(5):
            while not sessions.cache.live:  # noqa: ASYNC110 - the cache is plain state
                await asyncio.sleep(0.001)
        sessions.reset()
        assert await measuring == {}
    assert sample("munjigi_revocation_missing_total", "reset") == 1.0


async def test_one_worker_of_several_probes(database, valkey, probe):
    other = Probe(database("worker"), valkey, SystemClock(), SystemEntropy())
    assert [await probe.my_turn(), await other.my_turn()] == [True, False]


async def test_with_no_gateway_nothing_is_told(database, valkey, probe):
    assert await probe.measure() == {}
    async with database("worker").connect() as tx:
        assert await tx.scalar(text("SELECT count(*) FROM events.outbox")) == 0
