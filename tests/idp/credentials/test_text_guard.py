"""What keeps texts from being somebody's income: countries, limits, a day's budget, and codes that nobody types."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from redis.asyncio import Redis

from config.connections import Valkey
from config.problem import Problem
from idp.credentials.text_guard import (
    TEXTS_OF_NUMBER,
    TEXTS_OF_PERSON,
    WATCHES,
    Destination,
    Permit,
    TextGuard,
)
from idp.credentials.throttle import CANNOT_COUNT, Throttle

KR = ("KR",)
PERSON = UUID(int=7)


def guard(valkey: Valkey, *, a_day: int = 1000, available: bool = True) -> TextGuard:
    return TextGuard(Throttle(valkey), valkey, a_day=a_day, available=available)


def to(last: int = 0, *, block: str = "+82101234", country: str = "KR") -> Destination:
    return Destination(f"{block}{last:04}", block, country)


async def ask(guard: TextGuard, to: Destination, *, person: UUID | None = None, address: str = "") -> Permit:
    where = address or f"10.{uuid4().int % 250}.{uuid4().int % 250}.1"
    return await guard.may_send(to, person=person or uuid4(), address=where, countries=KR)


async def test_a_country_that_nobody_named_gets_none(valkey: Valkey) -> None:
    assert await ask(guard(valkey), to(country="LV", block="+3712000")) == Permit("country")
    assert await ask(guard(valkey, available=False), to()) == Permit("unavailable")
    assert await ask(guard(valkey), to()) == Permit(None)


async def test_one_person_and_one_number_get_so_many(valkey: Valkey) -> None:
    asked = guard(valkey)
    for number in range(TEXTS_OF_PERSON.attempts):
        block = f"+8210{2000 + number}"
        assert await ask(asked, to(block=block), person=PERSON) == Permit(None)
    assert await ask(asked, to(block="+82109999"), person=PERSON) == Permit("limits")
    assert await ask(asked, to(block="+82109999")) == Permit(None)
    for _ in range(TEXTS_OF_NUMBER.attempts):
        assert await ask(asked, to(7)) == Permit(None)
    assert await ask(asked, to(7)) == Permit("limits")
    assert await ask(asked, to(8)) == Permit(None)


async def test_a_block_where_nobody_types_a_code_is_paused_and_told_once(valkey: Valkey) -> None:
    asked, [block, _] = guard(valkey), WATCHES
    for number in range(block.enough):
        assert await ask(asked, to(number)) == Permit(None)
    assert await ask(asked, to(90)) == Permit("paused", "block_paused")
    assert await ask(asked, to(91)) == Permit("paused")
    assert await ask(asked, to(block="+82105555")) == Permit(None)  # its neighbours are not


async def test_a_block_where_codes_are_typed_goes_on(valkey: Valkey) -> None:
    asked, [block, _] = guard(valkey), WATCHES
    for number in range(2 * block.enough):
        assert await ask(asked, to(number)) == Permit(None)
        await asked.was_used(to(number))


async def test_a_country_where_few_type_theirs_is_paused(valkey: Valkey) -> None:
    asked, [_, country] = guard(valkey), WATCHES
    for number in range(country.enough):  # over many blocks, so that none of them shows it
        assert await ask(asked, to(block=f"+8210{1000 + number}")) == Permit(None)
        if number < country.enough * country.least // 100 - 1:
            await asked.was_used(to(block=f"+8210{1000 + number}"))
    assert await ask(asked, to(block="+82108888")) == Permit("paused", "country_paused")
    assert await ask(asked, to(block="+82107777")) == Permit("paused")


async def test_a_day_has_so_many_and_somebody_is_told_before_and_then(valkey: Valkey) -> None:
    asked = guard(valkey, a_day=10)
    # one country gets a part of them in an hour, so several are asked for
    countries = ("KR", "JP", "US", "DE", "FR", "GB", "IT", "ES", "NL", "BE", "AT", "CH")
    said = []
    for number, country in enumerate(countries):
        block = f"+{number + 20}1234"
        permit = await asked.may_send(
            Destination(f"{block}0000", block, country),
            person=uuid4(),
            address="10.0.0.1",
            countries=countries,
        )
        said.append((permit.refusal, permit.alarm))
    assert said == [
        *[(None, None)] * 7,
        (None, "budget_low"),
        *[(None, None)] * 2,
        ("budget", "budget_spent"),
        ("budget", None),
    ]


async def test_what_is_refused_counts_for_nothing(valkey: Valkey) -> None:
    asked = guard(valkey, a_day=1)
    assert await ask(asked, to(1), person=PERSON) == Permit(None)
    for _ in range(30):
        assert (await ask(asked, to(2, country="JP"), person=PERSON)).refusal == "country"
    assert await Throttle(valkey).counted([(TEXTS_OF_PERSON, str(PERSON))]) == 1


async def test_where_nothing_can_be_counted_nothing_is_sent() -> None:
    away: Valkey = Redis(host="127.0.0.1", port=1)
    with pytest.raises(Problem) as problem:
        await ask(guard(away), to())
    assert problem.value.kind is CANNOT_COUNT
    await guard(away).was_used(to())
    await away.aclose()
