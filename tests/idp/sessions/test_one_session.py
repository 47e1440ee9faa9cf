"""S1 to S3 on a real PostgreSQL, with their races; the history is checked from what was committed."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from typing import get_args
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from config.clock import SystemClock
from config.connections import Database
from config.sections.engines import Role
from idp.sessions.one_session import AnotherLives, Began, MayNotSignIn, OneSession
from idp.sessions.session import ON_ITS_WAY, EndReason, Session
from idp.storage import sessions as storage
from tests.clock import FakeClock
from tests.idp.people import TIMES, add_person, beginning, one_session

OpenDatabase = Callable[[Role], Database]


async def _person(idp: Database, name: str = "mina") -> UUID:
    async with idp.begin() as tx:
        return (await add_person(tx, name)).id


async def _begin(idp: Database, sessions: OneSession, user: UUID, clock: FakeClock) -> Began:
    async with idp.begin() as tx:
        begun = await sessions.begin(tx, beginning(user, clock))
    assert isinstance(begun, Began)
    return begun


async def test_a_first_login_begins(database: OpenDatabase, clock: FakeClock) -> None:
    idp = database("idp")
    user = await _person(idp)
    begun = await _begin(idp, one_session(clock), user, clock)
    async with idp.connect() as tx:
        found = await storage.live_of(tx, user, clock.now())
        assert found == begun.session
        assert len(begun.session.sid) == 22
        assert await storage.live_by_cookie(tx, begun.session.cookie_hash, clock.now()) == begun.session


async def test_tokens_that_are_revoked_at_once_are_all_remembered_and_none_after_the_end(
    database: OpenDatabase, clock: FakeClock
) -> None:
    idp, sessions = database("idp"), one_session(clock)
    user = await _person(idp)
    sid = (await _begin(idp, sessions, user, clock)).session.sid
    over_at = int(clock.timestamp()) + 300

    async def revoke(name: str) -> Session | None:
        async with idp.begin() as tx:
            return await sessions.revoke_tokens(tx, sid, name, over_at, correlation_id="test")

    async def touch() -> None:
        async with idp.begin() as tx:
            await sessions.touch(tx, sid, clock.now())

    clock.advance(60)
    names = [f"token-{number}" for number in range(8)]
    answers, _, _ = await asyncio.gather(asyncio.gather(*map(revoke, names)), touch(), touch())
    assert all(answers)
    assert await revoke(names[0]) is None, "it was revoked already"
    async with idp.connect() as tx:
        found = await storage.find(tx, sid)
        assert found is not None
        assert found == await storage.live_of(tx, user, clock.now()) == await storage.lock(tx, sid)
        assert found.revoked_tokens == dict.fromkeys(names, over_at)
        assert await storage.alive_until(tx, sid) == (found.idle_expires_at, found.revoked_tokens)
    async with idp.begin() as tx:
        assert await sessions.end(tx, sid, "sign_out", correlation_id="test") is not None
    assert await revoke("late") is None
    assert await revoke("nobody's") is None
    async with idp.connect() as tx:
        assert await storage.alive_until(tx, sid) is None


async def test_a_second_login_changes_nothing_until_the_person_agrees(database: OpenDatabase, clock: FakeClock) -> None:
    idp, sessions = database("idp"), one_session(clock)
    user = await _person(idp)
    first = (await _begin(idp, sessions, user, clock)).session
    clock.advance(60)
    async with idp.begin() as tx:
        assert await sessions.begin(tx, beginning(user, clock)) == AnotherLives(first)
        assert await sessions.begin(tx, beginning(user, clock), expected_sid="x" * 22) == AnotherLives(first)
    async with idp.begin() as tx:
        second = await sessions.begin(tx, beginning(user, clock, ip="10.1.2.3"), expected_sid=first.sid)
    assert isinstance(second, Began)
    assert second.ended is not None
    assert second.ended.end_reason == "takeover"
    assert second.ended.ended_by == {
        "device": "Chrome · Windows",
        "browser": "Chrome",
        "place": "this machine",
        "ip": "10.1.2.3",
    }
    async with idp.connect() as tx:
        assert await storage.live_of(tx, user, clock.now()) == second.session
        assert await storage.find(tx, first.sid) == second.ended


async def test_a_takeover_of_a_session_that_was_replaced_meanwhile_does_nothing(
    database: OpenDatabase, clock: FakeClock
) -> None:
    idp, sessions = database("idp"), one_session(clock)
    user = await _person(idp)
    seen = (await _begin(idp, sessions, user, clock)).session
    async with idp.begin() as tx:
        other = await sessions.begin(tx, beginning(user, clock), expected_sid=seen.sid)
    assert isinstance(other, Began)
    async with idp.begin() as tx:
        late = await sessions.begin(tx, beginning(user, clock), expected_sid=seen.sid)
    assert late == AnotherLives(other.session)


async def test_an_expired_session_that_nobody_swept_ends_first(database: OpenDatabase, clock: FakeClock) -> None:
    idp, sessions = database("idp"), one_session(clock)
    user = await _person(idp)
    old = (await _begin(idp, sessions, user, clock)).session
    clock.advance(TIMES.idle_timeout.total_seconds())
    new = await _begin(idp, sessions, user, clock)
    assert new.ended is None
    async with idp.connect() as tx:
        swept = await storage.find(tx, old.sid)
    assert swept is not None
    assert (swept.end_reason, swept.ended_at) == ("idle", old.idle_expires_at)


async def test_a_locked_account_gets_no_session(database: OpenDatabase, clock: FakeClock) -> None:
    idp, sessions = database("idp"), one_session(clock)
    user = await _person(idp)
    async with idp.begin() as tx:
        await tx.execute(text("UPDATE idp.user_account SET state = 'locked'"))
    async with idp.begin() as tx:
        assert await sessions.begin(tx, beginning(user, clock)) == MayNotSignIn()
        assert await sessions.begin(tx, beginning(uuid4(), clock)) == MayNotSignIn()


async def test_the_database_itself_refuses_a_second_live_session_and_a_revival(
    database: OpenDatabase, clock: FakeClock
) -> None:
    idp, sessions = database("idp"), one_session(clock)
    user = await _person(idp)
    live = (await _begin(idp, sessions, user, clock)).session
    twin = {"sid": "t" * 22, "cookie": b"another", "of": live.sid}
    with pytest.raises(IntegrityError, match="session_one_per_user"):
        async with idp.begin() as tx:
            await tx.execute(
                text(
                    "INSERT INTO idp.session SELECT (jsonb_populate_record(s, "
                    "jsonb_build_object('sid', CAST(:sid AS text), 'cookie_hash', CAST(:cookie AS bytea)))).* "
                    "FROM idp.session s WHERE sid = :of"
                ),
                twin,
            )
    async with idp.begin() as tx:
        await sessions.end(tx, live.sid, "sign_out", correlation_id="test")
    for revival in (
        "ended_at = NULL, end_reason = NULL, version = version + 1",
        "idle_expires_at = absolute_expires_at, version = version + 1",
    ):
        with pytest.raises(DBAPIError, match="stays ended"):
            async with idp.begin() as tx:
                await tx.execute(text(f"UPDATE idp.session SET {revival}"))


async def test_the_database_knows_the_same_reasons(database: OpenDatabase, clock: FakeClock) -> None:
    idp, sessions = database("idp"), one_session(clock)
    user = await _person(idp)
    for reason in get_args(EndReason):
        sid = (await _begin(idp, sessions, user, clock)).session.sid
        async with idp.begin() as tx:
            ended = await sessions.end(tx, sid, reason, correlation_id="test")
        assert ended is not None
        assert ended.end_reason == reason
    with pytest.raises(IntegrityError, match="end_reason"):
        async with database("owner").begin() as tx:
            await tx.execute(
                text(
                    "INSERT INTO idp.session SELECT (jsonb_populate_record(s, jsonb_build_object('sid', "
                    "repeat('r', 22), 'cookie_hash', 'r', 'end_reason', 'boredom'))).* FROM idp.session s LIMIT 1"
                )
            )


async def test_an_end_happens_once(database: OpenDatabase, clock: FakeClock) -> None:
    idp, sessions = database("idp"), one_session(clock)
    user = await _person(idp)
    sid = (await _begin(idp, sessions, user, clock)).session.sid

    async def end() -> bool:
        async with idp.begin() as tx:
            return await sessions.end(tx, sid, "sign_out", correlation_id="test") is not None

    assert Counter(await asyncio.gather(*(end() for _ in range(12)))) == {True: 1, False: 11}


async def test_of_parallel_takeovers_exactly_one_wins(database: OpenDatabase, clock: FakeClock) -> None:
    idp, sessions = database("idp"), one_session(clock)
    user = await _person(idp)
    seen = (await _begin(idp, sessions, user, clock)).session

    async def take_over() -> bool:
        async with idp.begin() as tx:
            outcome = await sessions.begin(tx, beginning(user, clock), expected_sid=seen.sid)
        return isinstance(outcome, Began)

    assert Counter(await asyncio.gather(*(take_over() for _ in range(24)))) == {True: 1, False: 23}
    await assert_one_session_per_user(database, user)


async def test_an_end_and_a_touch_together_leave_it_ended(database: OpenDatabase, clock: FakeClock) -> None:
    idp, sessions = database("idp"), one_session(clock)
    user = await _person(idp)
    for _ in range(10):
        sid = (await _begin(idp, sessions, user, clock)).session.sid
        clock.advance(60)

        async def end(sid: str = sid) -> None:
            async with idp.begin() as tx:
                assert await sessions.end(tx, sid, "administrator", correlation_id="test")

        async def touch(sid: str = sid) -> None:
            async with database("worker").begin() as tx:
                await sessions.touch(tx, sid, clock.now())

        await asyncio.gather(touch(), end(), touch(), touch())
        async with idp.connect() as tx:
            assert await storage.live_of(tx, user, clock.now()) is None
    await assert_one_session_per_user(database, user)


async def test_whoever_holds_the_session_row_for_a_refresh_is_before_the_end_or_after_it(
    database: OpenDatabase, clock: FakeClock
) -> None:
    """The token endpoint locks the row that an end locks: the refresh commits first, or finds no session."""
    idp, sessions = database("idp"), one_session(clock)
    user = await _person(idp)
    sid = (await _begin(idp, sessions, user, clock)).session.sid
    async with idp.begin() as refreshing:
        assert await storage.lock(refreshing, sid) is not None

        async def end() -> None:
            async with idp.begin() as tx:
                await sessions.end(tx, sid, "sign_out", correlation_id="test")

        ending = asyncio.create_task(end())
        done, _ = await asyncio.wait({ending}, timeout=0.05)
        assert not done
    await ending
    async with idp.begin() as refreshing:
        assert await storage.lock(refreshing, sid) is None


async def test_the_sweeper_ends_what_expired_and_leaves_what_another_holds(
    database: OpenDatabase, clock: FakeClock
) -> None:
    idp, worker, sessions = database("idp"), database("worker"), one_session(clock)
    async with idp.begin() as tx:
        people = [(await add_person(tx, f"person{n}")).id for n in range(4)]
    sids = [(await _begin(idp, sessions, user, clock)).session.sid for user in people]
    clock.advance(TIMES.idle_timeout.total_seconds() - 1)
    async with worker.begin() as tx:
        assert await sessions.touch(tx, sids[0], clock.now()) == "extended"
        assert await sessions.sweep(tx, storage, limit=10) == 0
    clock.advance(1 + ON_ITS_WAY.total_seconds())
    async with idp.begin() as holding:
        await storage.lock(holding, sids[1])
        async with worker.begin() as tx:
            assert await sessions.sweep(tx, storage, limit=10) == 2
    async with worker.begin() as tx:
        assert await sessions.sweep(tx, storage, limit=10) == 1
        assert await sessions.sweep(tx, storage, limit=10) == 0
    async with idp.connect() as tx:
        assert await storage.live_of(tx, people[0], clock.now()) is not None


async def test_authentication_in_a_live_session_is_noted(database: OpenDatabase, clock: FakeClock) -> None:
    idp, sessions = database("idp"), one_session(clock)
    user = await _person(idp)
    sid = (await _begin(idp, sessions, user, clock)).session.sid
    clock.advance(60)
    cookie = b"the hash of a new cookie"
    proof = {"amr": ("pwd", "otp", "mfa"), "acr": "urn:munjigi:acr:2", "authenticated_at": clock.now()}

    async def prove(who: UUID) -> Session | None:
        async with idp.begin() as tx:
            return await sessions.authenticated_again(tx, who, sid, cookie_hash=cookie, **proof)  # type: ignore[arg-type] - one dict for three calls

    assert await prove(await _person(idp, "jun")) is None
    again = await prove(user)
    assert again is not None
    assert (again.acr, again.cookie_hash) == ("urn:munjigi:acr:2", cookie)
    async with idp.connect() as tx:
        assert await storage.find(tx, sid) == again
    clock.advance(TIMES.idle_timeout.total_seconds())
    assert await prove(user) is None


async def test_two_hundred_concurrent_logins_of_one_user(database: OpenDatabase) -> None:
    await _race(database, logins=200)


@pytest.mark.proof
async def test_a_thousand_concurrent_logins_of_one_user(database: OpenDatabase) -> None:
    await _race(database, logins=1000)


async def _race(database: OpenDatabase, *, logins: int) -> None:
    """All log in at once; each takes over what it is shown, three times at most, and keeps the other session then."""
    idp, clock = database("idp"), SystemClock()
    sessions = one_session(clock)
    user = await _person(idp)
    connections = asyncio.Semaphore(16)

    async def log_in() -> bool:
        seen = None
        for _ in range(1 + 3):
            async with connections, idp.begin() as tx:
                outcome = await sessions.begin(tx, beginning(user, clock), expected_sid=seen)
            if isinstance(outcome, Began):
                return True
            assert isinstance(outcome, AnotherLives)
            seen = outcome.live.sid
        return False

    began = sum(await asyncio.gather(*(log_in() for _ in range(logins))))
    assert began > 1
    assert await assert_one_session_per_user(database, user) == began


async def assert_one_session_per_user(database: OpenDatabase, user: UUID) -> int:
    """Hold everything that was committed about a person against S1. Returns how many sessions there were."""
    async with database("owner").connect() as tx:
        rows = (
            await tx.execute(
                text("SELECT * FROM idp.session WHERE user_id = :user ORDER BY created_at, ended_at"), {"user": user}
            )
        ).all()
        events = (
            await tx.execute(
                text(
                    "SELECT key, payload FROM events.outbox "
                    "WHERE topic = 'session' AND payload->>'sub' = :user ORDER BY id"
                ),
                {"user": str(user)},
            )
        ).all()
        audited = (
            await tx.execute(text("SELECT sid, kind FROM audit.record WHERE subject = :user"), {"user": str(user)})
        ).all()
    for earlier, later in pairwise(rows):
        assert earlier.ended_at is not None
        assert earlier.ended_at <= later.created_at
    for row in rows:
        assert (row.ended_at is None) == (row.end_reason is None)
    live: str | None = None
    versions: dict[str, int] = {}
    ended: list[str] = []
    for sid, event in events:
        assert event["version"] > versions.get(sid, 0)
        versions[sid] = event["version"]
        if event["state"] == "live":
            assert live in (None, sid)
            assert sid not in ended
            live = sid
        else:
            assert live == sid
            live = None
            ended.append(sid)
    assert len(ended) == len(set(ended)) == sum(row.ended_at is not None for row in rows)
    assert {row.sid for row in rows} == set(versions)
    kinds = Counter(audited)
    for row in rows:
        assert kinds[row.sid, "session_ended"] == (row.ended_at is not None)
        assert kinds[row.sid, "session_began"] + kinds[row.sid, "takeover_completed"] == 1
    return len(rows)
