"""Cookies that nobody knows cost little, and whoever is known gets in beside them."""

from __future__ import annotations

import asyncio
import hashlib

import pytest

from config.problem import Problem
from gateway.callers.caller import Caller
from gateway.callers.strangers import (
    ADDRESSES_KEPT,
    FRUITLESS,
    NARROW,
    UNKNOWN_FOR,
    UNKNOWN_KEPT,
    WIDE,
    WINDOW,
    Strangers,
)
from gateway.exchange import Answer, Forward, OwnPage
from tests.clock import FakeClock
from tests.gateway.rig import NAVIGATION, Rig, head

ADDRESS = "192.0.2.7"


def digest(number: int) -> bytes:
    return hashlib.sha256(str(number).encode()).digest()


class Counted:
    """A store that counts how often it is asked, and how many ask at once."""

    def __init__(self, storage) -> None:
        self._storage = storage
        self.asked = self.now = self.most = 0

    async def find(self, tx, cookie):
        self.asked += 1
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            return await self._storage.find(tx, cookie)
        finally:
            self.now -= 1

    async def ended_since(self, tx, since):
        return await self._storage.ended_since(tx, since)


@pytest.fixture
def counted(rig: Rig) -> Counted:
    rig.cookies._storage = Counted(rig.storage)
    return rig.cookies._storage


async def test_a_cookie_in_vain_is_looked_up_once(rig: Rig, counted: Counted) -> None:
    for _ in range(3):
        assert await rig.cookies.load(digest(1), ADDRESS) is None
    assert counted.asked == 1
    rig.clock.advance(UNKNOWN_FOR)
    assert await rig.cookies.load(digest(1), ADDRESS) is None
    assert counted.asked == 2


async def test_a_flood_of_one_address_goes_one_by_one(rig: Rig, counted: Counted) -> None:
    for number in range(FRUITLESS):
        await rig.cookies.load(digest(number), ADDRESS)
    counted.most = 0
    answers = await asyncio.gather(
        *(rig.cookies.load(digest(1000 + number), ADDRESS) for number in range(200)), return_exceptions=True
    )
    assert counted.most == NARROW[0]
    refused = [answer for answer in answers if isinstance(answer, Problem)]
    assert {problem.kind.code for problem in refused} == {"MJ-GATEWAY-217"}
    assert len(refused) >= 200 - sum(NARROW) - 1
    assert counted.asked <= FRUITLESS + sum(NARROW) + 1


async def test_whoever_is_signed_in_behind_that_address_gets_in_and_others_do_not_notice(rig: Rig) -> None:
    await rig.project()
    cookie = await rig.cookie()
    for number in range(FRUITLESS + 1):
        await rig.cookies.load(digest(number), ADDRESS)
    theirs = head("/products", headers=[(b"cookie", cookie)], client=ADDRESS)
    assert isinstance(await rig.ask(theirs), Forward)
    other = await rig.cookie(secret="d" * 43)
    assert isinstance(await rig.ask(head("/products", headers=[(b"cookie", other)], client="192.0.2.8")), Forward)


async def test_an_address_is_forgiven_after_a_while(rig: Rig, counted: Counted) -> None:
    for number in range(FRUITLESS):
        await rig.cookies.load(digest(number), ADDRESS)
    rig.clock.advance(WINDOW)
    await asyncio.gather(*(rig.cookies.load(digest(1000 + number), ADDRESS) for number in range(20)))
    assert 1 < counted.most <= WIDE[0]


async def test_a_cookie_that_is_there_counts_for_nobodys_harm(rig: Rig, counted: Counted) -> None:
    cookies = [hashlib.sha256((await rig.cookie(secret=f"{n:043}")).partition(b"=")[2]).digest() for n in range(70)]
    for cookie in cookies:
        assert isinstance(await rig.cookies.load(cookie, ADDRESS), Caller)
    await asyncio.gather(*(rig.cookies.load(digest(number), ADDRESS) for number in range(20)))
    assert counted.most > 1


def test_nothing_grows(clock: FakeClock) -> None:
    strangers = Strangers(clock)
    for number in range(UNKNOWN_KEPT + 10):
        strangers.in_vain(digest(number), f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}")
    assert len(strangers._unknown) == UNKNOWN_KEPT
    assert len(strangers._fruitless) == ADDRESSES_KEPT


def test_the_addresses_of_one_subscriber_count_together(clock: FakeClock) -> None:
    strangers = Strangers(clock)
    strangers.in_vain(digest(1), "2001:db8::1")
    strangers.in_vain(digest(2), "2001:db8::ffff:2")
    assert list(strangers._fruitless) == ["2001:db8::/64"]


async def test_two_cookies_of_ours_are_a_page_for_a_person_and_a_problem_for_a_program(rig: Rig) -> None:
    both = (b"cookie", b"__Host-munjigi=a; __Host-munjigi=b")
    page = await rig.ask(head("/products", headers=[both, *NAVIGATION]))
    assert isinstance(page, OwnPage)
    assert page.state["refusal"].kind.code == "MJ-GATEWAY-201"
    answer = await rig.ask(head("/products", headers=[both]))
    assert isinstance(answer, Answer)
    assert answer.status == 400
