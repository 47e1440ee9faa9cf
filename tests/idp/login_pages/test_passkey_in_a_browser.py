"""Passkeys in a real Chromium, by a virtual authenticator: made on the account page, offered in the name field."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
from playwright.async_api import Page, async_playwright

from config.clock import SystemClock
from config.connections import Database
from config.settings import Settings
from idp.app import serve
from idp.clients.client import Client
from idp.credentials.password import PasswordPool
from idp.storage import clients, passwords
from tests.chromium import program
from tests.idp.conftest import OpenDatabase
from tests.idp.login_pages.test_sign_in import PASSWORD
from tests.idp.people import add_person
from tests.idp.provider import App

CALLBACK = "http://app.localhost/callback"
AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture
async def issuer(settings: Settings, database: OpenDatabase) -> AsyncIterator[str]:
    """The identity provider as `munjigi idp` serves it, with one person and one app."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    idp = settings.idp.model_copy(update={"listen": f"127.0.0.1:{port}", "issuer": f"http://localhost:{port}"})
    await _add_mina_and_the_app(database("idp"))
    ready, stop = asyncio.Event(), asyncio.Event()
    serving = asyncio.create_task(serve(settings.model_copy(update={"idp": idp}), ready.set, stop))
    await asyncio.wait_for(ready.wait(), 10)
    yield idp.issuer
    stop.set()
    await serving


async def _add_mina_and_the_app(idp: Database) -> None:
    pool, now = PasswordPool(1), SystemClock().now()
    async with idp.begin() as tx:
        user = (await add_person(tx)).id
        await passwords.put_password(tx, user, await pool.hash(PASSWORD), now)
        app = Client(
            client_id="app",
            name={"ko": "앱", "en": "the app"},
            auth_method="none",
            secret_hash=None,
            redirect_uris=(CALLBACK,),
            post_logout_redirect_uris=(),
            grant_types=("authorization_code",),
            scopes=("openid", "profile"),
        )
        await clients.put(tx, app, now)
    pool.close()


async def _the_app(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Takes whoever comes back; what a route of Playwright's does not, after a redirect."""
    with suppress(asyncio.IncompleteReadError):  # a connection that the browser opened in advance
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\nConnection: close\r\n\r\nthe app")
        await writer.drain()
    writer.close()


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    """A page of Chromium; what it says to its console as an error, other than answers of 422, fails the test."""
    complaints: list[str] = []
    async with await asyncio.start_server(_the_app, "127.0.0.1", 0) as app, async_playwright() as playwright:
        mapped = f"--host-resolver-rules=MAP app.localhost:80 127.0.0.1:{app.sockets[0].getsockname()[1]}"
        arguments = ["--no-sandbox", mapped]
        chromium = await playwright.chromium.launch(executable_path=program(), args=arguments)
        context = await chromium.new_context(locale="en-US")
        opened = await context.new_page()
        opened.on("pageerror", lambda error: complaints.append(str(error)))
        opened.on(
            "console",
            lambda said: complaints.append(said.text) if said.type == "error" and "422" not in said.text else None,
        )
        yield opened
        await chromium.close()
    assert not complaints


@pytest.mark.browser
async def test_a_passkey_is_made_and_signs_in_from_the_name_field(page: Page, issuer: str) -> None:
    request = issuer + App().request(redirect_uri=CALLBACK)
    await page.goto(request)
    await page.fill("#identifier", "mina")
    await page.fill("#password", PASSWORD)
    await page.press("#password", "Enter")
    await page.wait_for_url(f"{CALLBACK}?code=**")

    devtools = await page.context.new_cdp_session(page)
    await devtools.send("WebAuthn.enable")
    made = await devtools.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    await page.goto(f"{issuer}/account/factors")
    await page.click("form[data-passkey=create] button")
    await page.wait_for_selector("main code")
    assert await page.locator("main code").count() == 10, "the first second factor brings recovery codes"
    await page.click("a[href='/account/factors'].primary")
    held = await devtools.send("WebAuthn.getCredentials", {"authenticatorId": made["authenticatorId"]})
    assert [one["isResidentCredential"] for one in held["credentials"]] == [True]

    await page.goto("about:blank")  # or the page's stream may begin just then, for nobody
    await page.context.clear_cookies(name="__Host-munjigi-session")
    await page.goto(request)
    await page.wait_for_url("**/takeover?hop=**")  # the browser's autofill answered by itself: it has one passkey
    await page.click("button[value=take_over]")
    await page.wait_for_url(f"{CALLBACK}?code=**")
    await page.goto(f"{issuer}/account/factors")
    assert await page.locator("form[data-passkey=create]").is_visible()  # signed in by both factors
