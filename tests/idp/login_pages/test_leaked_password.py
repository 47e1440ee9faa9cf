"""A right password that has leaked: whoever has more to show shows it, another one is chosen, and the login goes on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pyotp
import pytest

from config.connections import Valkey
from config.settings import Settings
from idp.storage import passwords, sessions
from tests.clock import FakeClock
from tests.idp.browser import Browser
from tests.idp.conftest import OpenDatabase
from tests.idp.credentials.leaks import write_file
from tests.idp.login_pages.test_factor import told
from tests.idp.login_pages.test_recover import Mailbox, ask, give, mailbox
from tests.idp.login_pages.test_sign_in import (
    PASSWORD,
    SECRET,
    app,
    hidden,
    kinds,
    open_sign_in,
    person,
    submit,
    submit_code,
    submit_mailed_code,
)
from tests.idp.provider import CALLBACK, App, Provider, running_provider

__all__ = ["app", "mailbox"]

NEW = "three boats left before the rain"
LEAKED_TOO = "an old sentence of somebody else"
PAGE = "Choose another password"


@pytest.fixture
def grace() -> int:
    """Days."""
    return 0


@pytest.fixture
async def provider(
    settings: Settings, database: OpenDatabase, valkey: Valkey, clock: FakeClock, tmp_path: Path, grace: int
) -> AsyncIterator[Provider]:
    settings.idp.breached_passwords = write_file(tmp_path / "pwned.txt", [PASSWORD, LEAKED_TOO])
    settings.idp.breached_password_grace = grace
    async with running_provider(settings, database("idp"), valkey, clock) as running:
        yield running


async def choose(browser: Browser, page: object, new: str = "", **more: str) -> object:
    return await browser.post("/sign-in/new-password", {"hop": hidden(page), "new": new, **more})  # type: ignore[arg-type]


async def test_who_has_mail_shows_it_and_then_chooses_another_one(
    provider: Provider, app: App, clock: FakeClock, database: OpenDatabase
) -> None:
    user = await person(provider)
    browser = provider.browser()
    page = await submit(browser, await open_sign_in(browser, app))
    assert "One more check" in page.text, "others know this password, too"
    page = await submit_mailed_code(provider, browser, page)
    assert PAGE in page.text
    assert "later" not in page.text
    assert [letter.kind for letter in await told(provider, "password_breached")] == ["password_breached"]
    for refused, words in ((LEAKED_TOO, "leaked from another service"), (PASSWORD, "leaked"), ("short", "longer")):
        answer = await choose(browser, page, refused)
        assert answer.status_code == 422
        assert words in answer.text
        assert "MJ-SIGNIN-008" in answer.text
    put_off = await browser.follow(await choose(browser, page, act="later"))
    assert PAGE in put_off.text, "there is no grace"
    async with provider.parts.database.connect() as tx:
        assert await sessions.live_of(tx, user, clock.now()) is None, "nothing begins before"
    await browser.follow(await choose(browser, put_off, NEW))
    assert browser.address.startswith(CALLBACK)
    assert browser.query()["code"]
    assert len(await told(provider, "password_changed")) == 1
    assert {"password_breached", "password_changed"} <= set(await kinds(provider, database))

    again = provider.browser()
    assert (await submit(again, await open_sign_in(again, app))).status_code == 422, "the old one is none any more"
    page = await submit(again, await open_sign_in(again, app), password=NEW)
    assert PAGE not in page.text


async def test_what_stood_on_the_old_one_ends_and_other_logins_too(
    provider: Provider, app: App, clock: FakeClock
) -> None:
    user = await person(provider, with_totp=True)
    other = provider.browser("10.0.0.1")
    waiting = await submit(other, await open_sign_in(other, app))
    browser = provider.browser()
    page = await submit(browser, await open_sign_in(browser, app))
    page = await submit_code(browser, page, clock)
    assert PAGE in page.text
    await browser.follow(await choose(browser, page, "eight is enough"))
    assert browser.address.startswith(CALLBACK), "eight characters are enough beside a second factor"
    clock.advance(30)
    late = await other.post("/factor", {"hop": hidden(waiting), "code": pyotp.TOTP(SECRET).at(int(clock.timestamp()))})
    assert late.status_code == 400, "it proved the old password"
    async with provider.parts.database.connect() as tx:
        assert await sessions.live_of(tx, user, clock.now()) is not None


async def test_the_session_before_it_ends_with_its_refresh_tokens(
    provider: Provider, app: App, clock: FakeClock
) -> None:
    user = await person(provider)
    browser = provider.browser()
    async with provider.parts.database.begin() as tx:
        await passwords.put_password(tx, user, await provider.parts.passwords.hash(NEW), clock.now())
    await submit(browser, await open_sign_in(browser, app), password=NEW)
    refresh = (await provider.redeem(app, browser.query()["code"])).json()["refresh_token"]
    async with provider.parts.database.begin() as tx:  # since then it leaked
        await passwords.put_password(tx, user, await provider.parts.passwords.hash(PASSWORD), clock.now())
    clock.advance(60)
    page = await submit(browser, await open_sign_in(browser, app, prompt="login"))
    page = await submit_mailed_code(provider, browser, page)
    assert PAGE in page.text
    assert (await provider.refresh(app, refresh)).status_code == 200, "nothing ends before"
    await browser.follow(await choose(browser, page, "four gulls and a quiet pier"))
    assert browser.address.startswith(CALLBACK)
    again = await provider.refresh(app, refresh)
    assert again.json()["error"] == "invalid_grant"


async def test_an_old_password_stays_good(provider: Provider, app: App, clock: FakeClock) -> None:
    """There is no expiry: ten years later the same one leads in, and nobody asks for another."""
    user = await person(provider)
    async with provider.parts.database.begin() as tx:
        await passwords.put_password(tx, user, await provider.parts.passwords.hash(NEW), clock.now())
    clock.advance(10 * 365 * 86400)
    browser = provider.browser()
    await submit(browser, await open_sign_in(browser, app), password=NEW)
    assert browser.address.startswith(CALLBACK)


async def test_the_field_helps(provider: Provider, app: App, mailbox: Mailbox) -> None:
    """It is shown on demand, filled by password managers, pasted into; and whoever types Unicode is advised."""
    await person(provider)
    browser = provider.browser()
    page = await open_sign_in(browser, app)
    assert 'autocomplete="current-password"' in page.text
    assert "data-show-password" in page.text
    assert "show-password.js" in page.text
    await ask(browser)
    new = await browser.get(await mailbox.link())
    assert 'autocomplete="new-password"' in new.text
    assert "data-show-password" in new.text
    assert "may be hard to type on other devices" in new.text
    for each in (page, new):
        assert "onpaste" not in each.text
        assert 'autocomplete="off"' not in each.text


async def test_nobody_skips_the_page(provider: Provider, app: App) -> None:
    await person(provider, with_mail=False)
    browser = provider.browser()
    page = await submit(browser, await open_sign_in(browser, app))
    assert PAGE in page.text, "there is nothing else that they could show"
    silent = await browser.follow(await browser.get(app.request(prompt="none")))
    assert silent.status_code in (200, 303, 404)
    assert browser.query().get("error") == "login_required"


@pytest.mark.parametrize("grace", [7])
async def test_while_a_grace_runs_it_can_be_put_off(provider: Provider, app: App, clock: FakeClock) -> None:
    await person(provider, with_mail=False)
    browser = provider.browser()
    for _ in range(2):
        page = await submit(browser, await open_sign_in(browser, app))
        assert PAGE in page.text
        assert "Change it later" in page.text
        assert "29" in page.text.partition("put it off until")[2][:40], "a week after it was found"
        await browser.follow(await choose(browser, page, act="later"))
        assert browser.address.startswith(CALLBACK)
        clock.advance(3.5 * 86400)  # the session is over by then
    page = await submit(browser, await open_sign_in(browser, app))
    assert PAGE in page.text
    assert "Change it later" not in page.text, "the seven days are over"


async def test_recovery_and_the_account_refuse_a_leaked_password(
    provider: Provider, app: App, mailbox: Mailbox
) -> None:
    await person(provider)
    browser = provider.browser()
    await ask(browser)
    refused = await give(browser, await mailbox.link(), LEAKED_TOO)
    assert refused.status_code == 422
    assert "leaked from another service" in refused.text
    assert (await give(browser, await mailbox.link(), NEW)).status_code == 200


async def test_a_list_that_is_away_keeps_nobody_out(
    provider: Provider, app: App, settings: Settings, mailbox: Mailbox
) -> None:
    await person(provider)
    browser = provider.browser()
    await ask(browser)
    assert settings.idp.breached_passwords is not None
    settings.idp.breached_passwords.unlink()
    refused = await give(browser, await mailbox.link(), NEW)
    assert refused.status_code == 503
    assert "MJ-IDP-108" in refused.text
    await submit(browser, await open_sign_in(browser, app))
    assert browser.address.startswith(CALLBACK)
