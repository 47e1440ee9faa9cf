"""Saved codes in the account: shown once, made anew with a fresh proof, gone with the last second factor."""

from __future__ import annotations

import re

from idp.storage import recovery_codes
from tests.clock import FakeClock
from tests.idp.account.conftest import Arrive, Resident
from tests.idp.account.test_changes import make_passkey
from tests.idp.authenticator import SoftAuthenticator

CODE = re.compile(r"<code>((?:[0-9A-Z]{4}-){3}[0-9A-Z]{4})</code>")


async def left(mina: Resident) -> int:
    async with mina.provider.parts.database.connect() as tx:
        return await recovery_codes.left(tx, mina.id)


async def test_the_first_factor_brings_codes_and_the_next_does_not(arrive: Arrive) -> None:
    mina = await arrive()
    shown = await make_passkey(mina, SoftAuthenticator())
    assert "Your passkey is ready." in shown.text
    assert len(set(CODE.findall(shown.text))) == 10
    assert shown.headers["cache-control"] == "no-store"
    assert await left(mina) == 10
    page = await mina.get("/account/factors")
    assert not CODE.findall(page.text)
    assert "Codes left: 10" in page.text


async def test_new_codes_need_a_fresh_proof_and_are_told(arrive: Arrive, clock: FakeClock) -> None:
    jun = await arrive("jun", with_totp=True)
    first = CODE.findall((await jun.post("/account/recovery-codes")).text)
    second = CODE.findall((await jun.post("/account/recovery-codes")).text)
    assert len(first) == len(second) == 10
    assert not set(first) & set(second)
    assert await left(jun) == 10
    assert [(one.kind, one.facts["factor"]) for one in await jun.letters()] == [("factor_changed", "recovery_code")] * 2
    clock.advance(15 * 60 + 1)
    old = await jun.post("/account/confirm", recovery_code=first[0], to="/account/factors")
    assert old.status_code == 422, "codes that were there before work no more"
    await jun.post("/account/confirm", recovery_code=second[0], to="/account/factors")
    assert jun.browser.address.endswith("/account/factors")
    assert await left(jun) == 9
    assert [one.facts["left"] for one in await jun.letters() if one.kind == "recovery_code_used"] == ["9"]


async def test_nobody_gets_codes_without_a_factor_that_they_stand_for(arrive: Arrive) -> None:
    mina = await arrive()
    page = await mina.post("/account/recovery-codes")
    assert not CODE.findall(page.text)
    assert await left(mina) == 0


async def test_they_go_with_the_last_factor(arrive: Arrive) -> None:
    jun = await arrive("jun", with_totp=True)
    await jun.post("/account/recovery-codes")
    found = re.search(r"kind=totp&amp;id=([0-9a-f-]+)", (await jun.get("/account/factors")).text)
    assert found
    await jun.post("/account/factors/remove", kind="totp", id=found[1])
    assert await left(jun) == 0


async def test_guesses_elsewhere_hold_no_proof_off(arrive: Arrive) -> None:
    """Each device counts for itself; and a device's own guesses count."""
    jun = await arrive("jun", with_totp=True)
    hop = await jun.hop()
    said = [(await jun.browser.post("/account/confirm", {"hop": hop, "code": "000000"})).text for _ in range(11)]
    assert "MJ-SIGNIN-003" in said[0]
    assert "MJ-SIGNIN-002" in said[-1]
