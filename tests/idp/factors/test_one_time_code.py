"""Codes by mail: what is right, how often, for whom; and of many at once exactly one."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from config.entropy import SystemEntropy
from idp.factors.one_time_code import (
    LIFETIME,
    RESEND_AFTER,
    SENDS,
    TRIES,
    CodeDigests,
    SentCode,
    masked,
    may_send,
    new_code,
)
from idp.storage import logins
from idp.storage.one_time_codes import MAILED
from tests.clock import FakeClock
from tests.idp.authorization.test_storage import OpenDatabase, _client, _login

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
MINA, JUN, LOGIN = UUID(int=1), UUID(int=2), UUID(int=9)
MAIL = "mina@mail.example"
DIGESTS = CodeDigests(b"k" * 32)
KEPT = SentCode(
    login_id=LOGIN,
    user_id=MINA,
    faced="live",
    digest=DIGESTS.digest("012345", LOGIN, MINA, MAIL, "live"),
    wrong=0,
    sends=1,
    sent_at=NOW,
    expires_at=NOW + LIFETIME,
)


def test_a_code_is_six_digits() -> None:
    codes = [new_code(SystemEntropy()) for _ in range(500)]
    assert all(len(code) == 6 and code.isdigit() for code in codes)
    assert len({code[0] for code in codes}) == 10  # a leading zero is as likely as any other digit
    assert len(set(codes)) > 490


@pytest.mark.parametrize(
    ("given", "verdict"),
    [
        ("012345", "right"),
        (" 012 345 ", "right"),
        ("012-345", "right"),
        ("012346", "wrong"),
        ("12345", "wrong"),
        ("", "wrong"),
        ("٠١٢٣٤٥", "wrong"),
        ("0123450", "wrong"),
    ],
)
def test_what_was_typed(given: str, verdict: str) -> None:
    assert DIGESTS.judge(KEPT, given, MINA, MAIL, "live", NOW) == verdict


def test_a_code_is_for_its_person_and_the_session_that_was_faced() -> None:
    for person, faced in ((JUN, "live"), (MINA, "another"), (MINA, None)):
        assert DIGESTS.judge(KEPT, "012345", person, MAIL, faced, NOW) == "spent"
    moved = replace(KEPT, faced="another")  # even if the row said so, the digest is of the first
    assert DIGESTS.judge(moved, "012345", MINA, MAIL, "another", NOW) == "wrong"
    assert CodeDigests(b"x" * 32).judge(KEPT, "012345", MINA, MAIL, "live", NOW) == "wrong"
    assert DIGESTS.judge(KEPT, "012345", MINA, "another@mail.example", "live", NOW) == "wrong", (
        "sent to another address"
    )
    assert DIGESTS.judge(None, "012345", MINA, MAIL, "live", NOW) == "spent"


def test_it_stands_exactly_at_its_limits() -> None:
    end = NOW + LIFETIME
    assert DIGESTS.judge(KEPT, "012345", MINA, MAIL, "live", end - timedelta(microseconds=1)) == "right"
    assert DIGESTS.judge(KEPT, "012345", MINA, MAIL, "live", end) == "spent"
    assert DIGESTS.judge(replace(KEPT, wrong=TRIES - 1), "012345", MINA, MAIL, "live", NOW) == "right"
    assert DIGESTS.judge(replace(KEPT, wrong=TRIES), "012345", MINA, MAIL, "live", NOW) == "spent"


def test_how_often_one_is_sent() -> None:
    assert may_send(None, "live", NOW) is None
    assert may_send(KEPT, "live", NOW + RESEND_AFTER - timedelta(seconds=1)) == "too_soon"
    assert may_send(KEPT, "live", NOW + RESEND_AFTER) is None
    assert may_send(KEPT, "another", NOW) is None
    assert may_send(replace(KEPT, sends=SENDS), "live", NOW + LIFETIME) == "too_many"


def test_an_address_is_shown_masked() -> None:
    assert masked("mina@mail.example") == "m***@mail.example"
    assert masked("@mail.example") == "***@mail.example"
    assert masked("nothing") == "***"


def test_secrets_are_not_in_a_repr() -> None:
    assert "digest" not in repr(KEPT)
    assert "kkk" not in repr(DIGESTS)


async def _kept(database: OpenDatabase, clock: FakeClock) -> SentCode:
    idp = database("idp")
    await _client(idp, clock)
    login = _login(clock)
    code = replace(KEPT, login_id=login.id, sent_at=clock.now(), expires_at=clock.now() + LIFETIME)
    async with idp.begin() as tx:
        await logins.add(tx, login)
        assert await MAILED.put_code(tx, code)
    return code


async def test_a_code_is_kept_and_used_up_once(database: OpenDatabase, clock: FakeClock) -> None:
    code = await _kept(database, clock)

    async def use() -> bool:
        async with database("idp").begin() as tx:
            return await MAILED.consume_code(tx, code)

    assert Counter(await asyncio.gather(*(use() for _ in range(12)))) == {True: 1, False: 11}


async def test_wrong_codes_are_counted_one_by_one(database: OpenDatabase, clock: FakeClock) -> None:
    code = await _kept(database, clock)

    async def miss() -> bool:
        async with database("idp").begin() as tx:
            kept = await MAILED.sent_code(tx, code.login_id)
            assert kept is not None
            if DIGESTS.judge(kept, "999999", MINA, MAIL, "live", clock.now()) != "wrong":
                return False
            await MAILED.count_wrong(tx, code.login_id)
            return True

    assert Counter(await asyncio.gather(*(miss() for _ in range(12)))) == {True: TRIES, False: 12 - TRIES}


async def test_a_new_code_takes_the_place_of_the_last_and_of_two_tabs_one_sends(
    database: OpenDatabase, clock: FakeClock
) -> None:
    code = await _kept(database, clock)
    newer = [replace(code, digest=bytes([n]) * 32, sends=2, wrong=0) for n in range(2)]

    async def send(new: SentCode) -> bool:
        async with database("idp").begin() as tx:
            return await MAILED.put_code(tx, new)

    assert sorted(await asyncio.gather(*(send(new) for new in newer))) == [False, True]
    async with database("idp").begin() as tx:
        assert not await MAILED.consume_code(tx, code)
        kept = await MAILED.sent_code(tx, code.login_id)
    assert kept in newer


async def test_a_login_that_is_over_takes_its_code_along(database: OpenDatabase, clock: FakeClock) -> None:
    code = await _kept(database, clock)
    async with database("idp").begin() as tx:
        login = await logins.claim(tx, code.login_id, clock.now())
        assert login is not None
        await logins.finish(tx, login)
        assert await MAILED.sent_code(tx, code.login_id) is None
        assert await MAILED.sent_code(tx, uuid4()) is None
