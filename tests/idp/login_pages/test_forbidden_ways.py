"""Ways that an organisation forbids: neither offered nor taken, and whoever has no other is led to one."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import httpx2
import pyotp
import pytest

from idp.credentials.recovery import Recovery
from idp.directory.account import ClientHome
from idp.factors.authentication_rules import AuthenticationRules
from idp.protocol.assurance import ACR_TWO, Way
from idp.storage import directory, organisation_authentication, recovery_links, sessions
from tests.clock import FakeClock
from tests.idp.account.conftest import Resident, arrive
from tests.idp.authenticator import SoftAuthenticator
from tests.idp.letters import letters, mailed_code
from tests.idp.login_pages.test_account import make_passkey, options
from tests.idp.login_pages.test_sign_in import (
    SECRET,
    app,
    hidden,
    open_sign_in,
    person,
    submit,
    submit_code,
    submit_mailed_code,
)
from tests.idp.login_pages.test_text_code import NEW, NUMBER, with_phone
from tests.idp.people import HOUSE
from tests.idp.provider import CALLBACK, App, Provider

__all__ = ["app", "arrive"]


async def forbid(provider: Provider, *ways: Way, version: int = 1, verified: bool = False) -> None:
    rules = AuthenticationRules(forbidden=frozenset(ways), verified_approvals=verified, version=version)
    async with provider.parts.database.begin() as tx:
        now = provider.parts.clock.now()
        assert await organisation_authentication.put_authentication_rules(tx, HOUSE, rules, now)
    provider.parts.rules.on_reset()


async def begun(provider: Provider, app: App, name: str = "mina", **more: str) -> tuple[Any, httpx2.Response]:
    browser = provider.browser()
    browser.cookies["mj-locale"] = "en"
    return browser, await submit(browser, await open_sign_in(browser, app, **more), name)


async def amr(provider: Provider, user: Any) -> Collection[str]:
    async with provider.parts.database.connect() as tx:
        live = await sessions.live_of(tx, user, provider.parts.clock.now())
    assert live is not None
    return live.amr


async def test_of_two_ways_the_other_one_is_asked_for(provider: Provider, app: App, clock: FakeClock) -> None:
    user = await person(provider, with_totp=True)
    await with_phone(provider, user)
    browser, before = await begun(provider, app)
    await browser.follow(await browser.post("/factor", {"hop": hidden(before), "act": "text"}))
    code = [one for one in await letters(provider.parts.settings) if one.to == NUMBER][-1].facts["code"]
    await forbid(provider, "sms")
    late = await browser.post("/factor", {"hop": hidden(before), "way": "sms", "code": code})
    assert late.status_code == 422, "a code that was sent before is worth nothing"
    other, page = await begun(provider, app)
    assert "Text me digits" not in page.text
    await submit_code(other, page, clock)
    assert other.address.startswith(CALLBACK)
    assert "otp" in await amr(provider, user)


async def test_whoever_has_nothing_else_is_led_to_another_way_after_a_code_by_mail(
    provider: Provider, app: App
) -> None:
    user = await person(provider)
    await with_phone(provider, user)
    await forbid(provider, "sms")
    browser, page = await begun(provider, app, acr_values=ACR_TWO)
    assert "@mail.example" in page.text, "a password alone does not let anybody set up another factor"
    assert not [one for one in await letters(provider.parts.settings) if one.to == NUMBER]
    page = await submit_mailed_code(provider, browser, page)
    assert "Set up another second step" in page.text
    assert "takes the way that you used no more" in page.text
    assert "Digits by text message" not in page.text
    assert 'value="later"' not in page.text, "it cannot be put off"
    answer = SoftAuthenticator().create(options(page))
    page = await browser.follow(await browser.post("/enrol/passkey", {"hop": hidden(page), "answer": answer}))
    if 'value="go_on"' in page.text:  # the first codes of somebody who had none
        await browser.follow(await browser.post("/enrol", {"hop": hidden(page), "act": "go_on"}))
    assert browser.address.startswith(CALLBACK)
    assert {"pwd", "hwk", "user", "mfa"} <= set(await amr(provider, user))


async def test_whoever_cannot_be_mailed_is_led_to_help(provider: Provider, app: App) -> None:
    user = await person(provider, with_mail=False)
    await with_phone(provider, user)
    await forbid(provider, "sms")
    _, page = await begun(provider, app)
    assert "MJ-SIGNIN-020" in page.text
    await person(provider, "jun")
    await forbid(provider, "sms", "email", version=2)
    browser, _ = await begun(provider, app, "jun")
    assert browser.address.startswith(CALLBACK), "of whoever never had a factor none is asked"


async def test_a_forbidden_passkey_signs_nobody_in(provider: Provider, app: App) -> None:
    await person(provider, with_totp=True)
    owner = provider.browser()
    page = await submit(owner, await open_sign_in(owner, app))
    await submit_code(owner, page, provider.parts.clock)  # type: ignore[arg-type] # the fixture's
    key = SoftAuthenticator()
    await make_passkey(owner, key)
    browser = provider.browser("10.0.0.9")
    browser.cookies["mj-locale"] = "en"
    page = await open_sign_in(browser, app)
    answer = key.get(options(page))
    await forbid(provider, "passkey")
    refused = await browser.post("/sign-in/passkey", {"hop": hidden(page), "answer": answer})
    assert refused.status_code == 422
    assert "takes passkeys no more" in refused.text
    page = await submit(browser, refused)
    assert "one-time-code" in page.text
    assert "data-passkey" not in page.text
    async with provider.parts.database.begin() as tx:
        await directory.put_client_home(tx, app.client_id, ClientHome(organisation_id=HOUSE, starts=()))
    provider.parts.faces.on_reset()
    page = await open_sign_in(provider.browser("10.0.0.10"), app)
    assert "data-passkey" not in page.text, "the page of a client of theirs offers none"
    assert "webauthn" not in page.text


@pytest.mark.parametrize(
    ("way", "path", "form"),
    [
        ("totp", "/account/authenticator", {}),
        ("sms", "/account/phone", {"number": "010-1234-5678"}),
        ("passkey", "/account/passkey", {"answer": "{}"}),
        ("push", "/account/approvals", {}),
    ],
)
async def test_the_account_sets_none_up(arrive: Any, provider: Provider, way: Way, path: str, form: Any) -> None:
    mina: Resident = await arrive("mina")
    await forbid(provider, way)
    refused = await mina.post(path, **form)
    assert "does not take this way" in refused.text
    marks = {
        "totp": 'action="/account/authenticator"',
        "passkey": 'action="/account/passkey"',
        "push": 'action="/account/approvals"',
    }
    shown = (await mina.get("/account/factors")).text
    assert {one: mark in shown for one, mark in marks.items()} == {one: one != way for one in marks}
    assert ('href="/account/phone' in shown) == (way != "sms")


async def test_a_forbidden_factor_is_seen_as_such_removed_and_confirms_nothing(
    arrive: Any, provider: Provider, clock: FakeClock
) -> None:
    mina: Resident = await arrive("mina", with_totp=True)
    await forbid(provider, "totp")
    shown = (await mina.get("/account/factors")).text
    assert "takes this way no more" in shown
    assert "/account/factors/remove?kind=totp" in shown
    confirm = (await mina.get("/account/confirm")).text
    assert 'name="password"' in confirm
    assert 'autocomplete="one-time-code"' not in confirm
    assert (await mina.post("/account/confirm", code="123456")).status_code == 403


async def test_recovery_takes_none_either(provider: Provider, app: App, clock: FakeClock) -> None:
    user = await person(provider, with_totp=True)
    parts = provider.parts
    async with parts.database.begin() as tx:
        recovery = Recovery(recovery_links, parts.entropy, "")
        address = await recovery.link(tx, user, None, clock.now(), sent_to="mina@mail.example")
    await forbid(provider, "totp")
    browser = provider.browser()
    browser.cookies["mj-locale"] = "en"
    page = await browser.get(address)
    assert "takes none of the ways that you have set up" in page.text
    assert "/recover/wait" in page.text, "by waiting they get back in"
    form = {"token": address.partition("token=")[2], "new": NEW, "code": pyotp.TOTP(SECRET).at(int(clock.timestamp()))}
    assert (await browser.post("/recover/password", form)).status_code == 422
    browser, page = await begun(provider, app)
    assert "@mail.example" in page.text, "the old password stands"


async def test_what_is_forbidden_counts_for_nothing(provider: Provider, app: App) -> None:
    await person(provider)
    await forbid(provider, "email")
    browser = provider.browser()
    await submit(browser, await open_sign_in(browser, app, acr_values=ACR_TWO))
    assert browser.query()["error"] == "unmet_authentication_requirements", "no code by mail is sent"
    assert await letters(provider.parts.settings) == []
    await forbid(provider, version=2)
    page = await submit(browser, await open_sign_in(browser, app, acr_values=ACR_TWO))
    form = {"hop": hidden(page), "code": await mailed_code(provider.parts.settings)}
    await browser.follow(await browser.post("/factor", form))
    assert browser.query()["code"]
