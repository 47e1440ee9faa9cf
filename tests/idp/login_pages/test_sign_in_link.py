"""Signing in by a link that is mailed: what gets in, and what a scanner, a stranger or another browser gets."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from idp.authorization.login_rules import LoginRules
from idp.endpoints.sign_in.by_mail import DIGITS_OF_LOGIN
from idp.factors.sign_in_link import TRIES, SignInLink
from idp.storage import directory, login_rules, logins, sessions, sign_in_links
from tests.clock import FakeClock
from tests.idp.browser import Browser
from tests.idp.letters import Letter, letters
from tests.idp.login_pages.test_sign_in import app, hidden, kinds, open_sign_in, person, sign_in, submit_mailed_code
from tests.idp.people import HOUSE
from tests.idp.provider import CALLBACK, App, Provider

__all__ = ["app"]


async def ask(browser: Browser, app: App, name: str = "mina", **changed: str | None) -> httpx2.Response:
    """Type a name, and have a link mailed; the page that waits."""
    page = await open_sign_in(browser, app, **changed)
    form = {"hop": hidden(page), "login": name, "password": "", "act": "ask"}
    return await browser.follow(await browser.post("/sign-in/mail", form))


async def links(provider: Provider) -> list[Letter]:
    return [letter for letter in await letters(provider.parts.settings) if letter.kind == "sign_in_link"]


async def link(provider: Provider) -> str:
    """The path and query of the link that was mailed last."""
    parts = urlsplit((await links(provider))[-1].facts["link"])
    return f"{parts.path}?{parts.query}"


async def confirm(browser: Browser, page: httpx2.Response) -> httpx2.Response:
    form = {"hop": hidden(page), "token": hidden(page, "token")}
    return await browser.follow(await browser.post("/sign-in/mail/open", form))


def digits(page: httpx2.Response) -> str:
    found = re.search(r"<code>(\d{3} \d{3})</code>", page.text)
    assert found, page.text
    return found[1]


async def test_the_browser_that_asked_gets_in_by_one_button(provider: Provider, app: App, database: object) -> None:
    user = await person(provider)
    browser = provider.browser()
    waiting = await ask(browser, app)
    assert "Look at your e-mail" in waiting.text
    assert "15 minutes" in waiting.text
    [letter] = await links(provider)
    assert letter.to == "mina@mail.example"
    assert letter.facts["place"] == "this machine"
    address = await link(provider)
    scanner = provider.browser("203.0.113.9")
    for method in ("HEAD", "GET", "HEAD"):  # of a mail scanner: they use nothing up
        assert (await scanner.send(method, address, headers={"Accept": "*/*"})).status_code == 200
    page = await browser.get(address)
    assert "Sign in?" in page.text
    assert page.text.count("<button") == 1
    assert "no-store" in page.headers["cache-control"]
    # browsers hold what a form leads to against this, redirects included
    assert "form-action 'self' https://app.example" in page.headers["content-security-policy"]
    await confirm(browser, page)
    assert browser.address.startswith(CALLBACK)
    async with provider.parts.database.connect() as tx:
        live = await sessions.live_of(tx, user, provider.parts.clock.now())
    assert live is not None
    assert (live.amr, live.acr) == (("email",), "urn:munjigi:acr:1")
    assert await kinds(provider, database) == [
        "sign_in_link_asked",
        "sign_in_succeeded",
        "session_began",
        "code_issued",
    ]


async def test_it_works_once(provider: Provider, app: App) -> None:
    await person(provider)
    browser = provider.browser()
    await ask(browser, app)
    address = await link(provider)
    page = await browser.get(address)
    await confirm(browser, page)
    again = await browser.post("/sign-in/mail/open", {"hop": hidden(page), "token": hidden(page, "token")})
    assert again.status_code == 410
    assert "This link no longer works" in again.text
    assert (await browser.get(address)).status_code == 410


async def test_it_works_once_while_its_login_goes_on(provider: Provider, app: App) -> None:
    await person(provider, with_totp=True)
    browser = provider.browser()
    await ask(browser, app)
    address = await link(provider)
    page = await browser.get(address)
    assert "authenticator app" in (await confirm(browser, page)).text
    form = {"hop": hidden(page), "token": hidden(page, "token")}
    assert (await browser.post("/sign-in/mail/open", form)).status_code == 410
    assert (await browser.get(address)).status_code == 410


async def test_of_many_who_use_a_link_at_once_one_does(provider: Provider, app: App, clock: FakeClock) -> None:
    await person(provider)
    browser = provider.browser()
    await ask(browser, app)
    login_id = provider.accepts(browser, "sign_in")  # type: ignore[arg-type] - a step by its name

    async def use(found: SignInLink) -> bool:
        async with provider.parts.database.begin() as tx:
            return await sign_in_links.consume_link(tx, found)

    async with provider.parts.database.connect() as tx:
        found = await sign_in_links.link_of_login(tx, login_id, clock.now())
    assert found is not None
    assert sorted(await asyncio.gather(*(use(found) for _ in range(8)))) == [False] * 7 + [True]


async def test_another_browser_shows_digits_and_never_gets_in(provider: Provider, app: App) -> None:
    await person(provider)
    first, other = provider.browser(), provider.browser("10.0.0.2")
    waiting = await ask(first, app)
    page = await other.get(await link(provider))
    assert "Type these digits in the browser that asked" in page.text
    assert "<form" not in page.text.partition("<main")[2].partition("</main")[0]
    assert digits(page) == digits(await other.get(await link(provider)))
    token = parse_qs(urlsplit(await link(provider)).query)["token"][0]
    forced = await other.post("/sign-in/mail/open", {"hop": hidden(waiting), "token": token})
    assert forced.status_code == 410  # the hop is another browser's
    assert other.cookies == {}
    wrong = f"{(int(digits(page).replace(' ', '')) + 1) % 1_000_000:06}"
    refused = await first.post("/sign-in/mail", {"hop": hidden(waiting), "digits": wrong})
    assert refused.status_code == 422
    assert "These digits do not fit" in refused.text
    await first.follow(await first.post("/sign-in/mail", {"hop": hidden(waiting), "digits": digits(page)}))
    assert first.address.startswith(CALLBACK)
    assert (await other.get(await link(provider)) if await links(provider) else page).status_code == 410


async def test_guesses_at_the_digits_are_counted(provider: Provider, app: App) -> None:
    await person(provider)
    browser, other = provider.browser(), provider.browser("10.0.0.2")
    waiting = await ask(browser, app)
    right = digits(await other.get(await link(provider)))
    wrong = f"{(int(right.replace(' ', '')) + 1) % 1_000_000:06}"
    for _ in range(TRIES):
        page = await browser.post("/sign-in/mail", {"hop": hidden(waiting), "digits": wrong})
    page = await browser.post("/sign-in/mail", {"hop": hidden(waiting), "digits": right})
    assert page.status_code == 422
    assert "can no longer be used" in page.text
    for _ in range(DIGITS_OF_LOGIN.attempts - TRIES - 1):
        page = await browser.post("/sign-in/mail", {"hop": hidden(waiting), "digits": wrong})
    page = await browser.post("/sign-in/mail", {"hop": hidden(waiting), "digits": right})
    assert page.status_code == 429
    assert "retry-after" in page.headers


@pytest.mark.parametrize("name", ["nobody", "x" * 300, "ｎｏｂｏｄｙ"])
async def test_whoever_nobody_is_gets_the_same_page(provider: Provider, app: App, name: str) -> None:
    await person(provider)
    known, unknown = provider.browser(), provider.browser()
    shown = [await ask(known, app, "mina"), await ask(unknown, app, name)]
    assert len(await links(provider)) == 1
    assert _without_chance(shown[0].text) == _without_chance(shown[1].text)
    for browser, page in zip((known, unknown), shown, strict=True):
        wrong = await browser.post("/sign-in/mail", {"hop": hidden(page), "digits": "000000"})
        assert wrong.status_code == 422
        again = await browser.post("/sign-in/mail", {"hop": hidden(page), "act": "again"})
        assert again.status_code == 429
        assert "We have just sent one." in again.text


async def test_a_newer_link_takes_the_place_of_the_last(provider: Provider, app: App, clock: FakeClock) -> None:
    await person(provider)
    browser = provider.browser()
    waiting = await ask(browser, app)
    first = await link(provider)
    clock.advance(31)
    async for key in provider.parts.valkey.scan_iter(match="munjigi:{throttle:link-again*"):  # by its own clock, too
        await provider.parts.valkey.delete(key)
    await browser.follow(await browser.post("/sign-in/mail", {"hop": hidden(waiting), "act": "again"}))
    assert len(await links(provider)) == 2
    assert (await browser.get(first)).status_code == 410
    await confirm(browser, await browser.get(await link(provider)))
    assert browser.address.startswith(CALLBACK)


async def test_it_expires_and_the_login_waits_as_long(provider: Provider, app: App, clock: FakeClock) -> None:
    await person(provider)
    browser = provider.browser()
    await ask(browser, app)
    clock.advance(14 * 60)  # a login lives for ten minutes otherwise
    page = await browser.get(await link(provider))
    assert "Sign in?" in page.text
    clock.advance(60)
    gone = await browser.post("/sign-in/mail/open", {"hop": hidden(page), "token": hidden(page, "token")})
    assert gone.status_code == 410


async def test_the_page_that_waits_goes_on_once_another_tab_confirmed(provider: Provider, app: App) -> None:
    await person(provider, with_totp=True)
    browser = provider.browser()
    waiting = await ask(browser, app)
    here = browser.address
    json = {"Accept": "application/json"}
    assert (await browser.send("GET", here, headers=json)).json() == {"moved": False}
    still = await browser.follow(await browser.post("/sign-in/mail", {"hop": hidden(waiting), "act": "go"}))
    assert "Look at your e-mail" in still.text
    factor = await confirm(browser, await browser.get(await link(provider)))
    assert "authenticator app" in factor.text  # a link is one factor, whatever the person has beside it
    assert (await browser.send("GET", here, headers=json)).json() == {"moved": True}
    moved = await browser.get(here)
    assert "You went on in another tab" in moved.text
    on = await browser.follow(await browser.post("/sign-in/mail", {"hop": hidden(moved), "act": "go"}))
    assert "authenticator app" in on.text


async def test_a_code_by_mail_after_a_link_by_mail_is_not_a_second_factor(provider: Provider, app: App) -> None:
    user = await person(provider)
    browser = provider.browser()
    await ask(browser, app, acr_values="urn:munjigi:acr:2")
    await confirm(browser, await browser.get(await link(provider)))
    assert browser.query()["error"] == "unmet_authentication_requirements"
    await sign_in(provider, app)
    elsewhere = provider.browser("10.0.0.2")
    await ask(elsewhere, app)
    page = await confirm(elsewhere, await elsewhere.get(await link(provider)))
    shown = await submit_mailed_code(provider, elsewhere, page)  # it confirms, and raises nothing
    form = {"hop": hidden(shown), "session": hidden(shown, "session"), "choice": "take_over"}
    await elsewhere.follow(await elsewhere.post("/takeover", form))
    async with provider.parts.database.connect() as tx:
        live = await sessions.live_of(tx, user, provider.parts.clock.now())
    assert live is not None
    assert (live.amr, live.acr) == (("email",), "urn:munjigi:acr:1")


async def test_on_a_new_device_a_link_is_enough_for_who_has_nothing_better(provider: Provider, app: App) -> None:
    user = await person(provider)
    await sign_in(provider, app)
    async with provider.parts.database.begin() as tx:
        live = await sessions.live_of(tx, user, provider.parts.clock.now())
        assert live is not None
        await provider.parts.one_session.end(tx, live.sid, "sign_out", correlation_id="test")
    second = provider.browser("10.0.0.2")
    await ask(second, app)
    await confirm(second, await second.get(await link(provider)))
    assert second.address.startswith(CALLBACK)


async def test_an_organisation_that_wants_none_sends_none(provider: Provider, app: App) -> None:
    await person(provider)
    async with provider.parts.database.begin() as tx:
        await login_rules.put_login_rules(tx, HOUSE, LoginRules(sign_in_links=False))
    browser = provider.browser()
    page = await ask(browser, app)  # the app is nobody's in particular, so its page offers one
    assert "Look at your e-mail" in page.text
    assert await links(provider) == []


async def test_a_locked_account_and_an_address_that_changed_get_nothing(provider: Provider, app: App) -> None:
    parts = provider.parts
    user = await person(provider)
    browser = provider.browser()
    await ask(browser, app)
    page = await browser.get(await link(provider))
    async with parts.database.begin() as tx:
        await directory.lock(tx, user, "administrator", parts.clock.now())
    assert (await confirm(browser, page)).status_code == 410
    other = provider.browser()
    await ask(other, app)
    assert len(await links(provider)) == 1


async def test_without_a_name_the_sign_in_page_asks_for_one(provider: Provider, app: App) -> None:
    await person(provider)
    page = await ask(provider.browser(), app, "")
    assert page.status_code == 422
    assert "Type your name or e-mail." in page.text


async def test_a_form_of_another_site_signs_nobody_in(provider: Provider, app: App) -> None:
    await person(provider)
    browser = provider.browser()
    await ask(browser, app)
    page = await browser.get(await link(provider))
    form = {"hop": hidden(page), "token": hidden(page, "token")}
    refused = await browser.post("/sign-in/mail/open", form, **{"Sec-Fetch-Site": "cross-site"})
    assert refused.status_code == 403


async def test_a_login_that_waits_is_not_kept_for_ever(provider: Provider, app: App, clock: FakeClock) -> None:
    await person(provider)
    browser = provider.browser()
    await ask(browser, app)
    login_id = provider.accepts(browser, "sign_in")  # type: ignore[arg-type] - a step by its name
    async with provider.parts.database.connect() as tx:
        login = await logins.find(tx, login_id, clock.now())
    assert login is not None
    late = replace(login, expires_at=login.created_at).waits_until(login.created_at.replace(year=2030))
    assert (late.expires_at - login.created_at).total_seconds() == 7200


def _without_chance(page: str) -> str:
    return re.sub(r"[A-Za-z0-9_.-]{16,}", "", page)
