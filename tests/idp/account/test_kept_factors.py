"""Several keys and apps of one person: their names, their last one, those that an organisation does not take."""

from __future__ import annotations

import re

import httpx2
import pyotp
import pytest
from sqlalchemy import text

from idp.factors import totp
from idp.factors.attestation import AttestationPolicy
from idp.factors.authentication_rules import AuthenticationRules
from idp.storage import directory, factors, organisation_authentication
from tests.clock import FakeClock
from tests.idp.account.conftest import Arrive, Resident
from tests.idp.account.test_changes import make_passkey, options
from tests.idp.authenticator import SoftAuthenticator
from tests.idp.people import BEGUN, HOUSE
from tests.idp.provider import Provider


async def connect(jun: Resident, clock: FakeClock, label: str = "") -> tuple[httpx2.Response, str]:
    """An app more, with the name that its person gives it, and its secret."""
    shown = await jun.post("/account/authenticator")
    found = re.search(r"<code>([A-Z2-7 ]{39})</code>", shown.text)
    assert found, shown.text
    secret = found[1].replace(" ", "")
    code = pyotp.TOTP(secret).at(int(clock.timestamp()))
    return await jun.post("/account/authenticator/confirm", code=code, label=label), secret


async def labels(jun: Resident) -> list[str]:
    async with jun.provider.parts.database.connect() as tx:
        apps = [one.label for one in await factors.authenticators(tx, jun.id)]
        return apps + [one.label for one in await factors.passkeys(tx, jun.id)]


async def test_several_apps_each_with_its_name_and_its_own_steps(arrive: Arrive, clock: FakeClock) -> None:
    jun = await arrive("jun", with_totp=True)
    added, tablet = await connect(jun, clock, " My \0tablet ")
    assert "Your app is connected." in added.text
    assert await labels(jun) == ["App", "My tablet"]
    async with jun.provider.parts.database.connect() as tx:
        phone, new = await factors.authenticators(tx, jun.id)
    assert (phone.last_used_at, new.last_used_at) == (None, clock.now()), "a code of it was typed just now"
    clock.advance(30)
    # the same step of both: each app's code works once, and says nothing of the other's
    step = int(clock.timestamp()) // totp.PERIOD
    async with jun.provider.parts.database.begin() as tx:
        assert await factors.accept_step(tx, phone.id, step)
        assert await factors.accept_step(tx, new.id, step)
        assert not await factors.accept_step(tx, new.id, step)
    replayed = await jun.post("/account/confirm", code=pyotp.TOTP(tablet).at(int(clock.timestamp())))
    assert replayed.status_code == 422
    page = await jun.get("/account/factors")
    assert page.text.count("last used") == 2


async def test_there_are_not_more_apps_than_guessing_allows(arrive: Arrive, clock: FakeClock) -> None:
    jun = await arrive("jun", with_totp=True)
    for number in range(totp.MOST - 1):
        await connect(jun, clock, f"App {number}")
    page = await jun.get("/account/factors")
    assert "You have five apps" in page.text
    assert 'action="/account/authenticator"' not in page.text
    again = await jun.post("/account/authenticator")
    assert "data:image/svg+xml" not in again.text
    assert len(await labels(jun)) == totp.MOST


async def test_factors_get_other_names(arrive: Arrive, clock: FakeClock) -> None:
    jun = await arrive("jun", with_totp=True)
    await make_passkey(jun, SoftAuthenticator())
    page = await jun.get("/account/factors")
    for kind, name in (("totp", "Work phone"), ("passkey", "Desk key")):
        ident = re.search(rf"remove\?kind={kind}&amp;id=([0-9a-f-]+)", page.text)
        assert ident
        renamed = await jun.post("/account/factors/rename", kind=kind, id=ident[1], name=f" {name}\n")
        assert "It has its new name." in renamed.text
    assert await labels(jun) == ["Work phone", "Desk key"]
    assert (await jun.kinds())[-2:] == ["factor_renamed"] * 2
    empty = await jun.post("/account/factors/rename", kind="passkey", id=ident[1], name=" ")  # type: ignore[index]
    assert empty.status_code == 200
    assert await labels(jun) == ["Work phone", "Desk key"]
    gone = await jun.post("/account/factors/rename", kind="passkey", id="00ff", name="x")
    assert gone.status_code == 422


async def test_nobody_renames_what_is_another_persons(arrive: Arrive, clock: FakeClock) -> None:
    mina, jun = await arrive(), await arrive("jun", with_totp=True)
    page = await jun.get("/account/factors")
    ident = re.search(r"kind=totp&amp;id=([0-9a-f-]+)", page.text)
    assert ident
    assert (await mina.post("/account/factors/rename", kind="totp", id=ident[1], name="mine")).status_code == 422
    assert await labels(jun) == ["App"]


async def test_the_last_factor_stays_where_one_is_demanded(arrive: Arrive, clock: FakeClock) -> None:
    jun = await arrive("jun", with_totp=True)
    async with jun.provider.parts.database.begin() as tx:
        await directory.put_membership(tx, jun.id, HOUSE, ("administrator",), BEGUN)
    page = await jun.get("/account/factors")
    ident = re.search(r"kind=totp&amp;id=([0-9a-f-]+)", page.text)
    assert ident
    kept = await jun.post("/account/factors/remove", kind="totp", id=ident[1])
    assert kept.status_code == 422
    assert "You need at least one second factor" in kept.text
    assert await labels(jun) == ["App"]
    await make_passkey(jun, SoftAuthenticator())
    assert "The app was removed." in (await jun.post("/account/factors/remove", kind="totp", id=ident[1])).text
    assert await labels(jun) == ["My key"]


async def test_a_key_that_its_organisation_does_not_take_is_not_added(arrive: Arrive, provider: Provider) -> None:
    mina = await arrive()
    rules = AuthenticationRules(attestation=AttestationPolicy(demand="attested"), version=1)
    async with provider.parts.database.begin() as tx:
        now = provider.parts.clock.now()
        assert await organisation_authentication.put_authentication_rules(tx, HOUSE, rules, now)
    page = await mina.get("/account/factors")
    assert options(page)["attestation"] == "direct"
    refused = await make_passkey(mina, SoftAuthenticator())
    assert refused.status_code == 422
    assert "your organisation asks for that" in refused.text
    assert "MJ-SIGNIN-041" in refused.text
    assert await labels(mina) == []
    assert (await mina.kinds())[-1] == "factor_failed"


@pytest.mark.parametrize("copied", [False, True])
async def test_the_last_way_in_stays_unless_it_lets_nobody_in(arrive: Arrive, provider: Provider, copied: bool) -> None:
    mina = await arrive()
    await make_passkey(mina, SoftAuthenticator())
    async with provider.parts.database.begin() as tx:
        for table in ("password",):
            await tx.execute(text(f"DELETE FROM idp.{table} WHERE user_id = :who"), {"who": mina.id})
        suspected = "UPDATE idp.passkey SET clone_suspected_at = now() WHERE user_id = :who"
        if copied:
            await tx.execute(text(suspected), {"who": mina.id})
        await tx.execute(text("UPDATE idp.session SET amr = '{hwk,user,mfa}' WHERE user_id = :who"), {"who": mina.id})
    page = await mina.get("/account/factors")
    ident = re.search(r"kind=passkey&amp;id=([0-9a-f]+)", page.text)
    assert ident
    answer = await mina.post("/account/factors/remove", kind="passkey", id=ident[1])
    assert (answer.status_code, await labels(mina)) == ((200, []) if copied else (422, ["My key"]))
    assert ("This is your last way to sign in" in answer.text) is not copied
