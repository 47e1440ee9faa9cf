"""Linked sign-ins in the account: they come and go like factors, and the last way in stays."""

from __future__ import annotations

import re
from uuid import UUID

import httpx2
import pytest
from sqlalchemy import text

from idp.storage import directory, passwords
from tests.clock import FakeClock
from tests.idp.account.conftest import Arrive, Resident, arrive, hidden
from tests.idp.browser import Browser
from tests.idp.conftest import OpenDatabase
from tests.idp.federation.conftest import OTHER, Acme, code_of
from tests.idp.login_pages.test_sign_in import person
from tests.idp.people import BEGUN
from tests.idp.provider import CALLBACK, App, Provider

__all__ = ["arrive"]


@pytest.fixture
def app(acme: Acme) -> App:
    """What the residents sign in to."""
    return acme.app


async def connect_way(browser: Browser) -> str:
    page = await browser.get("/account/links")
    found = re.search(r'href="(/account/links/connect\?[^"]*)"', page.text)
    assert found, page.text
    return found[1].replace("&amp;", "&")


async def connect(acme: Acme, browser: Browser) -> httpx2.Response:
    sent = await browser.get(await connect_way(browser))
    assert sent.status_code == 303, sent.text
    return await acme.come_back(browser, sent.headers["location"])


async def unlink(resident: Resident) -> httpx2.Response:
    page = await resident.get("/account/links")
    found = re.search(r'href="(/account/links/remove\?id=(\w+))"', page.text)
    assert found, page.text
    asked = await resident.get(found[1])
    assert hidden(asked, "id") == found[2]
    return await resident.post("/account/links/remove", id=found[2])


async def test_an_account_is_linked_and_leads_in(acme: Acme, provider: Provider, arrive: Arrive) -> None:
    mina = await arrive("mina")
    acme.upstream.told |= {"email": "mina@acme.example"}
    page = await connect(acme, mina.browser)
    assert "It is linked." in page.text
    assert "mina@acme.example" in page.text
    assert await acme.links() == [("u-1", mina.id)]
    assert "factor_enrolled" in await mina.kinds()
    [letter] = await mina.letters()
    assert (letter.kind, letter.facts["change"], letter.facts["factor"]) == ("factor_changed", "enrolled", "upstream")
    other = provider.browser()
    other.cookies = {name: value for name, value in mina.browser.cookies.items() if "device" in name}
    await acme.arrive(other)
    assert other.address.startswith("http://localhost:9000/takeover"), other.address


async def test_it_is_unlinked_and_leads_nowhere(acme: Acme, provider: Provider, arrive: Arrive) -> None:
    mina = await arrive("mina")
    await acme.link(mina.id)
    half_way = provider.browser("203.0.113.9")
    await acme.arrive(half_way)  # where a factor is asked for
    page = await unlink(mina)
    assert "It was unlinked." in page.text
    assert await acme.links() == []
    assert "factor_removed" in await mina.kinds()
    assert [one.facts["change"] for one in await mina.letters() if one.kind == "factor_changed"] == ["removed"]
    gone = await half_way.get(half_way.address)
    assert gone.status_code in (303, 400)
    assert code_of(await acme.arrive(provider.browser())) == "MJ-SIGNIN-063"
    again = await mina.post("/account/links/remove", id="0" * 32)
    assert (again.status_code, "unlinked already" in again.text) == (422, True)


async def test_a_change_takes_a_fresh_proof(acme: Acme, arrive: Arrive, clock: FakeClock) -> None:
    mina = await arrive("mina")
    await acme.link(mina.id)
    way, hop = await connect_way(mina.browser), await mina.hop()
    key = re.search(r"remove\?id=(\w+)", (await mina.get("/account/links")).text)
    assert key
    clock.advance(901)
    assert code_of(await mina.get(way)) == "MJ-IDP-106"
    refused = await mina.browser.post("/account/links/remove", {"hop": hop, "id": key[1]})
    assert (refused.status_code, code_of(refused)) == (403, "MJ-IDP-106")
    page = (await mina.get("/account/links")).text
    assert "/account/links/connect" not in page
    assert "/account/confirm?to=%2Faccount%2Flinks" in page
    assert len(await acme.links()) == 1


async def test_who_has_a_second_factor_gives_it_first(acme: Acme, provider: Provider, arrive: Arrive) -> None:
    mina = await arrive("mina", with_totp=True)
    sent = await mina.get(await connect_way(mina.browser))
    async with provider.parts.database.begin() as tx:  # the session is of one factor from here on
        await tx.execute(text("UPDATE idp.session SET amr = '{pwd}', acr = 'urn:munjigi:acr:1'"))
    back = await mina.get(acme.upstream.answer(sent.headers["location"]))
    assert (back.status_code, code_of(back)) == (403, "MJ-IDP-106")
    assert await acme.links() == []


async def test_the_way_there_is_the_persons_own(acme: Acme, provider: Provider, arrive: Arrive) -> None:
    mina, jun = await arrive("mina"), await arrive("jun")
    way = await connect_way(mina.browser)
    assert code_of(await jun.get(way)) == "MJ-IDP-002"
    assert code_of(await mina.get(way[: way.rindex("hop=")] + "hop=")) == "MJ-IDP-002"
    assert (await provider.browser().get(way)).status_code == 401
    sent = await mina.get(way)
    back = acme.upstream.answer(sent.headers["location"])
    assert code_of(await jun.get(back)) == "MJ-IDP-001"
    assert code_of(await provider.browser().get(back)) == "MJ-IDP-001"
    assert await acme.links() == []


async def test_a_session_that_was_taken_over_links_nothing(acme: Acme, arrive: Arrive) -> None:
    mina = await arrive("mina")
    first = mina.browser
    sent = await mina.get(await connect_way(first))
    await mina.move("203.0.113.9")
    assert code_of(await first.get(acme.upstream.answer(sent.headers["location"]))) == "MJ-IDP-001"
    assert await acme.links() == []


async def test_what_goes_wrong_is_told_on_the_page(acme: Acme, provider: Provider, arrive: Arrive) -> None:
    mina = await arrive("mina")
    jun = await person(provider, "jun")
    await acme.link(jun)
    page = await connect(acme, mina.browser)
    assert (page.status_code, code_of(page)) == (409, "MJ-SIGNIN-065")
    acme.upstream.claims["nonce"] = "another"
    page = await connect(acme, mina.browser)
    assert (page.status_code, code_of(page)) == (502, "MJ-SIGNIN-062")
    way = await connect_way(mina.browser)
    await acme.put(enabled=False)
    page = await mina.get(way)
    assert (page.status_code, code_of(page)) == (404, "MJ-SIGNIN-066")
    assert await acme.links() == [("u-1", jun)]


async def test_nobody_of_two_organisations_is_offered_it(acme: Acme, provider: Provider, arrive: Arrive) -> None:
    mina = await arrive("mina")
    sent = await mina.get(await connect_way(mina.browser))
    async with provider.parts.database.begin() as tx:
        await directory.put_membership(tx, mina.id, OTHER, ("customer",), BEGUN)
    assert "/account/links/connect" not in (await mina.get("/account/links")).text
    page = await acme.come_back(mina.browser, sent.headers["location"])
    assert (page.status_code, code_of(page)) == (403, "MJ-SIGNIN-064")


@pytest.fixture
async def sora(acme: Acme, provider: Provider, database: OpenDatabase) -> Resident:
    """Somebody whose account was made at first sight: there is no password."""
    await acme.put(just_in_time=True)
    acme.upstream.told |= {"email": "sora@acme.example", "email_verified": True}
    browser = provider.browser()
    browser.cookies["mj-locale"] = "en"
    await acme.arrive(browser)
    assert browser.address.startswith(CALLBACK), browser.address
    [(_, user)] = await acme.links()

    async def trail(user_id: UUID) -> list[str]:
        query = text("SELECT kind FROM audit.record WHERE subject = :subject ORDER BY id")
        async with database("owner").connect() as tx:
            return list((await tx.execute(query, {"subject": str(user_id)})).scalars())

    return Resident(provider, acme.app, user, browser, trail)


async def test_the_last_way_in_stays(acme: Acme, provider: Provider, sora: Resident, clock: FakeClock) -> None:
    page = await unlink(sora)
    assert (page.status_code, "your last way to sign in" in page.text) == (422, True)
    assert len(await acme.links()) == 1
    async with provider.parts.database.begin() as tx:
        await passwords.put_password(tx, sora.id, await provider.parts.passwords.hash("x" * 20), clock.now())
    assert "It was unlinked." in (await unlink(sora)).text


async def test_the_last_passkey_stays_too(acme: Acme, provider: Provider, sora: Resident) -> None:
    credential = b"c" * 16
    async with provider.parts.database.begin() as tx:
        await tx.execute(
            text(
                "INSERT INTO idp.passkey (credential_id, user_id, public_key, sign_count, transports, aaguid, label,"
                " user_verified, backup_eligible, backed_up, created_at)"
                " VALUES (:id, :user, :id, 0, '{}', '', 'Key', true, false, false, now())"
            ),
            {"id": credential, "user": sora.id},
        )
        await tx.execute(text("DELETE FROM idp.upstream_link"))
        await tx.execute(text("UPDATE idp.session SET amr = '{hwk,mfa}', acr = 'urn:munjigi:acr:2'"))
    refused = await sora.post("/account/factors/remove", kind="passkey", id=credential.hex())
    assert (refused.status_code, "your last way to sign in" in refused.text) == (422, True)
    await acme.link(sora.id)
    gone = await sora.post("/account/factors/remove", kind="passkey", id=credential.hex())
    assert "The passkey was removed" in gone.text


async def test_without_a_password_the_upstream_proves_it_anew(acme: Acme, sora: Resident, clock: FakeClock) -> None:
    clock.advance(901)
    acme.upstream.claims["auth_time"] = clock.timestamp() - 901
    page = await sora.get("/account/confirm?to=/account/links")
    assert 'type="password"' not in page.text
    found = re.search(r'href="(/account/sign-in\?again=yes[^"]*)"', page.text)
    assert found
    page = await sora.browser.follow(await sora.get(found[1].replace("&amp;", "&")))
    assert sora.browser.address.startswith("http://localhost:9000/sign-in?")
    way = await sora.browser.post("/sign-in", {"hop": hidden(page), "login": "sora@acme.example", "password": ""})
    page = await sora.browser.follow(way)
    address = await acme.click(sora.browser, page)
    assert acme.upstream.question(address)["prompt"] == "login"
    acme.upstream.claims["auth_time"] = clock.timestamp()
    page = await acme.come_back(sora.browser, address)
    assert sora.browser.address == "http://localhost:9000/account/links"
    assert "/account/links/connect" in page.text
