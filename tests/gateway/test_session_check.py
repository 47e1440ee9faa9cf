"""Fills and events against each other, on a real Valkey."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from config import key_space
from config.connections import Database, open_valkey
from config.sections.engines import Role
from config.settings import Settings
from gateway.news import News
from gateway.sessions.near_cache import EndedSession, LiveSession
from gateway.sessions.session_check import SessionCheck, StoreUnreachable
from tests.clock import FakeClock
from tests.gateway.rig import Rig


class HeldValkey:
    """A real store whose answer is held back on its way."""

    def __init__(self, real: Any) -> None:
        self.real = real
        self.read = asyncio.Event()
        self.go = asyncio.Event()
        self.reads = 0

    async def hgetall(self, key: str) -> Any:
        self.reads += 1
        answer = await self.real.hgetall(key)
        self.read.set()
        await self.go.wait()
        return answer


@pytest.fixture
def held(rig: Rig) -> tuple[HeldValkey, SessionCheck]:
    store = HeldValkey(rig.valkey)
    return store, SessionCheck(valkey=store, clock=rig.clock, lease=1.0)  # type: ignore[arg-type] # reads alone are asked of it


def event(state: str, version: int, clock: FakeClock, sid: str = "session-1") -> dict[str, object]:
    return {
        "sid": sid,
        "sub": "kim",
        "version": version,
        "state": state,
        "idle_expires_at": clock.timestamp() + 1800,
        "absolute_expires_at": clock.timestamp() + 43200,
        "reason": "takeover" if state == "ended" else None,
        "ended_by": {"device": "phone"} if state == "ended" else None,
        "at": clock.timestamp(),
    }


async def test_an_end_that_arrives_during_a_fill_wins(rig: Rig, held: tuple[HeldValkey, SessionCheck]) -> None:
    store, sessions = held
    await rig.project()
    filling = asyncio.create_task(sessions.fill("session-1"))
    await store.read.wait()
    sessions.event(event("ended", 2, rig.clock))
    store.go.set()
    assert isinstance(await filling, EndedSession)
    assert isinstance(sessions.cache.find("session-1"), EndedSession)


async def test_a_token_that_is_revoked_during_a_fill_stays_revoked(
    rig: Rig, held: tuple[HeldValkey, SessionCheck]
) -> None:
    store, sessions = held
    await rig.project()
    filling = asyncio.create_task(sessions.fill("session-1"))
    await store.read.wait()
    sessions.event({**event("live", 2, rig.clock), "revoked": ["one"]})
    store.go.set()
    found = await filling
    assert isinstance(found, LiveSession)
    assert found.refuses("one", "")


async def test_what_was_read_before_a_reset_is_read_again(rig: Rig, held: tuple[HeldValkey, SessionCheck]) -> None:
    store, sessions = held
    await rig.project()
    filling = asyncio.create_task(sessions.fill("session-1"))
    await store.read.wait()
    await rig.project(state="ended", version=2)
    sessions.reset()
    store.go.set()
    assert isinstance(await filling, EndedSession)
    assert store.reads == 2


async def test_many_who_ask_read_once(rig: Rig, held: tuple[HeldValkey, SessionCheck]) -> None:
    store, sessions = held
    store.go.set()
    await rig.project()
    found = await asyncio.gather(*(sessions.fill("session-1") for _ in range(50)))
    assert all(isinstance(session, LiveSession) for session in found)
    assert store.reads == 1


async def test_a_session_that_appears_a_moment_later_is_found(rig: Rig) -> None:
    filling = asyncio.create_task(rig.sessions.fill("session-1"))
    await asyncio.sleep(0)
    await rig.project()
    assert isinstance(await filling, LiveSession)


async def test_events_of_unknown_sessions_fill_nothing_and_ends_are_kept(rig: Rig) -> None:
    rig.sessions.event(event("live", 2, rig.clock))
    assert rig.sessions.cache.find("session-1") is None
    rig.sessions.event(event("ended", 3, rig.clock))
    rig.sessions.event(event("live", 4, rig.clock))
    tombstone = rig.sessions.cache.find("session-1")
    assert isinstance(tombstone, EndedSession)
    assert tombstone.ended_by == {"device": "phone"}


async def test_a_store_that_is_away_is_said_so(rig: Rig, settings: Settings, clock: FakeClock) -> None:
    away = open_valkey(
        settings.model_copy(update={"valkey": settings.valkey.model_copy(update={"url": "unix:///nowhere.sock"})})
    )
    sessions = SessionCheck(valkey=away, clock=clock, lease=1.0)
    with pytest.raises(StoreUnreachable):
        await sessions.fill("session-1")
    await away.aclose()


async def test_an_event_that_cannot_be_read_is_as_good_as_missed(rig: Rig) -> None:
    await rig.project()
    await rig.sessions.fill("session-1")
    asked: list[str] = []
    news = News(
        sessions=rig.sessions,
        policy_changed=lambda: asked.append("policy"),
        overlay_changed=lambda: None,
        keys_changed=lambda purpose, published: asked.append(f"{purpose} {' '.join(published)}"),
        resources_changed=lambda: asked.append("resources"),
        attempted=lambda payload: asked.append(str(payload["sid"])),
    )
    news.event("session", {"sid": 7})
    assert rig.sessions.cache.find("session-1") is None
    assert rig.sessions.lease.overdue(rig.clock.monotonic()) == 0.0
    assert asked == ["policy", "* ", "resources"]
    asked.clear()
    news.event("policy", {"version": 3})
    news.event("key", {"purpose": "token", "published": ["x"]})
    news.event("order", {"id": 1})
    news.event("attempt", {"sid": "session-1"})
    news.event("resource", {"resource_id": "r-1"})
    assert asked == ["policy", "token x", "session-1", "resources"]


async def test_a_malformed_projection_is_no_session(rig: Rig) -> None:
    await rig.valkey.hset(key_space.session("session-1"), mapping={"v": "x", "state": "live"})
    with pytest.raises(StoreUnreachable):
        await rig.sessions.fill("session-1")


@pytest.mark.parametrize("role", ["gateway"])
async def test_the_role_reaches_its_own_schema_alone(database: Callable[[Role], Database], role: Role) -> None:
    from sqlalchemy import text
    from sqlalchemy.exc import ProgrammingError

    async with database(role).connect() as tx:
        await tx.execute(text("SELECT count(*) FROM gateway.cookie_session"))
        with pytest.raises(ProgrammingError, match="permission denied"):
            await tx.execute(text("SELECT count(*) FROM idp.session"))
