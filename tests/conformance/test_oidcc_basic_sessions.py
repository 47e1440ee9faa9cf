"""The modules of the two basic plans that are about who is signed in, and since when."""

from __future__ import annotations

from tests.clock import FakeClock
from tests.conformance.party import Party


async def test_oidcc_prompt_login(party: Party, clock: FakeClock) -> None:
    first = (await party.tokens())["claims"]
    clock.advance(2)
    again = (await party.tokens(prompt="login"))["claims"]
    assert party.asked
    assert again["sub"] == first["sub"]
    assert again["auth_time"] > first["auth_time"]


async def test_oidcc_prompt_none_not_logged_in(party: Party) -> None:
    told = await party.authorize(prompt="none")
    assert told["error"] in ("login_required", "interaction_required")
    assert not party.asked


async def test_oidcc_prompt_none_logged_in(party: Party, clock: FakeClock) -> None:
    first = (await party.tokens())["claims"]
    clock.advance(2)
    again = (await party.tokens(prompt="none"))["claims"]
    assert not party.asked
    same = ("iss", "sub", "auth_time", "acr")
    assert [again[name] for name in same] == [first[name] for name in same]


async def test_oidcc_max_age_1(party: Party, clock: FakeClock) -> None:
    first = (await party.tokens())["claims"]
    clock.advance(2)
    again = (await party.tokens(max_age="1"))["claims"]
    assert party.asked
    assert again["auth_time"] > first["auth_time"]
    assert clock.timestamp() - again["auth_time"] <= 1


async def test_oidcc_max_age_10000(party: Party, clock: FakeClock) -> None:
    first = (await party.tokens())["claims"]
    clock.advance(2)
    again = (await party.tokens(max_age="10000"))["claims"]
    assert not party.asked
    assert again["auth_time"] == first["auth_time"]


async def test_oidcc_id_token_hint(party: Party) -> None:
    first = await party.tokens()
    again = await party.tokens(prompt="none", id_token_hint=first["id_token"])
    assert again["claims"]["sub"] == first["claims"]["sub"]
