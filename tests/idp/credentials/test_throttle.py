"""The throttle: exact under concurrency, giving back what was right, closed where it cannot count."""

from __future__ import annotations

import asyncio
from collections import Counter
from uuid import uuid4

import pytest
import redis.asyncio as redis

from config.connections import Valkey
from config.problem import Problem
from idp.credentials.throttle import (
    CANNOT_COUNT,
    TOO_MANY,
    Allowance,
    Throttle,
    TooMany,
    account_subject,
    address_subject,
)

THREE = Allowance("test", 3, 60)


async def allowed(throttle: Throttle, subject: str = "mina") -> bool:
    try:
        await throttle.attempt(THREE, subject)
    except Problem as problem:
        return not (problem.kind is TOO_MANY and 0 < int(problem.headers["Retry-After"]) <= 60)
    return True


async def test_attempts_fired_together_are_counted_like_attempts_in_a_row(valkey: Valkey) -> None:
    throttle = Throttle(valkey)
    assert Counter(await asyncio.gather(*(allowed(throttle) for _ in range(50)))) == {True: 3, False: 47}
    assert await allowed(throttle, "jun")


async def test_what_was_right_does_not_count(valkey: Valkey) -> None:
    throttle = Throttle(valkey)
    for _ in range(10):
        assert await allowed(throttle)
        await throttle.was_right(THREE, "mina")
    assert not await valkey.keys("*throttle*")


async def test_a_right_attempt_after_the_time_leaves_no_debt(valkey: Valkey) -> None:
    throttle = Throttle(valkey)
    await throttle.was_right(THREE, "mina")
    assert [await allowed(throttle) for _ in range(4)] == [True, True, True, False]


async def test_each_counter_goes_after_its_time(valkey: Valkey) -> None:
    await allowed(Throttle(valkey))
    (key,) = await valkey.keys("*throttle*")
    assert 0 < await valkey.ttl(key) <= 60


async def test_names_do_not_stand_in_the_store(valkey: Valkey) -> None:
    await allowed(Throttle(valkey), "mina@example.org")
    assert not [key for key in await valkey.keys("*") if "mina" in key]


async def test_without_valkey_it_is_closed() -> None:
    async with redis.Redis.from_url("unix:///nowhere/valkey.sock", decode_responses=True) as nowhere:
        throttle = Throttle(nowhere)
        with pytest.raises(Problem) as refused:
            await throttle.attempt(THREE, "mina")
        assert refused.value.kind is CANNOT_COUNT
        await throttle.was_right(THREE, "mina")  # stays counted, and takes nothing from whoever was right


async def test_the_first_refusal_is_told_from_the_others(valkey: Valkey) -> None:
    throttle = Throttle(valkey)
    firsts = []
    for _ in range(6):
        try:
            await throttle.attempt(THREE, "mina")
        except TooMany as problem:
            firsts.append(problem.first)
    assert firsts == [True, False, False]


@pytest.mark.parametrize(
    ("ip", "subject"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("", ""),
    ],
)
def test_an_ipv6_subscriber_is_one_address(ip: str, subject: str) -> None:
    assert address_subject(ip) == subject


def test_a_known_device_has_a_count_of_its_own() -> None:
    device = uuid4()
    subjects = {account_subject("mina", None), account_subject("mina", device), account_subject("jun", device)}
    assert len(subjects) == 3
