"""Numbers, links by mail and devices that approve: how a login leads to each, and by what it lets in once the password
is closed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

import httpx2
import pytest
from sqlalchemy import update

from config.settings import Settings
from idp.authorization.login_rules import LoginRules
from idp.endpoints.sign_in.link_mail import LINKS_OF_ACCOUNT
from idp.factors.attestation import AttestationPolicy
from idp.factors.authentication_rules import AuthenticationRules
from idp.protocol.assurance import ACR_TWO, Counting
from idp.protocol.assurance import HOUSE as COUNTED
from idp.rollout.cohorts import AtRisk, Everybody
from idp.rollout.phases import Demand, Method, Phase
from idp.storage import factors, login_rules, organisation_authentication, phase_people, proven_addresses, sessions
from idp.storage.directory_tables import user_account
from tests.clock import FakeClock
from tests.idp.account.conftest import Resident
from tests.idp.account.conftest import arrive as resident
from tests.idp.approvals.conftest import Approving, approving
from tests.idp.approvals.devices import number
from tests.idp.browser import Browser
from tests.idp.letters import letters, mailed_code, texted_code
from tests.idp.login_pages.test_sign_in import hidden, open_sign_in, person, submit
from tests.idp.login_pages.test_sign_in_link import ask, confirm, link, links
from tests.idp.login_pages.test_text_code import NUMBER, with_phone
from tests.idp.people import HOUSE
from tests.idp.provider import CALLBACK, App, Provider
from tests.idp.rollout.test_at_login import LATER, act, app, becomes, begun, standing
from tests.idp.rollout.values import NOW

__all__ = ["app", "approving"]
ENROL = "http://localhost:9000/enrol"
CLOSED = "no longer signs in by password"
arrive = resident  # the fixture of `approving`


@pytest.fixture
def settings(settings: Settings, request: pytest.FixtureRequest) -> Settings:
    alone = getattr(request, "param", "off")
    return settings.model_copy(update={"idp": settings.idp.model_copy(update={"approval_alone": alone})})


async def enforced(provider: Provider, *methods: Method, **other: Any) -> Phase:
    """A phase by which passwords are closed, past its date."""
    demand = Demand(methods=methods, close_password=True)
    one = await begun(provider, **{"kind": "passwordless", "demand": demand, **other})
    return await becomes(provider, one, state="enforced", dates=replace(one.dates, enforce_at=NOW))


async def proven(provider: Provider, user: UUID, *, yes: bool = True) -> None:
    """Mail to their address has reached them, or has not."""
    async with provider.parts.database.begin() as tx:
        await tx.execute(update(user_account).where(user_account.c.id == user).values(proven_email=None))
        if yes:
            assert await proven_addresses.prove(tx, user, "mina@mail.example", NOW)


async def give_password(
    provider: Provider, app: App, browser: Browser | None = None, *, name: str = "mina", **asked: str
) -> Any:
    browser = browser or provider.browser()
    return browser, await submit(browser, await open_sign_in(browser, app, **asked), name=name)


async def send(browser: Browser, page: httpx2.Response, what: str, **form: str) -> httpx2.Response:
    return await browser.follow(await browser.post("/enrol", {"hop": hidden(page), "act": what, **form}))


async def amr(provider: Provider, user: UUID) -> set[str]:
    async with provider.parts.database.connect() as tx:
        session = await sessions.live_of(tx, user, provider.parts.clock.now())
    assert session is not None
    return set(session.amr)


async def test_a_number_is_proven_within_the_login_and_counts_for_it(provider: Provider, app: App) -> None:
    user = await person(provider)
    demand = Demand(methods=("sms",), second_factor=True)
    await enforced(provider, demand=demand, kind="mfa")
    browser, page = await give_password(provider, app)
    assert browser.address.startswith(ENROL)
    assert "Digits by text message" in page.text
    refused = await send(browser, page, "text", number="02-312-3456")
    assert refused.status_code == 422
    assert "This is not a mobile number." in refused.text
    assert 'value="02-312-3456"' in refused.text
    page = await send(browser, refused, "text", number="010-1234-5678")
    assert "We sent six digits to +82 10-1234-5678" in page.text
    wrong = await send(browser, page, "texted", text_code="000000")
    assert wrong.status_code == 422
    assert "Type the ones from the latest text." in wrong.text
    soon = await send(browser, wrong, "text_again")
    assert soon.status_code == 429
    other = await send(browser, soon, "other")
    assert 'id="number"' in other.text
    page = await send(browser, soon, "texted", text_code=await texted_code(provider.parts.settings, NUMBER))
    assert LATER in page.text
    await act(browser, page, "go_on")
    assert browser.address.startswith(CALLBACK)
    assert await amr(provider, user) == {"pwd", "sms", "mfa"}
    assert (await standing(provider, user)).method == "sms"
    async with provider.parts.database.connect() as tx:
        assert await factors.enrolled(tx, user) == ["sms"]


async def test_an_address_is_proven_before_the_password_closes_and_then_the_link_leads_in(
    provider: Provider, app: App
) -> None:
    user = await person(provider)
    await proven(provider, user, yes=False)
    await enforced(provider, "link")
    browser, page = await give_password(provider, app)
    assert browser.address.startswith(ENROL), "an address that nobody has proven closes nothing"
    assert "Link by mail" in page.text
    page = await send(browser, page, "mail")
    assert "We sent six digits to" in page.text
    code = await mailed_code(provider.parts.settings)
    wrong = await send(browser, page, "mailed", mail_code=f"{(int(code) + 1) % 1_000_000:06}")
    assert wrong.status_code == 422
    await send(browser, wrong, "mailed", mail_code=code)
    assert browser.address.startswith(CALLBACK)
    assert await amr(provider, user) == {"pwd"}, "mail of who has no factor is none"
    assert (await standing(provider, user)).method == "link"
    # from now on the password leads to the link
    browser, page = await give_password(provider, app, browser, prompt="login")
    assert page.status_code == 422
    assert "Press “Mail me a link to sign in” below" in page.text
    assert '<details class="stack" open>' in page.text
    form = {"hop": hidden(page), "login": "mina", "password": "", "act": "ask"}
    waiting = await browser.follow(await browser.post("/sign-in/mail", form))
    assert "Look at your e-mail" in waiting.text
    await confirm(browser, await browser.get(await link(provider)))
    assert browser.address.startswith(CALLBACK)


async def test_strangers_use_up_no_links_of_a_device_of_theirs(provider: Provider, app: App) -> None:
    await proven(provider, await person(provider))
    own, _ = await give_password(provider, app)
    assert own.address.startswith(CALLBACK)
    for address in range(LINKS_OF_ACCOUNT.attempts + 1):
        await ask(provider.browser(f"10.0.1.{address}"), app)
    assert len(await links(provider)) == LINKS_OF_ACCOUNT.attempts
    await enforced(provider, "link")
    _, page = await give_password(provider, app, own, prompt="login")
    form = {"hop": hidden(page), "login": "mina", "password": "", "act": "ask"}
    await own.follow(await own.post("/sign-in/mail", form))
    await confirm(own, await own.get(await link(provider)))
    assert own.address.startswith(CALLBACK)


async def test_a_script_is_told_to_show_the_other_ways(provider: Provider, app: App) -> None:
    await proven(provider, await person(provider))
    await enforced(provider, "link")
    browser = provider.browser()
    page = await open_sign_in(browser, app)
    form = {"hop": hidden(page), "login": "mina", "password": "a horse, a staple and some mist"}
    answer = (await browser.post("/sign-in", form, Accept="application/json")).json()
    assert answer["ways"] is True
    assert answer["code"] == "MJ-SIGNIN-050"


async def test_a_password_stays_where_the_link_would_not_suffice(provider: Provider, app: App) -> None:
    user = await person(provider)
    await proven(provider, user)
    await enforced(provider, "link")
    _, page = await give_password(provider, app, acr_values=ACR_TWO)
    assert CLOSED not in page.text, "a link alone does not reach what this app demands"
    _, page = await give_password(provider, app)
    assert CLOSED in page.text
    async with provider.parts.database.begin() as tx:
        await login_rules.put_login_rules(tx, HOUSE, LoginRules(sign_in_links=False))
    provider.parts.rules.on_reset()
    browser, page = await give_password(provider, app)
    assert CLOSED not in page.text, "their organisation sends no links"
    assert browser.address.startswith(CALLBACK)


async def test_a_password_stays_of_who_has_a_number_alone(provider: Provider, app: App) -> None:
    user = await person(provider)
    await with_phone(provider, user)
    await enforced(provider, "sms", "passkey")
    browser, page = await give_password(provider, app)
    assert CLOSED not in page.text
    assert "One more check" in page.text
    form = {"hop": hidden(page), "way": "sms", "code": await texted_code(provider.parts.settings, NUMBER)}
    await browser.follow(await browser.post("/factor", form))
    assert browser.address.startswith(CALLBACK)


async def test_a_device_that_approves_is_told_of_and_holds_nobody_up(provider: Provider, app: App) -> None:
    user = await person(provider)
    await enforced(provider, "push")
    browser, page = await give_password(provider, app)
    assert browser.address.startswith(ENROL)
    assert "Approve on your phone" in page.text
    assert "Your organisation expects you to use this from now on." in page.text
    await act(browser, page, "later")
    assert browser.address.startswith(CALLBACK)
    assert (await standing(provider, user)).skipped == 1


async def test_a_password_stays_where_an_approval_alone_signs_nobody_in(approving: Approving) -> None:
    await enforced(approving.provider, "push")
    _, page = await approving.elsewhere()
    assert CLOSED not in page.text


@pytest.mark.parametrize("settings", ["first"], indirect=True)
async def test_a_password_stays_where_an_approval_would_need_another_factor(approving: Approving) -> None:
    await enforced(approving.provider, "push")
    _, page = await approving.elsewhere()
    assert CLOSED not in page.text


@pytest.mark.parametrize("settings", ["both"], indirect=True)
async def test_an_approval_leads_in_once_the_password_is_closed_but_not_on_its_own_device(
    approving: Approving,
) -> None:
    provider, mina = approving.provider, approving.person
    await enforced(provider, "push")
    browser = provider.browser("10.0.0.9")
    browser.cookies["mj-locale"] = "en"
    page = await submit(browser, await open_sign_in(browser, approving.app))
    assert CLOSED in page.text
    assert "/sign-in/push?hop=" in page.text
    page = await browser.follow(await browser.post("/sign-in/push", {"hop": hidden(page), "login": "mina"}))
    assert await approving.phone.answer(await approving.question(), "approve", number(page)) == "approved"
    done = await browser.follow(await browser.post("/sign-in/push", {"hop": hidden(page), "act": "take"}))
    assert "You are signed in somewhere else" in done.text
    own = await submit(mina.browser, await open_sign_in(mina.browser, approving.app, prompt="login"))
    assert CLOSED not in own.text, "no device approves its own login"


async def test_the_account_shows_who_has_which(arrive: Any, provider: Provider) -> None:
    mina: Resident = await arrive("mina")
    await begun(provider, demand=Demand(methods=("sms", "push")))
    assert "asks for a second step" in (await mina.get("/account?locale=en")).text
    await with_phone(provider, mina.id)
    assert "asks for a second step" not in (await mina.get("/account?locale=en")).text


async def test_a_text_is_not_offered_where_it_does_not_count_to_whoever_has_something_that_does(
    provider: Provider, app: App, clock: FakeClock
) -> None:
    user = await person(provider, with_totp=True)
    await with_phone(provider, user)
    _, page = await give_password(provider, app)
    assert "Text me digits" in page.text
    counting = Counting(two=COUNTED.two - {"sms"})
    rules = AuthenticationRules(attestation=AttestationPolicy(), counting=counting, version=1)
    async with provider.parts.database.begin() as tx:
        await organisation_authentication.put_authentication_rules(tx, HOUSE, rules, clock.now())
    provider.parts.rules.on_reset()
    browser, page = await give_password(provider, app)
    assert "Text me digits" not in page.text
    await browser.follow(await browser.post("/factor", {"hop": hidden(page), "act": "text"}))
    assert not [one for one in await letters(provider.parts.settings) if one.to == NUMBER]
    await begun(provider, demand=Demand(methods=("sms", "passkey")), state="enforced")
    alone = await person(provider, "jun")
    await with_phone(provider, alone, "+821087654321")
    _, page = await give_password(provider, app, name="jun")
    assert "We sent six digits to" in page.text, "whoever has nothing else is not locked out"


async def test_a_programme_does_not_lead_to_what_does_not_count(provider: Provider, app: App, clock: FakeClock) -> None:
    await person(provider)
    counting = Counting(two=COUNTED.two - {"sms"})
    rules = AuthenticationRules(attestation=AttestationPolicy(), counting=counting, version=1)
    async with provider.parts.database.begin() as tx:
        await organisation_authentication.put_authentication_rules(tx, HOUSE, rules, clock.now())
    await begun(provider, demand=Demand(methods=("sms", "totp")))
    _, page = await give_password(provider, app)
    assert "authenticator app" in page.text
    assert "Digits by text message" not in page.text


async def test_the_programme_sees_every_method(approving: Approving, clock: FakeClock) -> None:
    provider, user = approving.provider, approving.person.id
    methods: tuple[Method, ...] = ("passkey", "push", "totp", "sms", "link")
    one = await begun(provider, demand=Demand(methods=methods))
    await proven(provider, user, yes=False)
    async with provider.parts.database.connect() as tx:
        seen = await phase_people.preview(tx, HOUSE, Everybody(), one, clock.now(), 10)
        facts = await phase_people.facts(tx, HOUSE, user, clock.now())
        left = await phase_people.preview(tx, HOUSE, AtRisk(("no_second_factor",)), None, clock.now(), 10)
    assert [hit.enrolled for hit in seen.people] == [("push",)]
    assert (facts.second_factor, facts.proven_mail, left.total) == (True, False, 0)
    await with_phone(provider, user)
    await proven(provider, user)
    async with provider.parts.database.connect() as tx:
        seen = await phase_people.preview(tx, HOUSE, Everybody(), one, clock.now(), 10)
        assert [set(hit.enrolled) for hit in seen.people] == [{"push", "sms", "link"}]
        assert (await phase_people.facts(tx, HOUSE, user, clock.now())).proven_mail
