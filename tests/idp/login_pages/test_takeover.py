"""The takeover page: two sessions side by side, and the choice that is about the one that was shown."""

from __future__ import annotations

import httpx2

from idp.storage import sessions
from tests.clock import FakeClock
from tests.idp.browser import Browser
from tests.idp.login_pages.test_sign_in import (
    app,
    hidden,
    kinds,
    open_sign_in,
    person,
    sign_in,
    submit,
    submit_code,
    submit_mailed_code,
)
from tests.idp.provider import CALLBACK, App, Provider

__all__ = ["app"]


async def at_takeover(provider: Provider, browser: Browser, app: App, name: str = "mina") -> httpx2.Response:
    """The takeover page, as somebody reaches it who comes from elsewhere and has no better factor than mail."""
    page = await submit_mailed_code(provider, browser, await submit(browser, await open_sign_in(browser, app), name))
    assert "You are signed in somewhere else" in page.text
    return page


async def test_keep_leaves_everything_as_it_was(
    provider: Provider, app: App, clock: FakeClock, database: object
) -> None:
    user = await person(provider)
    await sign_in(provider, app)
    async with provider.parts.database.connect() as tx:
        before = await sessions.live_of(tx, user, clock.now())
    clock.advance(180)
    second = provider.browser("10.0.0.2")
    page = await at_takeover(provider, second, app)
    assert "3 minutes ago" in page.text
    assert "this machine" in page.text
    assert "local network" in page.text
    assert page.text.index('value="keep"') < page.text.index('value="take_over"')
    form = {"hop": hidden(page), "session": hidden(page, "session"), "choice": "keep"}
    await second.follow(await second.post("/takeover", form))
    assert second.query()["error"] == "access_denied"
    async with provider.parts.database.connect() as tx:
        assert await sessions.live_of(tx, user, clock.now()) == before
    assert (await kinds(provider, database))[-1] == "sign_in_kept_other"


async def test_take_over_ends_the_other_and_tells_it_who_did(provider: Provider, app: App, clock: FakeClock) -> None:
    user = await person(provider)
    await sign_in(provider, app)
    async with provider.parts.database.connect() as tx:
        first = await sessions.live_of(tx, user, clock.now())
    assert first is not None
    second = provider.browser("10.0.0.2")
    page = await at_takeover(provider, second, app)
    form = {"hop": hidden(page), "session": hidden(page, "session"), "choice": "take_over"}
    await second.follow(await second.post("/takeover", form))
    assert second.address.startswith(CALLBACK)
    assert second.query()["code"]
    async with provider.parts.database.connect() as tx:
        ended = await sessions.find(tx, first.sid)
        live = await sessions.live_of(tx, user, clock.now())
    assert ended is not None
    assert live is not None
    assert ended.end_reason == "takeover"
    assert ended.ended_by is not None
    assert ended.ended_by["ip"] == live.visitor.ip == "10.0.0.2"


async def test_a_choice_about_a_session_that_is_gone_asks_again(provider: Provider, app: App) -> None:
    await person(provider)
    await sign_in(provider, app)
    second, third = provider.browser("10.0.0.2"), provider.browser("10.0.0.3")
    pages = [await at_takeover(provider, browser, app) for browser in (second, third)]
    forms = [{"hop": hidden(page), "session": hidden(page, "session"), "choice": "take_over"} for page in pages]
    await second.follow(await second.post("/takeover", forms[0]))
    assert second.address.startswith(CALLBACK)
    again = await third.follow(await third.post("/takeover", forms[1]))
    assert "Somebody else was faster" in again.text  # and nothing of the new session before it was confirmed again
    assert "10.0.0.2" not in again.text
    again = await submit_mailed_code(provider, third, again)
    assert "Somebody else was faster" in again.text
    assert "You are signed in somewhere else" in again.text
    assert "10.0.0.2" in again.text
    assert hidden(again, "session") != forms[1]["session"]


async def test_nobody_learns_of_a_live_session_by_a_password_alone(
    provider: Provider, app: App, clock: FakeClock
) -> None:
    """A hop to the takeover page that one login got for one person shows nothing of another, half authenticated one."""
    await person(provider, "victim", with_totp=True)
    victim = provider.browser()
    await submit_code(victim, await submit(victim, await open_sign_in(victim, app), "victim"), clock)
    assert victim.address.startswith(CALLBACK)
    await person(provider, "thief")
    await sign_in(provider, app, "thief")
    thief = provider.browser("10.6.6.6")
    first_page = await open_sign_in(thief, app)
    takeover = await submit_mailed_code(provider, thief, await submit(thief, first_page, "thief"))
    assert "You are signed in somewhere else" in takeover.text
    address = thief.address
    factor = await submit(thief, first_page, "victim")
    assert "One more check" in factor.text
    shown = await thief.follow(await thief.get(address))
    assert "One more check" in shown.text
    assert "somewhere else" not in shown.text
    form = {"hop": hidden(takeover), "session": hidden(takeover, "session"), "choice": "take_over"}
    assert "One more check" in (await thief.follow(await thief.post("/takeover", form))).text


async def test_the_browser_s_own_session_is_joined_without_asking(provider: Provider, app: App) -> None:
    await person(provider)
    browser = await sign_in(provider, app)
    await browser.follow(await browser.get(app.request()))
    assert browser.address.startswith(CALLBACK)
    assert browser.query()["code"]
