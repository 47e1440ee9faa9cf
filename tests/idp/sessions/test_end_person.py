"""Acts upon a person end whatever session they have, and none begins beside it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from config.connections import Database
from config.sections.engines import Role
from idp.sessions.one_session import Began, MayNotSignIn
from idp.storage import directory
from idp.storage import sessions as storage
from tests.clock import FakeClock
from tests.idp.people import add_person, beginning, one_session
from tests.idp.waiting import waiting

OpenDatabase = Callable[[Role], Database]


async def test_it_ends_the_session_once_and_spares_the_one_it_is_told_to(
    database: OpenDatabase, clock: FakeClock
) -> None:
    idp, sessions = database("idp"), one_session(clock)
    async with idp.begin() as tx:
        user = (await add_person(tx)).id
        begun = await sessions.begin(tx, beginning(user, clock))
    assert isinstance(begun, Began)
    sid = begun.session.sid
    async with idp.begin() as tx:
        assert not await sessions.end_person(tx, user, "password_change", correlation_id="t", sparing=sid)
    async with idp.begin() as tx:
        ended = await sessions.end_person(tx, user, "password_change", correlation_id="t")
        assert ended is not None
        assert (ended.sid, ended.end_reason) == (sid, "password_change")
        assert await sessions.end_person(tx, user, "password_change", correlation_id="t") is None


@pytest.mark.parametrize("round_", range(5))
async def test_a_lock_and_logins_together_leave_nobody_signed_in(
    database: OpenDatabase, clock: FakeClock, round_: int
) -> None:
    idp, sessions = database("idp"), one_session(clock)
    async with idp.begin() as tx:
        user = (await add_person(tx)).id

    async def log_in() -> object:
        async with idp.begin() as tx:
            return await sessions.begin(tx, beginning(user, clock))

    async def lock() -> None:
        async with idp.begin() as tx:
            assert await directory.lock(tx, user, "not_me", clock.now())
            await sessions.end_person(tx, user, "account_lock", correlation_id="t")

    await asyncio.gather(*(log_in() for _ in range(round_)), lock(), *(log_in() for _ in range(5)))
    async with idp.connect() as tx:
        assert await storage.live_of(tx, user, clock.now()) is None
    assert isinstance(await log_in(), MayNotSignIn)


async def test_a_login_waits_for_the_lock_and_is_refused(database: OpenDatabase, clock: FakeClock) -> None:
    idp, sessions = database("idp"), one_session(clock)
    async with idp.begin() as tx:
        user = (await add_person(tx)).id

    async def log_in() -> object:
        async with idp.begin() as tx:
            return await sessions.begin(tx, beginning(user, clock))

    async with idp.begin() as tx:
        await sessions.end_person(tx, user, "account_lock", correlation_id="t")
        login = asyncio.create_task(log_in())
        await waiting(database("owner"), 1, or_done=login)
        assert not login.done()
        await directory.lock(tx, user, "not_me", clock.now())
    assert isinstance(await login, MayNotSignIn)
