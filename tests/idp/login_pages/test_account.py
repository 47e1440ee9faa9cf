"""Passkeys from making to signing in, and what a browser is told of its session."""

from __future__ import annotations

import html
import json
import re
from typing import Any

import httpx2

from idp.storage import sessions
from pages.locale import COOKIE as LOCALE
from tests.clock import FakeClock
from tests.idp.authenticator import SoftAuthenticator
from tests.idp.browser import Browser
from tests.idp.login_pages.test_sign_in import app, hidden, kinds, open_sign_in, person, sign_in, submit
from tests.idp.provider import CALLBACK, App, Provider

__all__ = ["app"]


def options(page: httpx2.Response) -> dict[str, Any]:
    """What the page's script is to ask the browser's authenticator."""
    found = re.search(r"data-options='([^']*)'", page.text)
    assert found, page.text
    return dict(json.loads(html.unescape(found[1])))


async def make_passkey(browser: Browser, authenticator: SoftAuthenticator) -> httpx2.Response:
    browser.cookies[LOCALE] = "en"
    page = await browser.get("/account/factors")
    form = {"hop": hidden(page), "answer": authenticator.create(options(page)), "label": "My \0key"}
    return await browser.follow(await browser.post("/account/passkey", form))


async def test_a_passkey_is_made_signs_in_and_is_removed(
    provider: Provider, app: App, clock: FakeClock, database: object
) -> None:
    user = await person(provider)
    browser = await sign_in(provider, app)
    authenticator = SoftAuthenticator()
    assert "Your passkey is ready." in (await make_passkey(browser, authenticator)).text

    second = provider.browser("10.0.0.2")
    page = await open_sign_in(second, app)
    form = {"hop": hidden(page), "answer": authenticator.get(options(page))}
    takeover = await second.follow(await second.post("/sign-in/passkey", form))
    # a passkey is both factors: it leads to the choice, without another question
    assert "You are signed in somewhere else" in takeover.text
    form = {"hop": hidden(takeover), "session": hidden(takeover, "session"), "choice": "take_over"}
    await second.follow(await second.post("/takeover", form))
    assert second.address.startswith(CALLBACK)
    async with provider.parts.database.connect() as tx:
        session = await sessions.live_of(tx, user, clock.now())
    assert session is not None
    assert session.acr == "urn:munjigi:acr:3"
    assert session.amr == ("hwk", "user", "mfa")


async def test_a_passkey_is_the_second_factor_before_a_takeover_from_elsewhere(provider: Provider, app: App) -> None:
    await person(provider)
    authenticator = SoftAuthenticator()
    await make_passkey(await sign_in(provider, app), authenticator)
    second = provider.browser("10.0.0.2")
    page = await submit(second, await open_sign_in(second, app))
    assert "One more check" in page.text
    assert "authenticator app" not in page.text
    refused = await second.post("/factor/passkey", {"hop": hidden(page), "answer": "{}"})
    assert refused.status_code == 422
    form = {"hop": hidden(refused), "answer": authenticator.get(options(refused))}
    page = await second.follow(await second.post("/factor/passkey", form))
    assert "You are signed in somewhere else" in page.text


async def test_a_passkey_of_nobody_signs_nobody_in(provider: Provider, app: App, database: object) -> None:
    browser = provider.browser()
    page = await open_sign_in(browser, app)
    form = {"hop": hidden(page), "answer": SoftAuthenticator().get(options(page))}
    refused = await browser.follow(await browser.post("/sign-in/passkey", form))
    assert refused.status_code == 422
    assert "We could not sign you in with this passkey." in refused.text
    assert await kinds(provider, database) == ["sign_in_failed"]


async def test_the_status_is_told_and_is_no_activity(provider: Provider, app: App, clock: FakeClock) -> None:
    await person(provider)
    browser = await sign_in(provider, app)
    first = (await browser.get("/session/status")).json()
    clock.advance(600)
    second = (await browser.get("/session/status")).json()
    assert first["state"] == second["state"] == "live"
    assert second["now"] - first["now"] == 600
    assert second["idle_expires_at"] == first["idle_expires_at"]
    clock.advance(1200)
    assert (await browser.get("/session/status")).status_code == 401
