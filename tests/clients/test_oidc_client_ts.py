"""npm's `oidc-client-ts`, the library of most apps that run in a browser, in a real Chromium (H1).

A public client with PKCE: the page, its origin and its storage are the app's own; all that it asks goes over the wire
to an identity provider of another origin.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import Page, expect
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import Route

from config.serving import serve_application
from tests.chromium import shared_chromium
from tests.clients.app import CALLBACK, LEFT, LIBRARIES, ORIGIN, PASSWORD, PERSON, PORT

pytestmark = pytest.mark.browser

LIBRARY = LIBRARIES / "oidc-client-ts" / "dist" / "browser" / "oidc-client-ts.min.js"
PAGE = """<!doctype html><title>app</title><script src="/library.js"></script>
<script>
  const manager = new oidc.UserManager({settings})
</script>"""


def app(issuer: str) -> Starlette:
    """Files of a web server, all of them: one page at every address, and the library."""
    settings = {
        "authority": issuer,
        "client_id": "spa",
        "redirect_uri": CALLBACK,
        "post_logout_redirect_uri": LEFT,
        "scope": "openid profile",
        "loadUserInfo": True,
        "automaticSilentRenew": False,
    }

    async def page(_request: Request) -> Response:
        return HTMLResponse(PAGE.replace("{settings}", json.dumps(settings)))

    async def library(_request: Request) -> Response:
        return FileResponse(LIBRARY, media_type="text/javascript")

    return Starlette(routes=[Route("/library.js", library), Route("/{path:path}", page)])


@pytest.fixture
async def page(issuer: str) -> AsyncIterator[Page]:
    """A browser at the app."""
    ready, stop = asyncio.Event(), asyncio.Event()
    serving = asyncio.create_task(serve_application(app(issuer), f"127.0.0.1:{PORT}", ready=ready.set, stop=stop))
    await ready.wait()
    async with shared_chromium() as browser:
        page = await browser.new_page()
        await page.goto(ORIGIN)
        yield page
    stop.set()
    await serving


async def sign_in(page: Page) -> dict[str, Any]:
    """What the app keeps of whoever signs in."""
    await page.evaluate("() => { manager.signinRedirect() }")
    await page.locator("#identifier").fill(PERSON)
    await page.locator("#password").fill(PASSWORD)
    await page.locator("form button.primary").first.click()
    await expect(page).to_have_url(re.compile(re.escape(CALLBACK) + r"\?code="))
    user: dict[str, Any] = await page.evaluate("manager.signinRedirectCallback()")
    return user


async def test_a_whole_login_refresh_and_logout(issuer: str, page: Page) -> None:
    user = await sign_in(page)
    assert (user["profile"]["iss"], user["profile"]["aud"], user["profile"]["name"]) == (issuer, "spa", "Mina")
    assert user["refresh_token"]

    renewed = await page.evaluate("manager.signinSilent()")
    assert renewed["profile"]["sub"] == user["profile"]["sub"]
    assert renewed["refresh_token"] not in (None, user["refresh_token"])
    assert renewed["access_token"] != user["access_token"]

    await page.evaluate("() => { manager.signoutRedirect() }")
    await expect(page).to_have_url(LEFT)
    assert await page.evaluate("manager.getUser()") is None
    refused = await page.evaluate(
        """async ([issuer, token]) => {
            const body = new URLSearchParams({grant_type: 'refresh_token', client_id: 'spa', refresh_token: token})
            return (await (await fetch(`${issuer}/token`, {method: 'POST', body})).json()).error
        }""",
        [issuer, renewed["refresh_token"]],
    )
    assert refused == "invalid_grant"


async def test_userinfo_is_readable_and_ends_with_the_session(issuer: str, page: Page) -> None:
    """A request with an Authorization header is asked for beforehand by the browser (CORS preflight)."""
    user = await sign_in(page)
    ask = """async ([issuer, token]) => {
        const answer = await fetch(`${issuer}/userinfo`, {headers: {Authorization: `Bearer ${token}`}})
        return [answer.status, (await answer.json()).name ?? answer.headers.get('WWW-Authenticate')]
    }"""
    assert await page.evaluate(ask, [issuer, user["access_token"]]) == [200, "Mina"]
    await page.evaluate("() => { manager.signoutRedirect() }")
    await expect(page).to_have_url(LEFT)
    status, challenge = await page.evaluate(ask, [issuer, user["access_token"]])
    assert status == 401
    assert 'error="invalid_token"' in challenge
