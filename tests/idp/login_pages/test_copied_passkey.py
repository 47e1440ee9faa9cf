"""A passkey of which there are two: refused for good, and whoever it concerns is told, once."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from idp.factors.attestation import AttestationPolicy
from idp.factors.authentication_rules import AuthenticationRules
from idp.protocol.assurance import ACR_THREE, ACR_TWO, HOUSE, Counting
from idp.storage import factors, organisation_authentication
from tests.clock import FakeClock
from tests.idp.authenticator import BE, UP, UV, SoftAuthenticator
from tests.idp.letters import letters
from tests.idp.login_pages.test_account import make_passkey, options
from tests.idp.login_pages.test_sign_in import hidden, kinds, open_sign_in, person, sign_in, submit, submit_code
from tests.idp.people import HOUSE as ORGANISATION
from tests.idp.provider import CALLBACK, App, Provider


@pytest.fixture
async def app(provider: Provider) -> App:
    return await provider.register()


async def test_a_copied_passkey_is_refused_for_good_and_told_of_once(
    provider: Provider, app: App, clock: FakeClock, database: object
) -> None:
    user = await person(provider)
    owner = await sign_in(provider, app)
    original = SoftAuthenticator(count=5)
    await make_passkey(owner, original)

    async def answered(count: int) -> str:
        browser = provider.browser("10.0.0.9")
        browser.cookies["mj-locale"] = "en"
        page = await open_sign_in(browser, app)
        original.count = count
        answer = original.get(options(page))
        return (await browser.post("/sign-in/passkey", {"hop": hidden(page), "answer": answer})).text

    assert "may have been copied" in await answered(3)
    ahead = await answered(90)
    assert "may have been copied" in ahead, "a copy may have signed often enough to be ahead"
    assert "MJ-SIGNIN-040" in ahead
    told = [one for one in await letters(provider.parts.settings) if one.kind == "passkey_copied"]
    assert [(one.to, one.facts["passkey"]) for one in told] == [("mina@mail.example", "My key")]
    assert (await kinds(provider, database)).count("passkey_clone_suspected") == 1
    async with provider.parts.database.begin() as tx:
        (kept,) = await factors.passkeys(tx, user)
        incidents = "SELECT kind FROM policy.incident WHERE subject = :who"
    assert (kept.clone_suspected_at, kept.sign_count) == (clock.now(), 5)
    async with database("policy").connect() as tx:  # type: ignore[operator] # the fixture
        found = (await tx.execute(text(incidents), {"who": str(user)})).scalars().all()
    assert found == ["passkey_clone_suspected"], "policy answers it"
    assert "may have been copied" in (await owner.get("/account/factors")).text


async def test_only_a_key_that_stays_in_its_device_reaches_the_third_level(
    provider: Provider, app: App, clock: FakeClock
) -> None:
    await person(provider, with_totp=True)
    browser = provider.browser()
    browser.cookies["mj-locale"] = "en"
    page = await submit(browser, await open_sign_in(browser, app))
    await submit_code(browser, page, clock)
    synced = SoftAuthenticator(credential_id=b"a synced credential", flags=UP | UV | BE)
    await make_passkey(browser, synced)
    await browser.follow(await browser.get(app.request(acr_values=ACR_THREE)))
    assert browser.query()["error"] == "unmet_authentication_requirements"
    key = SoftAuthenticator()
    await make_passkey(browser, key)
    page = await browser.follow(await browser.get(app.request(acr_values=ACR_THREE)))
    assert "a passkey that stays on one device" in page.text
    asked = options(page)
    assert len(asked["allowCredentials"]) == 1, "of the two only the key that reaches it"
    assert "one-time-code" not in page.text
    await browser.follow(await browser.post("/factor/passkey", {"hop": hidden(page), "answer": key.get(asked)}))
    assert browser.address.startswith(CALLBACK)
    assert browser.query()["code"]


async def test_what_an_organisation_does_not_count_does_not_reach_the_second_level(
    provider: Provider, app: App, clock: FakeClock
) -> None:
    await person(provider, with_totp=True)
    rules = AuthenticationRules(attestation=AttestationPolicy(), counting=Counting(two=HOUSE.two - {"totp"}), version=1)
    async with provider.parts.database.begin() as tx:
        await organisation_authentication.put_authentication_rules(tx, ORGANISATION, rules, clock.now())
    provider.parts.rules.on_reset()
    browser = provider.browser()
    page = await submit(browser, await open_sign_in(browser, app))
    await submit_code(browser, page, clock)
    assert browser.address.startswith(CALLBACK), "whoever demands nothing gets them with what they have"
    await browser.follow(await browser.get(app.request(acr_values=ACR_TWO)))
    assert browser.query()["error"] == "unmet_authentication_requirements"
