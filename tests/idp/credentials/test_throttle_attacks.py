"""What guessers try, and what it does to the people whose accounts they are."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from uuid import UUID, uuid4

import pytest

from config.connections import Valkey
from idp.credentials.throttle import (
    PASSWORD_OF_ACCOUNT,
    PASSWORD_OF_ACCOUNT_HERE,
    PASSWORD_OF_ADDRESS,
    PASSWORD_OF_KNOWN_DEVICE,
    Limit,
    Slowdown,
    Throttle,
    TooMany,
    guesses,
)

QUICK = Slowdown("test", free=3, first=5, longest=60, memory=600)


async def wait_of(throttle: Throttle, subjects: Sequence[tuple[Limit, str]]) -> int:
    """0 where the attempt is let in, or the seconds to wait."""
    try:
        await throttle.attempt_all(subjects)
    except TooMany as problem:
        return problem.seconds
    return 0


async def time_passes(valkey: Valkey) -> None:
    """Every wait is over; what was counted stays."""
    for key in await valkey.keys("*throttle*"):
        if await valkey.type(key) == "hash":
            await valkey.hdel(key, "u")


def addresses() -> Iterator[str]:
    return (f"198.51.{high}.{low}" for high in range(256) for low in range(256))


async def test_waits_double_up_to_a_bound(valkey: Valkey) -> None:
    throttle, waits = Throttle(valkey), []
    for _ in range(10):
        assert await wait_of(throttle, [(QUICK, "mina")]) == 0
        waits.append(await wait_of(throttle, [(QUICK, "mina")]) if len(waits) >= 2 else 0)
        await time_passes(valkey)
    assert waits == [0, 0, 5, 10, 20, 40, 60, 60, 60, 60]


async def test_of_many_fired_together_only_the_free_ones_and_one_are_looked_at(valkey: Valkey) -> None:
    throttle = Throttle(valkey)
    waits = await asyncio.gather(*(wait_of(throttle, [(QUICK, "mina")]) for _ in range(50)))
    assert Counter(wait == 0 for wait in waits) == {True: QUICK.free, False: 50 - QUICK.free}


async def test_a_right_one_leaves_neither_count_nor_wait(valkey: Valkey) -> None:
    throttle = Throttle(valkey)
    for _ in range(QUICK.free - 1):
        await throttle.attempt(QUICK, "mina")
    for _ in range(5):
        await throttle.attempt(QUICK, "mina")
        await throttle.was_right(QUICK, "mina")
    assert await wait_of(throttle, [(QUICK, "mina")]) == 0
    assert await wait_of(throttle, [(QUICK, "mina")]) > 0


async def test_what_one_subject_refuses_counts_for_none(valkey: Valkey) -> None:
    throttle = Throttle(valkey)
    for _ in range(QUICK.free):
        await throttle.attempt(QUICK, "held")
    other = Slowdown("other", free=100, first=5, longest=60, memory=600)
    for _ in range(20):
        assert await wait_of(throttle, [(other, "mina"), (QUICK, "held")]) > 0
    assert not await valkey.keys("*throttle:other*")


async def test_a_stranger_at_one_address_is_slowed_down_and_nobody_else_is(valkey: Valkey) -> None:
    throttle = Throttle(valkey)
    guesser = guesses("mina", "203.0.113.9", None)
    let_in = sum([await wait_of(throttle, guesser) == 0 for _ in range(50)])
    assert let_in == PASSWORD_OF_ACCOUNT_HERE.free
    assert await wait_of(throttle, guesses("mina", "192.0.2.1", None)) == 0, "the owner, on a new device elsewhere"
    assert await wait_of(throttle, guesses("jun", "203.0.113.9", None)) == 0, "somebody else behind that address"


async def test_many_accounts_from_one_address(valkey: Valkey) -> None:
    """A list of names and passwords from elsewhere is tried: the address is slowed down, its known devices are not."""
    throttle, let_in = Throttle(valkey), 0
    while await wait_of(throttle, guesses(f"person-{let_in}", "203.0.113.9", None)) == 0:
        let_in += 1
    assert let_in == PASSWORD_OF_ADDRESS.free
    waits = []
    for number in range(12):
        await time_passes(valkey)
        assert await wait_of(throttle, guesses(f"next-{number}", "203.0.113.9", None)) == 0
        waits.append(await wait_of(throttle, guesses("somebody", "203.0.113.9", None)))
    assert max(waits) == PASSWORD_OF_ADDRESS.longest, "many people may share it, so it is never held for long"
    assert await wait_of(throttle, guesses("mina", "203.0.113.9", uuid4())) == 0
    assert await wait_of(throttle, guesses("mina", "2001:db8:1:2::1", None)) == 0


async def test_one_account_from_many_addresses(valkey: Valkey) -> None:
    """A botnet: each address guesses once. Strange devices are slowed down, the person's own are not."""
    throttle, let_in = Throttle(valkey), 0
    own, other_own = uuid4(), uuid4()
    source = addresses()
    while await wait_of(throttle, guesses("mina", next(source), None)) == 0:
        let_in += 1
    assert let_in == PASSWORD_OF_ACCOUNT.free
    for device in (own, other_own):
        for _ in range(PASSWORD_OF_KNOWN_DEVICE.free):
            assert await wait_of(throttle, guesses("mina", next(source), device)) == 0
    assert await wait_of(throttle, guesses("jun", next(source), None)) == 0


async def test_addresses_of_one_ipv6_subscriber_are_one(valkey: Valkey) -> None:
    throttle = Throttle(valkey)
    let_in = sum([await wait_of(throttle, guesses("mina", f"2001:db8:1:2::{n:x}", None)) == 0 for n in range(50)])
    assert let_in == PASSWORD_OF_ACCOUNT_HERE.free


async def test_a_known_device_is_slowed_down_by_its_own_guesses_alone(valkey: Valkey) -> None:
    """A stolen laptop does not get on for ever, nor does it hold the person's other device off."""
    throttle, stolen, other = Throttle(valkey), uuid4(), uuid4()
    let_in = sum([await wait_of(throttle, guesses("mina", "203.0.113.9", stolen)) == 0 for _ in range(50)])
    assert let_in == PASSWORD_OF_KNOWN_DEVICE.free
    assert await wait_of(throttle, guesses("mina", "203.0.113.9", other)) == 0
    assert await wait_of(throttle, guesses("mina", "203.0.113.9", None)) == 0


async def test_a_browser_that_recovery_let_in_is_known_for_that_name_alone(valkey: Valkey) -> None:
    throttle, browser = Throttle(valkey), b"\1" * 32
    assert not await throttle.vouched("mina", browser)
    await throttle.vouch("mina", browser)
    assert await throttle.vouched("mina", browser)
    assert not await throttle.vouched("jun", browser)
    assert not await throttle.vouched("mina", b"\2" * 32)


@pytest.mark.parametrize("device", [None, UUID(int=7)])
def test_a_name_that_nobody_has_is_counted_alike(device: UUID | None) -> None:
    one, other = (guesses(name, "192.0.2.1", device) for name in ("mina", "nobody"))
    assert [limit for limit, _ in one] == [limit for limit, _ in other]
