"""Remembered browsers: what a secret says at each moment, and the rows."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from config.connections import Transaction
from idp.credentials.remembered import (
    ABSOLUTE,
    DOUBLED,
    SLIDING,
    Remembered,
    cookie_value,
    new_remembered,
    read_cookie,
)
from idp.devices.device import Device
from idp.storage import devices, directory, remembered
from tests.clock import FakeClock
from tests.idp.conftest import OpenDatabase
from tests.idp.people import add_person

FIRST, SECOND, THIRD = ("A" * 43, "B" * 43, "C" * 43)


def made(clock: FakeClock) -> Remembered:
    return new_remembered(uuid4(), uuid4(), uuid4(), FIRST, clock.now())


def test_a_used_secret_that_comes_again_is_stolen_and_one_sent_twice_is_not(clock: FakeClock) -> None:
    kept = made(clock)
    assert kept.judge(FIRST, clock.now()) == "good"
    kept = kept.rotated(SECOND, clock.now())
    assert kept.judge(SECOND, clock.now()) == "good"
    later = clock.now() + DOUBLED + timedelta(microseconds=1)
    assert kept.judge(FIRST, clock.now() + DOUBLED) == "doubled"
    assert kept.judge(FIRST, later) == "late", "the browser never showed that it got the second one"
    kept = kept.seen(clock.now())
    assert kept.judge(FIRST, clock.now() + DOUBLED) == "doubled"
    assert kept.judge(FIRST, later) == "stolen"
    kept = kept.rotated(THIRD, clock.now())
    assert kept.judge(FIRST, clock.now()) == "stolen", "only the last one may be sent twice"
    assert kept.judge("D" * 43, clock.now()) == "stolen"


def test_an_answer_that_was_lost_makes_no_thief_and_a_copy_is_still_found(clock: FakeClock) -> None:
    kept = made(clock).rotated(SECOND, clock.now())
    clock.advance(86400)
    assert kept.judge(FIRST, clock.now()) == "late"
    kept = kept.rotated(THIRD, clock.now(), late=True)
    clock.advance(86400)
    assert kept.judge(FIRST, clock.now()) == "late", "this answer may be lost as well"
    assert kept.judge(SECOND, clock.now()) == "stolen", "whoever has the one that was lost is somebody else"
    assert kept.seen(clock.now()).judge(FIRST, clock.now()) == "stolen"


def test_it_slides_up_to_a_bound(clock: FakeClock) -> None:
    kept, began = made(clock), clock.now()
    assert kept.expires_at == began + SLIDING
    for _ in range(5):
        clock.advance(20 * 86400)
        kept = kept.rotated(SECOND, clock.now())
    assert kept.expires_at == kept.ends_at == began + ABSOLUTE


def test_no_secret_is_shown(clock: FakeClock) -> None:
    assert "hash" not in repr(made(clock))


@pytest.mark.parametrize("value", [None, "", "x", "A" * 66, f"{'A' * 22}.{'A' * 44}", f"{'é' * 22}.{'A' * 43}"])
def test_what_is_not_our_cookie_is_nobodys(value: str | None) -> None:
    assert read_cookie(value) is None or value == "A" * 66


def test_a_cookie_is_read_as_it_was_written() -> None:
    series = uuid4()
    assert read_cookie(cookie_value(series, FIRST)) == (series, FIRST)


async def device_of(tx: Transaction, user: UUID, clock: FakeClock, sign_ins: int = 1) -> UUID:
    device = Device(
        id=uuid4(),
        user_id=user,
        trust="unknown",
        label="Chrome · Windows",
        sign_ins=sign_ins,
        first_seen_at=clock.now(),
        last_seen_at=clock.now(),
    )
    return (await devices.meet(tx, device, uuid4().bytes * 2)).id


async def test_rows_come_rotate_and_go(database: OpenDatabase, clock: FakeClock) -> None:
    async with database("idp").begin() as tx:
        user = (await add_person(tx)).id
        device = await device_of(tx, user, clock)
        kept = new_remembered(uuid4(), user, device, FIRST, clock.now())
        await remembered.remember(tx, kept)
        assert await remembered.claim(tx, kept.series, clock.now()) == kept
        rotated = kept.rotated(SECOND, clock.now())
        await remembered.rotate(tx, rotated)
        assert await remembered.claim(tx, kept.series, clock.now()) == rotated
        assert await remembered.claim(tx, kept.series, kept.expires_at) is None

        again = new_remembered(uuid4(), user, device, THIRD, clock.now())
        await remembered.remember(tx, again)
        assert await remembered.claim(tx, kept.series, clock.now()) is None, "one for each device"
        (listed,) = await remembered.remembered_of(tx, user, clock.now())
        assert (listed.series, listed.label) == (again.series, "Chrome · Windows")

        assert not await remembered.forget(tx, uuid4(), again.series)
        assert await remembered.forget(tx, user, again.series)
        assert await remembered.remembered_of(tx, user, clock.now()) == []


async def test_a_browser_where_no_session_followed_is_not_shown(database: OpenDatabase, clock: FakeClock) -> None:
    async with database("idp").begin() as tx:
        user = (await add_person(tx)).id
        device = await device_of(tx, user, clock, sign_ins=0)
        await remembered.remember(tx, new_remembered(uuid4(), user, device, FIRST, clock.now()))
        assert await remembered.remembered_of(tx, user, clock.now()) == []


async def test_a_lock_forgets_them_all_and_the_sweeper_what_is_over(database: OpenDatabase, clock: FakeClock) -> None:
    async with database("idp").begin() as tx:
        user = (await add_person(tx)).id
        for _ in range(2):
            device = await device_of(tx, user, clock)
            await remembered.remember(tx, new_remembered(uuid4(), user, device, FIRST, clock.now()))
        assert await remembered.forget_device(tx, device) == 1
        assert await directory.lock(tx, user, "not_me", clock.now())
        assert await remembered.remembered_of(tx, user, clock.now()) == []
        await remembered.remember(tx, new_remembered(uuid4(), user, device, FIRST, clock.now()))
    async with database("worker").begin() as tx:
        assert await remembered.sweep(tx, clock.now()) == 0
        assert await remembered.sweep(tx, clock.now() + SLIDING) == 1
