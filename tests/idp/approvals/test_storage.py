"""Devices that approve and what they are asked, in PostgreSQL: the tables are the migration's; races have one end."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

from sqlalchemy import text

from config.clock import Clock
from config.connections import Database, Transaction
from config.entropy import SystemEntropy
from idp.devices.device import Device
from idp.factors.approval_asking import ApprovalAsking, Question
from idp.factors.push_approval import KEPT, LIFETIME, MOST_DEVICES, ApprovalDevice
from idp.storage import approval_devices, approval_pushes, approval_requests, devices
from idp.storage.approval_tables import metadata
from tests.clock import FakeClock
from tests.idp.conftest import OpenDatabase
from tests.idp.people import add_person
from tests.schema import declared_columns, live_columns


async def test_the_tables_are_the_migrations(database: OpenDatabase) -> None:
    async with database("owner").connect() as connection:
        live = await live_columns(connection, "idp")
        for column, declared in declared_columns(connection, metadata).items():
            assert live[column] == declared, column


async def person(database: Database, name: str = "mina") -> UUID:
    async with database.begin() as tx:
        return (await add_person(tx, name)).id


async def device_of(
    tx: Transaction, user: UUID, clock: Clock, *, cookie: bytes | None = None, pushed: bool = True
) -> ApprovalDevice:
    """A browser of theirs, set up to approve."""
    browser = Device(
        id=uuid4(),
        user_id=user,
        trust="known",
        label="Chrome",
        sign_ins=1,
        first_seen_at=clock.now(),
        last_seen_at=clock.now(),
    )
    browser = await devices.meet(tx, browser, cookie or uuid4().bytes * 2)
    return ApprovalDevice(
        id=uuid4(),
        user_id=user,
        device_id=browser.id,
        label="Phone",
        public_key=b"\x04" + uuid4().bytes * 4,
        created_at=clock.now(),
        sealed_subscription=b"sealed" if pushed else None,
        push_host="push.example" if pushed else None,
    )


def question(user: UUID, bound_to: str = "factor:x", asked_by: UUID | None = None) -> Question:
    return Question(user_id=user, bound_to=bound_to, app="app", came_from={"device": "Chrome"}, asked_by=asked_by)


async def test_a_browser_is_one_device_and_nobody_has_too_many(database: OpenDatabase, clock: FakeClock) -> None:
    idp = database("idp")
    user, cookie = await person(idp), b"c" * 32
    async with idp.begin() as tx:
        first = await device_of(tx, user, clock, cookie=cookie)
        assert await approval_devices.add(tx, first)
        anew = replace(first, id=uuid4(), public_key=b"\x04" + b"n" * 64)
        assert await approval_devices.add(tx, anew), "set up anew, it takes the place of the key that was lost"
        assert [one.id for one in await approval_devices.of(tx, user)] == [anew.id]
        assert [one.id for one in await approval_devices.in_browser(tx, cookie)] == [anew.id]
        others = [await device_of(tx, user, clock) for _ in range(MOST_DEVICES)]

    async def add(one: ApprovalDevice) -> bool:
        async with idp.begin() as tx:
            return await approval_devices.add(tx, one)

    assert sum(await asyncio.gather(*(add(one) for one in others))) == MOST_DEVICES - 1
    async with idp.begin() as tx:
        stolen = replace(await device_of(tx, user, clock), public_key=anew.public_key)
        await approval_devices.remove(tx, user, others[0].id)
        assert not await approval_devices.add(tx, stolen), "a key is one device's"
        assert not await approval_devices.remove(tx, uuid4(), anew.id), "of another person"
        assert not await approval_devices.rename(tx, uuid4(), anew.id, "Mine")
        assert await approval_devices.rename(tx, user, anew.id, "Mine")
        await devices.remove(tx, user, anew.device_id)
        assert await approval_devices.in_browser(tx, cookie) == [], "with its browser it goes"


async def test_a_question_goes_to_every_other_device_that_takes_pushes(
    database: OpenDatabase, clock: FakeClock
) -> None:
    idp, asking = database("idp"), ApprovalAsking(approval_requests, SystemEntropy())
    user, now = await person(idp), clock.now()
    async with idp.begin() as tx:
        made = [await device_of(tx, user, clock, pushed=pushed) for pushed in (True, True, True, False)]
        for one in made:
            assert await approval_devices.add(tx, one)
        asked = await asking.ask(tx, question(user, asked_by=made[0].device_id), now, correlation_id="test")
        claimed = await approval_pushes.claim(tx, now, now + timedelta(seconds=9), [], 10)
        assert {push.approval_device_id for push in claimed} == {made[1].id, made[2].id}
        assert {push.request_id for push in claimed} == {asked.id}
        assert await approval_pushes.claim(tx, now, now, [], 10) == [], "they are claimed"
        later = now + timedelta(seconds=9)
        assert await approval_pushes.claim(tx, later, later, ["push.example"], 10) == [], "that service is busy"
        await approval_pushes.settle(tx, claimed[0], gone=False)
        again = await asking.ask(tx, question(user), now, correlation_id="test")
        rows = (await tx.execute(text("SELECT DISTINCT request_id FROM idp.approval_push"))).scalars().all()
        assert rows == [again.id], "what the first one still had to go is gone"
        found = await approval_requests.find(tx, asked.id)
        assert found is not None
        assert found.state == "withdrawn"


async def test_of_many_who_answer_and_use_it_one_does(database: OpenDatabase, clock: FakeClock) -> None:
    idp, asking = database("idp"), ApprovalAsking(approval_requests, SystemEntropy())
    user, now = await person(idp), clock.now()
    async with idp.begin() as tx:
        asked = await asking.ask(tx, question(user), now, correlation_id="test")

    async def turn(before: str, after: str) -> bool:
        async with idp.begin() as tx:
            found = await approval_requests.claim_latest(tx, "factor:x")
            assert found is not None
            if found.state != before:
                return False
            await approval_requests.save(tx, replace(found, state=after))  # type: ignore[arg-type]
            return True

    assert sum(await asyncio.gather(*(turn("pending", "approved") for _ in range(8)))) == 1
    assert sum(await asyncio.gather(*(turn("approved", "used") for _ in range(8)))) == 1
    async with database("worker").begin() as tx:
        assert await approval_requests.sweep(tx, now + LIFETIME) == 0
        assert await approval_requests.sweep(tx, now + LIFETIME + KEPT) == 1
    async with idp.connect() as tx:
        assert await approval_requests.find(tx, asked.id) is None
