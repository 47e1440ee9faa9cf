"""Whoever comes from an upstream is signed in by a link, by an account that is made, or not at all; and then goes on
through every step of a login."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit
from uuid import UUID

import httpx2
import pytest

from idp.directory.account import ClientHome
from idp.federation.provider import Counts
from idp.storage import directory, sessions
from tests.clock import FakeClock
from tests.idp.browser import Browser
from tests.idp.federation.conftest import OTHER, Acme, button, code_of, onward
from tests.idp.letters import letters
from tests.idp.login_pages.test_sign_in import (
    hidden,
    open_sign_in,
    person,
    submit,
    submit_code,
    submit_mailed_code,
)
from tests.idp.people import BEGUN, HOUSE
from tests.idp.provider import CALLBACK, Provider


async def _amr(provider: Provider, user: UUID) -> tuple[str, ...]:
    async with provider.parts.database.connect() as tx:
        session = await sessions.live_of(tx, user, provider.parts.clock.now())
    assert session is not None
    return session.amr


async def test_a_link_signs_in_by_one_factor(acme: Acme, provider: Provider, clock: FakeClock) -> None:
    user = await person(provider)
    await acme.link(user)
    browser = provider.browser()
    address = await acme.leave(browser, ui_locales="en")
    question = acme.upstream.question(address)
    assert question["response_type"] == "code"
    assert question["code_challenge_method"] == "S256"
    assert question["redirect_uri"] == f"http://localhost:9000/sign-in/upstream/{acme.registered.id}/callback"
    assert (question["scope"], question["ui_locales"]) == ("openid profile email", "en")
    assert len({question["state"], question["nonce"], question["code_challenge"]}) == 3
    acme.upstream.claims["amr"] = ["pwd", "otp", "mfa"]  # what it says counts for nothing unless somebody said how
    await acme.come_back(browser, address)
    assert browser.address.startswith(CALLBACK), browser.address
    assert await _amr(provider, user) == ("fed",)
    issued = (await provider.redeem(acme.app, browser.query()["code"])).json()
    assert issued["id_token"]
    kinds = [row.kind for row in await acme.rows("SELECT kind FROM audit.record ORDER BY id")]
    assert kinds[:3] == ["sign_in_succeeded", "session_began", "code_issued"]
    [record] = await acme.rows("SELECT details FROM audit.record WHERE kind = 'sign_in_succeeded'")
    assert record.details == {"method": "upstream", "client": "app", "provider": str(acme.registered.id)}
    [link] = await acme.rows("SELECT last_used_at FROM idp.upstream_link")
    assert link.last_used_at == clock.now()
    assert await acme.attempts() == 0
    assert "/userinfo" not in acme.upstream.asked


async def test_the_house_asks_for_its_own_second_factor_all_the_same(
    acme: Acme, provider: Provider, clock: FakeClock
) -> None:
    user = await person(provider, with_totp=True)
    await acme.link(user)
    acme.upstream.claims["amr"] = ["mfa"]
    browser = provider.browser()
    page = await acme.arrive(browser, acr_values="urn:munjigi:acr:2")
    assert browser.address.startswith("http://localhost:9000/factor"), browser.address
    await submit_code(browser, page, clock)
    assert browser.address.startswith(CALLBACK)
    assert await _amr(provider, user) == ("fed", "otp", "mfa")


@pytest.mark.parametrize("said", [{"amr": ["mfa"]}, {"acr": "https://acme.example/2fa"}])
async def test_an_organisation_may_let_it_count_as_two(acme: Acme, provider: Provider, said: dict[str, object]) -> None:
    user = await person(provider, with_totp=True)
    await acme.link(user)
    await acme.put(counts=Counts(acr={"https://acme.example/2fa": ("hwk", "mfa")}, amr={"mfa": ("otp", "mfa")}))
    acme.upstream.claims |= said
    browser = provider.browser()
    await acme.arrive(browser, acr_values="urn:munjigi:acr:2")
    assert browser.address.startswith(CALLBACK), browser.address
    assert set(await _amr(provider, user)) > {"fed", "mfa"}


async def test_from_elsewhere_a_takeover_takes_a_factor_of_the_house(acme: Acme, provider: Provider) -> None:
    """S2, also where the upstream's two factors count here: the factor is bound to that takeover."""
    user = await person(provider)
    await acme.link(user)
    await acme.put(counts=Counts(amr={"mfa": ("mfa",)}))
    acme.upstream.claims["amr"] = ["mfa"]
    await acme.arrive(provider.browser())
    elsewhere = provider.browser("203.0.113.9")
    page = await acme.arrive(elsewhere)
    assert elsewhere.address.startswith("http://localhost:9000/factor"), elsewhere.address
    page = await submit_mailed_code(provider, elsewhere, page)
    assert elsewhere.address.startswith("http://localhost:9000/takeover"), elsewhere.address
    form = {"hop": hidden(page), "session": hidden(page, "session"), "choice": "take_over"}
    await elsewhere.follow(await elsewhere.post("/takeover", form))
    assert elsewhere.address.startswith(CALLBACK)
    ended = await acme.rows("SELECT end_reason FROM idp.session WHERE ended_at IS NOT NULL")
    assert [row.end_reason for row in ended] == ["takeover"]


async def test_a_new_device_takes_a_factor_of_the_house(acme: Acme, provider: Provider) -> None:
    user = await person(provider)
    await acme.link(user)
    first = provider.browser()
    await acme.arrive(first)
    async with provider.parts.database.begin() as tx:
        await provider.parts.one_session.end_person(tx, user, "sign_out", correlation_id="test")
    second = provider.browser()
    page = await acme.arrive(second)
    assert second.address.startswith("http://localhost:9000/factor"), second.address
    await submit_mailed_code(provider, second, page)
    assert second.address.startswith(CALLBACK)


async def test_who_is_nobody_here_proves_themselves_and_links(acme: Acme, provider: Provider) -> None:
    user = await person(provider)
    acme.upstream.told |= {"email": "mina@mail.example", "email_verified": True}  # the mail of her account: no proof
    browser = provider.browser()
    browser.cookies["mj-locale"] = "en"
    page = await acme.arrive(browser)
    assert (page.status_code, code_of(page)) == (403, "MJ-SIGNIN-063")
    assert await acme.links() == []
    assert "mina@mail.example" in page.text

    page = await browser.follow(await browser.get(onward(page)))
    assert "To link mina@mail.example, sign in here" in page.text
    page = await submit_mailed_code(provider, browser, await submit(browser, page))
    assert browser.address.startswith("http://localhost:9000/sign-in/link"), browser.address
    assert "<dd>mina@mail.example</dd>" in page.text
    assert await acme.links() == []
    form = {"hop": hidden(page), "subject": hidden(page, "subject"), "choice": "link"}
    await browser.follow(await browser.post("/sign-in/link", form))
    assert browser.address.startswith(CALLBACK), browser.address
    assert await acme.links() == [("u-1", user)]
    told = [one for one in await letters(provider.parts.settings) if one.kind == "factor_changed"]
    assert [(one.facts["change"], one.facts["factor"]) for one in told] == [("enrolled", "upstream")]
    assert told[0].facts["not_me"].startswith("http://localhost:9000/not-me")
    [record] = await acme.rows("SELECT subject, details FROM audit.record WHERE kind = 'factor_enrolled'")
    assert record.subject == str(user)
    assert record.details["provider"] == str(acme.registered.id)

    again = provider.browser()
    again.cookies = {name: value for name, value in browser.cookies.items() if "session" not in name}
    await acme.arrive(again)
    assert not again.address.startswith("http://localhost:9000/sign-in"), again.address


async def _to_the_link_page(acme: Acme, provider: Provider, browser: Browser, name: str = "mina") -> httpx2.Response:
    """Somebody whose upstream account is nobody's signs in here."""
    page = await acme.arrive(browser)
    page = await submit(browser, await browser.follow(await browser.get(onward(page))), name)
    return await submit_mailed_code(provider, browser, page) if "@mail.example" in page.text else page


async def _choose(browser: Browser, page: httpx2.Response, choice: str) -> httpx2.Response:
    form = {"hop": hidden(page), "subject": hidden(page, "subject"), "choice": choice}
    return await browser.follow(await browser.post("/sign-in/link", form))


async def test_nothing_is_linked_for_who_leaves_it(acme: Acme, provider: Provider) -> None:
    await person(provider)
    browser = provider.browser()
    await _choose(browser, await _to_the_link_page(acme, provider, browser), "leave")
    assert browser.address.startswith(CALLBACK), browser.address
    assert await acme.links() == []


async def test_a_link_takes_the_second_factor_of_whoever_has_one(
    acme: Acme, provider: Provider, clock: FakeClock
) -> None:
    user = await person(provider, with_totp=True)
    browser = provider.browser()
    page = await _to_the_link_page(acme, provider, browser, "mina")
    assert browser.address.startswith("http://localhost:9000/factor"), browser.address
    early = await browser.post("/sign-in/link", {"hop": hidden(page), "subject": "u-1", "choice": "link"})
    assert early.status_code == 400  # the hop of another step
    page = await submit_code(browser, page, clock)
    assert browser.address.startswith("http://localhost:9000/sign-in/link"), browser.address
    await _choose(browser, page, "link")
    assert await acme.links() == [("u-1", user)]


async def test_a_session_vouches_for_no_new_way_in(acme: Acme, provider: Provider) -> None:
    """Single sign-on is not enough to link: the person proves themselves in this very login."""
    await person(provider)
    browser = provider.browser()
    open_page = await open_sign_in(browser, acme.app)
    await submit(browser, await open_sign_in(browser, acme.app))
    assert browser.address.startswith(CALLBACK)
    address = await acme.click(browser, open_page)
    page = await acme.come_back(browser, address)
    await browser.follow(await browser.get(onward(page)))
    assert browser.address.startswith("http://localhost:9000/sign-in?"), browser.address


async def test_a_link_that_somebody_took_meanwhile(acme: Acme, provider: Provider) -> None:
    await person(provider)
    jun = await person(provider, "jun")
    browser = provider.browser()
    page = await _to_the_link_page(acme, provider, browser)
    await acme.link(jun)
    page = await _choose(browser, page, "link")
    assert (page.status_code, code_of(page)) == (409, "MJ-SIGNIN-065")
    assert await acme.links() == [("u-1", jun)]
    await browser.follow(await browser.get(onward(page)))
    assert browser.address.startswith(CALLBACK)  # the sign-in itself went well


async def _join_other(provider: Provider, user: UUID) -> None:
    async with provider.parts.database.begin() as tx:
        await directory.put_membership(tx, user, OTHER, ("customer",), BEGUN)


async def test_nobody_of_two_organisations_links(acme: Acme, provider: Provider) -> None:
    await _join_other(provider, await person(provider))
    browser = provider.browser()
    page = await _choose(browser, await _to_the_link_page(acme, provider, browser), "link")
    assert (page.status_code, code_of(page)) == (403, "MJ-SIGNIN-064")
    assert await acme.links() == []


async def test_a_link_of_somebody_who_belongs_elsewhere_now_opens_nothing(acme: Acme, provider: Provider) -> None:
    user = await person(provider)
    await acme.link(user)
    await _join_other(provider, user)
    browser = provider.browser()
    page = await acme.arrive(browser)
    assert (page.status_code, code_of(page)) == (403, "MJ-SIGNIN-064")
    await browser.follow(await browser.get(onward(page)))
    assert browser.address.startswith("http://localhost:9000/sign-in?")
    assert await acme.rows("SELECT 1 FROM idp.session") == []


async def test_a_locked_account_stays_locked(acme: Acme, provider: Provider, clock: FakeClock) -> None:
    user = await person(provider)
    await acme.link(user)
    async with provider.parts.database.begin() as tx:
        assert await directory.lock(tx, user, "administrator", clock.now())
    page = await acme.arrive(provider.browser())
    assert (page.status_code, code_of(page)) == (403, "MJ-SIGNIN-009")
    [note] = await acme.rows("SELECT outcome, amr FROM idp.sign_in_history WHERE user_id = :user", user=user)
    assert (note.outcome, note.amr) == ("failed", ["fed"])


async def test_an_account_is_made_at_first_sight_where_that_is_wanted(acme: Acme, provider: Provider) -> None:
    await acme.put(just_in_time=True, roles=("customer",))
    acme.upstream.told |= {"email": "Sora@acme.example", "email_verified": True}
    for _ in range(2):  # the second time by the link
        browser = provider.browser()
        await acme.arrive(browser)
    async with provider.parts.database.connect() as tx:
        account = await directory.account_by_login_name(tx, "sora@acme.example")
        assert account is not None
        membership = await directory.home(tx, account.id)
    assert (account.display_name, account.email) == ("Mina Kim", "sora@acme.example")
    assert membership is not None
    assert (membership.organisation.id, membership.roles) == (HOUSE, ("customer",))
    assert await acme.links() == [("u-1", account.id)]
    [record] = await acme.rows("SELECT subject FROM audit.record WHERE kind = 'account_created'")
    assert record.subject == str(account.id)


@pytest.mark.parametrize(
    "told",
    [
        {"email": "sora@acme.example"},
        {"email": "sora@acme.example", "email_verified": "true"},
        {"email": "sora@elsewhere.example", "email_verified": True},
    ],
)
async def test_a_mail_address_is_believed_only_of_its_own_domain_and_verified(
    acme: Acme, provider: Provider, told: dict[str, object]
) -> None:
    await acme.put(just_in_time=True)
    acme.upstream.told |= told
    browser = provider.browser()
    await acme.arrive(browser)
    assert browser.address.startswith(CALLBACK), browser.address
    [made] = await acme.rows("SELECT email, name FROM idp.user_account JOIN idp.login_name ON user_id = id")
    assert made.email is None
    assert made.name.startswith("member-")


async def test_a_mail_address_that_is_somebodys_name_makes_no_account_and_no_link(
    acme: Acme, provider: Provider
) -> None:
    await person(provider, "sora@acme.example")
    await acme.put(just_in_time=True)
    acme.upstream.told |= {"email": "sora@acme.example", "email_verified": True}
    page = await acme.arrive(provider.browser())
    assert code_of(page) == "MJ-SIGNIN-063"
    assert await acme.links() == []
    assert len(await acme.rows("SELECT 1 FROM idp.user_account")) == 1


async def test_two_arrivals_at_the_same_moment_make_one_account(acme: Acme, provider: Provider) -> None:
    await acme.put(just_in_time=True)
    browsers = [provider.browser() for _ in range(4)]
    addresses = [await acme.leave(browser) for browser in browsers]
    back = [acme.upstream.answer(address) for address in addresses]
    answers = await asyncio.gather(*(browser.get(address) for browser, address in zip(browsers, back, strict=True)))
    assert [answer.status_code for answer in answers] == [303] * 4
    assert len(await acme.rows("SELECT 1 FROM idp.user_account")) == 1
    assert len(await acme.links()) == 1


async def test_a_mail_address_leads_to_the_button_of_its_organisation(acme: Acme, provider: Provider) -> None:
    user = await person(provider)
    await acme.link(user)
    browser = provider.browser()
    browser.cookies["mj-locale"] = "en"
    page = await open_sign_in(browser, acme.app)
    assert "button primary block" not in page.text.partition("<form")[0]  # among the other ways
    page = await submit(browser, page, "Mina@ACME.example", "")
    assert page.status_code == 200
    assert "Sign in with Acme" in page.text.partition("<form")[0]
    address = await acme.click(browser, page)
    assert acme.upstream.question(address)["login_hint"] == "Mina@ACME.example"
    await acme.come_back(browser, address)
    assert browser.address.startswith(CALLBACK)


async def test_a_script_is_led_the_same_way(acme: Acme, provider: Provider) -> None:
    browser = provider.browser()
    page = await open_sign_in(browser, acme.app)
    form = {"hop": hidden(page), "login": "mina@acme.example", "password": ""}
    led = await browser.post("/sign-in", form, Accept="application/json")
    assert urlsplit(led.json()["go"]).path == "/authorize/continue"
    form["login"] = "mina@elsewhere.example"
    missing = await browser.post("/sign-in", form, Accept="application/json")
    assert (missing.status_code, missing.json()["code"]) == (422, "MJ-SIGNIN-001")


async def test_what_is_offered(acme: Acme, provider: Provider) -> None:
    """In an organisation's app its own providers; in the house's, the one where the address leads; never one that is
    switched off."""
    house_app = await provider.register("house-app")
    browser = provider.browser()
    assert f"/sign-in/upstream/{acme.registered.id}" in (await open_sign_in(browser, acme.app)).text
    page = await open_sign_in(browser, house_app)
    assert "/sign-in/upstream/" not in page.text
    page = await open_sign_in(browser, house_app, login_hint="mina@acme.example")
    assert button(page, acme.registered.id)
    hop = button(page, acme.registered.id)
    await acme.put(enabled=False)
    assert "/sign-in/upstream/" not in (await open_sign_in(browser, acme.app)).text
    refused = await browser.get(hop)
    assert (refused.status_code, code_of(refused)) == (404, "MJ-SIGNIN-066")
    assert (await browser.get(hop.replace(str(acme.registered.id), "nobody"))).status_code == 404


async def test_of_another_organisations_app_nothing_is_offered(acme: Acme, provider: Provider) -> None:
    elsewhere = await provider.register("elsewhere")
    async with provider.parts.database.begin() as tx:
        await directory.put_client_home(tx, "elsewhere", ClientHome(organisation_id=OTHER))
    page = await open_sign_in(provider.browser(), elsewhere, login_hint="mina@acme.example")
    assert "/sign-in/upstream/" not in page.text


async def test_a_fresh_sign_in_is_asked_for_and_looked_at(acme: Acme, provider: Provider, clock: FakeClock) -> None:
    user = await person(provider)
    await acme.link(user)
    for demanded, old, wrong in (
        ({"prompt": "login"}, 60, True),
        ({"prompt": "login"}, 0, False),
        ({"max_age": "300"}, 400, True),
        ({"max_age": "300"}, 200, False),
        ({"max_age": "300"}, None, True),
        ({"prompt": "login"}, None, False),
    ):
        browser = provider.browser()
        address = await acme.leave(browser, **demanded)
        question = acme.upstream.question(address)
        assert {name: question[name] for name in demanded} == demanded
        acme.upstream.claims["auth_time"] = None if old is None else int(clock.timestamp()) - old
        page = await acme.come_back(browser, address)
        assert (page.status_code == 502 and code_of(page) == "MJ-SIGNIN-062") == wrong, (demanded, old)


async def test_who_does_not_say_when_counts_as_long_ago(acme: Acme, provider: Provider, clock: FakeClock) -> None:
    """So that whoever finds an upstream's session open changes nothing of the account."""
    user = await person(provider)
    await acme.link(user)
    acme.upstream.claims["auth_time"] = None
    browser = provider.browser()
    assert acme.upstream.question(await acme.leave(browser))["max_age"] == "43200"
    await acme.arrive(browser)
    async with provider.parts.database.connect() as tx:
        session = await sessions.live_of(tx, user, clock.now())
    assert session is not None
    assert (clock.now() - session.authenticated_at).total_seconds() == 43200
