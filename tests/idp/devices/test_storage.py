"""Devices on a real PostgreSQL: one per browser and person, however many logins meet it at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from uuid import UUID, uuid4

from config.connections import Database
from config.sections.engines import Role
from idp.devices.device import Device
from idp.storage import devices
from tests.clock import FakeClock
from tests.idp.people import add_person

COOKIE = b"c" * 32


def unmet(user: UUID, now: datetime) -> Device:
    return Device(
        id=uuid4(),
        user_id=user,
        trust="unknown",
        label="Chrome · Windows",
        sign_ins=0,
        first_seen_at=now,
        last_seen_at=now,
    )


async def test_trust_rises_with_the_second_sign_in(database: Callable[[Role], Database], clock: FakeClock) -> None:
    async with database("idp").begin() as tx:
        user = (await add_person(tx)).id
        trusts = []
        for _ in range(3):
            clock.advance(60)
            met = await devices.meet(tx, unmet(user, clock.now()), COOKIE)
            await devices.change(tx, met.signed_in("Chrome · macOS", clock.now()))
            found = await devices.find(tx, user, COOKIE)
            assert found is not None
            trusts.append(found.trust)
        assert trusts == ["unknown", "known", "known"]
        assert (found.sign_ins, found.label, found.last_seen_at) == (3, "Chrome · macOS", clock.now())
        assert await devices.get(tx, found.id) == found
        assert await devices.get(tx, uuid4()) is None


async def test_another_person_in_the_same_browser_is_another_device(
    database: Callable[[Role], Database], clock: FakeClock
) -> None:
    async with database("idp").begin() as tx:
        people = [(await add_person(tx, name)).id for name in ("mina", "jun")]
        met = [await devices.meet(tx, unmet(user, clock.now()), COOKIE) for user in people]
        assert met[0].id != met[1].id


async def test_logins_that_meet_it_together_meet_one_device(
    database: Callable[[Role], Database], clock: FakeClock
) -> None:
    idp = database("idp")
    async with idp.begin() as tx:
        user = (await add_person(tx)).id

    async def sign_in() -> UUID:
        async with idp.begin() as tx:
            met = await devices.meet(tx, unmet(user, clock.now()), COOKIE)
            await devices.change(tx, met.signed_in(met.label, clock.now()))
        return met.id

    assert len(set(await asyncio.gather(*(sign_in() for _ in range(10))))) == 1
    async with idp.connect() as tx:
        found = await devices.find(tx, user, COOKIE)
    assert found is not None
    assert found.sign_ins == 10
