"""The projection is rebuilt beside the heartbeats: a change of the relay costs gateways no more with more sessions."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import text

from config import key_space
from config.clock import SystemClock
from events.projection import SessionState
from events.storage import outbox
from events.storage.stream import EventStream
from events.tenure import Tenure

FAR = 4_000_000_000.0


async def begin_sessions(database, count: int, *, prefix: str, ended_ago: int | None = None) -> None:
    """Many at once."""
    async with database("owner").begin() as tx:
        await tx.execute(
            text("INSERT INTO idp.organisation (id, name, created_at) VALUES (:id, :name, now())"),
            {"id": uuid.uuid4(), "name": prefix},
        )
        await tx.execute(
            text(
                """
                WITH people AS (
                    INSERT INTO idp.user_account (id, display_name, created_at)
                    SELECT gen_random_uuid(), 'Minji', now() FROM generate_series(1, :count) RETURNING id
                )
                INSERT INTO idp.session (sid, user_id, organisation_id, version, cookie_hash, device_label, browser, ip,
                    place, amr, acr, authenticated_at, created_at, last_activity_at, idle_expires_at,
                    absolute_expires_at, ended_at, end_reason)
                SELECT :prefix || lpad(n::text, 21, '0'), id,
                    (SELECT id FROM idp.organisation WHERE name = :prefix), 4, sha256((:prefix || n)::bytea), 'a', 'b',
                    '127.0.0.1', 'c', '{pwd}', 'urn:munjigi:acr:1', now() - interval '3 hours',
                    now() - interval '3 hours', now(), now() + interval '30 minutes', now() + interval '9 hours',
                    now() - make_interval(secs => :ended_ago),
                    CASE WHEN CAST(:ended_ago AS int) IS NOT NULL THEN 'sign_out' END
                FROM (SELECT id, row_number() OVER () AS n FROM people) AS numbered
                """
            ),
            {"count": count, "prefix": prefix, "ended_ago": ended_ago},
        )


class Watched(EventStream):
    """Remembers what was projected before the first append."""

    def __init__(self, valkey):
        super().__init__(valkey)
        self.projected: list[SessionState] = []
        self.before_the_first: list[SessionState] | None = None

    async def project(self, sessions):
        self.projected += sessions
        await super().project(sessions)

    async def append(self, epoch, sequence, entries, vouched=None):
        if self.before_the_first is None:
            self.before_the_first = list(self.projected)
        return await super().append(epoch, sequence, entries, vouched)


async def rebuilt(tenure: Tenure) -> None:
    while await tenure.rebuild():
        await tenure.carry()


@asynccontextmanager
async def tenure_of(database, valkey) -> AsyncIterator[tuple[Tenure, Watched]]:
    async with database("worker").connect() as connection:
        stream = Watched(valkey)
        tenure = Tenure(connection, stream, SystemClock(), asyncio.Event())
        assert await tenure.acquire(asyncio.Event(), standing_by=lambda: None)
        yield tenure, stream
        await connection.invalidate()


async def test_no_heartbeat_waits_for_the_sessions_there_are(database, valkey):
    """Nor for the ends of the last hour, where Valkey says that it knew of them."""
    async with tenure_of(database, valkey) as (tenure, _):
        await tenure.begin()
        await tenure.carry()
    await begin_sessions(database, 1200, prefix="l")
    await begin_sessions(database, 700, prefix="o", ended_ago=1800)
    await begin_sessions(database, 3, prefix="r", ended_ago=1)
    await begin_sessions(database, 5, prefix="p", ended_ago=7200)
    async with tenure_of(database, valkey) as (tenure, stream):
        await tenure.begin()
        await tenure.carry()
        assert stream.before_the_first is not None
        assert {(told.sid[0], told.state) for told in stream.before_the_first} == {("r", "ended")}
        assert len(stream.before_the_first) == 3
        heartbeats = [json.loads(fields["p"])["t"] for _, fields in await valkey.xrange(key_space.EVENT_STREAM)]
        assert len(heartbeats) == 2
        await rebuilt(tenure)
    assert {letter: len([told for told in stream.projected if told.sid[0] == letter]) for letter in "lorp"} == {
        "l": 1200,
        "o": 700,
        "r": 3,
        "p": 0,
    }
    assert (found := await stream.projection("l" + "1200".zfill(21))) is not None
    assert (found.state, found.version) == ("live", 4)


async def test_a_valkey_that_lost_everything_learns_all_ends_first(database, valkey):
    await begin_sessions(database, 300, prefix="o", ended_ago=1800)
    await begin_sessions(database, 300, prefix="l")
    async with tenure_of(database, valkey) as (tenure, stream):
        await tenure.begin()
        await tenure.carry()
        assert stream.before_the_first is not None
        assert [told.sid[0] for told in stream.before_the_first] == ["o"] * 300


async def test_a_valkey_that_lost_its_tail_finds_no_ended_session_alive(database, valkey):
    """It has the heartbeat, and believes in a session that ended after it."""
    async with tenure_of(database, valkey) as (tenure, stream):
        await tenure.begin()
        await tenure.carry()
    over = "r" + "1".zfill(21)
    await stream.project([SessionState(over, "x", 3, "live", FAR, FAR)])
    await begin_sessions(database, 1, prefix="r", ended_ago=0)
    async with tenure_of(database, valkey) as (tenure, stream):
        await tenure.begin()
        assert (found := await stream.projection(over)) is not None
        assert (found.state, found.version) == ("ended", 4)


async def test_a_valkey_that_lost_its_tail_believes_in_no_revoked_token(database, valkey):
    """It has the heartbeat, and the session as it was before a token of it was revoked (RFC 7009)."""
    async with tenure_of(database, valkey) as (tenure, stream):
        await tenure.begin()
        await tenure.carry()
    sid = "r" + "1".zfill(21)
    await stream.project([SessionState(sid, "x", 3, "live", FAR, FAR)])
    await begin_sessions(database, 1, prefix="r")
    await begin_sessions(database, 2, prefix="l")
    async with database("owner").begin() as tx:
        await tx.execute(
            text("UPDATE idp.session SET version = 5, revoked_tokens = '{\"one\": 1}' WHERE sid = :sid"), {"sid": sid}
        )
    async with tenure_of(database, valkey) as (tenure, stream):
        await tenure.begin()
        await tenure.carry()
        assert stream.before_the_first is not None
        assert [(told.sid, told.version, told.revoked) for told in stream.before_the_first] == [(sid, 5, ("one",))]
        assert (found := await stream.projection(sid)) is not None
        assert found.revoked == ("one",)


async def test_heartbeats_go_on_between_the_pages_of_a_rebuild(database, valkey, monkeypatch):
    monkeypatch.setattr(outbox, "PAGE", 10)
    await begin_sessions(database, 300, prefix="l")
    monkeypatch.setattr("events.tenure.HEARTBEAT_INTERVAL", 0.0)
    async with tenure_of(database, valkey) as (tenure, _):
        await tenure.begin()
        await rebuilt(tenure)
    assert await valkey.xlen(key_space.EVENT_STREAM) == 30
