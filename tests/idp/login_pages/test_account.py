"""The account: what a person changes by themselves, and when they may not; passkeys from making to signing in."""

from __future__ import annotations

import asyncio
import html
import json
import re
from typing import Any

import httpx2
import pyotp
import pytest

from idp.storage import sessions
from tests.clock import FakeClock
from tests.idp.authenticator import SoftAuthenticator
from tests.idp.browser import Browser
from tests.idp.login_pages.test_sign_in import app, hidden, kinds, open_sign_in, person, sign_in, submit
from tests.idp.provider import CALLBACK, App, Provider
from tests.idp.waiting import OpenDatabase, waiting

__all__ = ["app"]


def options(page: httpx2.Response) -> dict[str, Any]:
    """What the page's script is to ask the browser's authenticator."""
    found = re.search(r"data-options='([^']*)'", page.text)
    assert found, page.text
    return dict(json.loads(html.unescape(found[1])))


async def make_passkey(browser: Browser, authenticator: SoftAuthenticator) -> httpx2.Response:
    page = await browser.get("/account")
    form = {"hop": hidden(page), "answer": authenticator.create(options(page)), "label": "My \0key"}
    return await browser.follow(await browser.post("/account/passkey", form))


async def test_nobody_is_signed_in(provider: Provider, app: App) -> None:
    browser = provider.browser()
    page = await browser.get("/account")
    assert page.status_code == 401
    assert "Sign in first" in page.text
    assert (await browser.post("/account/authenticator", {"hop": "x"})).status_code == 401
    assert (await browser.get("/session/status")).status_code == 401


async def test_an_authenticator_app_is_connected_and_asked_for(
    provider: Provider, app: App, clock: FakeClock, database: object
) -> None:
    await person(provider)
    browser = await sign_in(provider, app)
    page = await browser.get("/account")
    assert "You have no authenticator app yet." in page.text
    shown = await browser.post("/account/authenticator", {"hop": hidden(page)})
    assert "data:image/svg+xml" in shown.text
    found = re.search(r"<code>([A-Z2-7 ]{39})</code>", shown.text)
    assert found
    code = pyotp.TOTP(found[1].replace(" ", "")).at(int(clock.timestamp()))
    wrong = await browser.post("/account/authenticator/confirm", {"hop": hidden(shown), "code": "000000"})
    assert wrong.status_code == 422
    done = await browser.follow(
        await browser.post("/account/authenticator/confirm", {"hop": hidden(wrong), "code": code})
    )
    assert "Your app is connected." in done.text
    assert (await kinds(provider, database))[-2:] == ["factor_failed", "factor_enrolled"]
    # the session was begun by a password alone: from now on that is not enough to change anything
    assert "needs a second factor" in done.text
    refused = await browser.post("/account/authenticator", {"hop": hidden(page)})
    assert refused.status_code == 403
    other = provider.browser()
    assert "One more check" in (await submit(other, await open_sign_in(other, app))).text


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
    assert session.acr == "urn:munjigi:acr:2"
    assert session.amr == ("hwk", "user", "mfa")

    account = await second.get("/account")
    assert "My key" in account.text
    passkey = hidden(account, "id")
    removed = await second.follow(await second.post("/account/passkey/remove", {"hop": hidden(account), "id": passkey}))
    assert "The passkey was removed." in removed.text
    again = await second.post("/account/passkey/remove", {"hop": hidden(account), "id": passkey})
    assert "This was removed already." in again.text
    assert (await kinds(provider, database))[-1] == "factor_removed"


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


async def test_an_old_sign_in_changes_nothing(provider: Provider, app: App, clock: FakeClock) -> None:
    await person(provider)
    browser = await sign_in(provider, app)
    page = await browser.get("/account")
    clock.advance(15 * 60 + 1)
    assert "within 15 minutes" in (await browser.get("/account")).text
    assert (await browser.post("/account/authenticator", {"hop": hidden(page)})).status_code == 403


async def test_a_form_of_another_session_is_refused(provider: Provider, app: App) -> None:
    for name in ("mina", "jun"):
        await person(provider, name)
    mina, jun = await sign_in(provider, app), await sign_in(provider, app, "jun")
    page = await mina.get("/account")
    assert (await jun.post("/account/authenticator", {"hop": hidden(page)})).status_code == 403
    foreign = {"Sec-Fetch-Site": "same-site"}
    assert (await mina.post("/account/authenticator", {"hop": hidden(page)}, **foreign)).status_code == 403


@pytest.mark.parametrize("path", ["authenticator", "authenticator/confirm", "passkey", "passkey/remove"])
async def test_a_session_that_ends_changes_nothing_any_more(
    provider: Provider, app: App, clock: FakeClock, database: OpenDatabase, path: str
) -> None:
    """S3: the form waits for the end that is under way, and is then nobody's."""
    user = await person(provider)
    browser = await sign_in(provider, app)
    authenticator = SoftAuthenticator()
    page = await browser.get("/account")
    form = {"hop": hidden(page), "answer": authenticator.create(options(page)), "id": "00", "code": "000000"}
    async with provider.parts.database.begin() as tx:
        live = await sessions.live_of(tx, user, clock.now())
        assert live is not None
        await provider.parts.one_session.end(tx, live.sid, "takeover", correlation_id="test")
        changing = asyncio.create_task(browser.post(f"/account/{path}", form))
        await waiting(database("owner"), 1, or_done=changing)
    assert (await changing).status_code == 401
    assert "factor_enrolled" not in await kinds(provider, database)


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
