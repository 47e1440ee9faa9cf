"""Cookie sessions end with their sessions, however many end together, and however long the database is away."""

from __future__ import annotations

import time

import pytest
from sqlalchemy import func, select

from gateway.callers.cookie_upkeep import CookieUpkeep
from gateway.sessions.near_cache import EndedSession
from gateway.storage.tables import cookie_session
from tests.gateway.rig import Rig


def upkeep_of(rig: Rig) -> CookieUpkeep:
    return CookieUpkeep(
        database=rig.database,
        cookie_sessions=rig.storage,
        sign_ins=rig.sign_ins,
        cookies=rig.cookies,
        clock=rig.clock,
    )


async def test_an_end_is_written_down_once_the_database_is_back(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    upkeep = upkeep_of(rig)
    await rig.cookie()
    upkeep.ended(EndedSession("session-1", 2, "takeover", rig.clock.timestamp()))

    async def away(*_: object, **__: object) -> int:
        raise OSError

    with monkeypatch.context() as patched:
        patched.setattr(rig.storage, "end_of_session", away)
        with pytest.raises(OSError):
            await upkeep.end_with_sessions()
    await upkeep.end_with_sessions()
    async with rig.database.connect() as tx:
        ended = select(func.count()).select_from(cookie_session).where(cookie_session.c.ended_reason == "takeover")
        assert await tx.scalar(ended) == 1


async def test_all_sessions_may_end_at_once(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    upkeep = upkeep_of(rig)
    written: list[str] = []

    async def end(_tx: object, sid: str, **_: object) -> int:
        written.append(sid)
        return 0

    monkeypatch.setattr(rig.storage, "end_of_session", end)
    by = {"device": "Galaxy", "browser": "Chrome"}
    for number in range(20_000):
        upkeep.ended(EndedSession(f"session-{number:05}", 2, "administrator", 1.0, by))
    began = time.process_time()
    await upkeep.end_with_sessions()
    assert len(set(written)) == len(written) == 20_000
    assert time.process_time() - began < 5
    await upkeep.end_with_sessions()
    assert len(written) == 20_000
