"""Locks of accounts: which reason stays, what lifts one, and the last administrator."""

from __future__ import annotations

import asyncio
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from idp.directory.account import LockReason
from idp.storage import directory
from tests.clock import FakeClock
from tests.idp.conftest import OpenDatabase
from tests.idp.people import add_person


@pytest.mark.parametrize(
    ("first", "then", "kept"),
    [
        ("not_me", "response", "response"),
        ("response", "administrator", "administrator"),
        ("administrator", "not_me", "administrator"),
        ("response", "not_me", "response"),
        ("not_me", "not_me", "not_me"),
    ],
)
async def test_the_stronger_reason_stays(
    database: OpenDatabase, clock: FakeClock, first: LockReason, then: LockReason, kept: LockReason
) -> None:
    async with database("idp").begin() as tx:
        mina = await add_person(tx)
        assert await directory.lock(tx, mina.id, first, clock.now())
        assert await directory.lock(tx, mina.id, then, clock.now())
        locked = await directory.account(tx, mina.id)
        assert locked is not None
        assert not locked.may_sign_in
        assert locked.lock_reason == kept
        assert locked.version > mina.version
        assert await directory.unlock(tx, mina.id, only="not_me") is (kept == "not_me")
        await directory.unlock(tx, mina.id)
        free = await directory.account(tx, mina.id)
        assert free is not None
        assert free.may_sign_in
        assert free.lock_reason is None
        assert not await directory.unlock(tx, mina.id)


async def test_nobody_is_not_locked(database: OpenDatabase, clock: FakeClock) -> None:
    async with database("idp").begin() as tx:
        assert not await directory.lock(tx, uuid4(), "administrator", clock.now())


async def test_the_last_administrator_is_locked_by_themselves_alone(database: OpenDatabase, clock: FakeClock) -> None:
    async with database("idp").begin() as tx:
        one = await add_person(tx, "one", roles=("administrator",))
        other = await add_person(tx, "other", roles=("customer", "administrator"))
        assert await directory.lock(tx, one.id, "administrator", clock.now())
        for reason in ("administrator", "response"):
            assert not await directory.lock(tx, other.id, reason, clock.now())
        found = await directory.account(tx, other.id)
        assert found is not None
        assert found.may_sign_in
        assert await directory.lock(tx, other.id, "not_me", clock.now())


async def test_two_administrators_do_not_lock_each_other_out(database: OpenDatabase, clock: FakeClock) -> None:
    async with database("idp").begin() as tx:
        people = [(await add_person(tx, name, roles=("administrator",))).id for name in ("one", "other")]

    async def lock(user: UUID) -> bool:
        async with database("idp").begin() as tx:
            return await directory.lock(tx, user, "administrator", clock.now())

    async with database("idp").begin() as tx:
        assert await directory.lock(tx, people[0], "administrator", clock.now())
        second = asyncio.create_task(lock(people[1]))
        await _somebody_waits_at_the_gate(database)
    assert not await second


async def _somebody_waits_at_the_gate(database: OpenDatabase) -> None:
    query = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
    async with asyncio.timeout(20):
        while True:
            async with database("owner").connect() as watch:
                if (await watch.execute(query)).scalar_one():
                    return
            await asyncio.sleep(0.01)
