"""npm's `openid-client`, the library of most Node.js apps, through a whole login, refresh and logout (H1)."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.clients.app import CALLBACK, LEFT, PASSWORD, PERSON, SECRET
from tests.idp.browser import Browser

PROGRAM = Path(__file__).with_name("openid_client.mjs")


class Refused(Exception):
    """The library did not get what it asked for; the message is the error that it tells its app."""


class RelyingApp:
    """The program, and a conversation with it."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def do(self, act: str, **more: str) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"act": act, **more}).encode() + b"\n")
        told = json.loads(await asyncio.wait_for(self._process.stdout.readline(), 30))
        if "refused" in told:
            raise Refused(told["refused"])
        return told["gave"]


@pytest.fixture
async def app(issuer: str) -> AsyncIterator[RelyingApp]:
    process = await asyncio.create_subprocess_exec(
        "node",
        PROGRAM,
        *(issuer, "app", SECRET, CALLBACK, LEFT),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    yield RelyingApp(process)
    assert process.stdin is not None
    process.stdin.close()
    assert await asyncio.wait_for(process.wait(), 10) == 0


@pytest.fixture
async def browser(issuer: str) -> AsyncIterator[Browser]:
    browser = Browser(httpx2.AsyncHTTPTransport(), issuer)
    yield browser
    await browser.close()


async def sign_in(browser: Browser, app: RelyingApp) -> dict[str, Any]:
    """What the app learns of whoever signs in."""
    page = await browser.follow(await browser.get(await app.do("begin")))
    form = dict(re.findall(r'name="(hop|failures)" value="([^"]*)"', page.text))
    await browser.follow(await browser.post("/sign-in", {**form, "login": PERSON, "password": PASSWORD}))
    assert browser.address.startswith(f"{CALLBACK}?"), browser.address
    claims: dict[str, Any] = await app.do("finish", address=browser.address)
    return claims


async def test_a_whole_login_refresh_and_logout(issuer: str, app: RelyingApp, browser: Browser) -> None:
    claims = await sign_in(browser, app)
    assert (claims["iss"], claims["aud"], claims["name"]) == (issuer, "app", "Mina")
    assert await app.do("refresh") == {"rotated": True}
    assert await app.do("refresh") == {"rotated": True}
    person = await app.do("userinfo")
    assert (person["sub"], person["name"]) == (claims["sub"], "Mina")
    token = await app.do("introspect")
    assert (token["active"], token["sid"]) == (True, claims["sid"])

    await browser.follow(await browser.get(await app.do("leave")))
    assert browser.address == f"{LEFT}?state=bye"
    assert (await app.do("introspect"))["active"] is False
    with pytest.raises(Refused, match="invalid_grant"):
        await app.do("refresh")


async def test_jarm_the_library_takes_a_signed_answer_and_no_other(app: RelyingApp, browser: Browser) -> None:
    await app.do("signedAnswers")
    page = await browser.follow(await browser.get(await app.do("begin")))
    form = dict(re.findall(r'name="(hop|failures)" value="([^"]*)"', page.text))
    await browser.follow(await browser.post("/sign-in", {**form, "login": PERSON, "password": PASSWORD}))
    ours = browser.address
    assert set(browser.query()) == {"response"}
    with pytest.raises(Refused):
        await app.do("finish", address=ours[:-4] + ("AAAA" if ours[-4:] != "AAAA" else "BBBB"))
    assert (await app.do("finish", address=ours))["name"] == "Mina"


async def test_a_revoked_token_refreshes_nothing(app: RelyingApp, browser: Browser) -> None:
    await sign_in(browser, app)
    await app.do("revoke")
    with pytest.raises(Refused, match="invalid_grant"):
        await app.do("refresh")
    assert (await app.do("introspect"))["active"] is False, "what the same grant gave goes with it (RFC 7009, 2.1)"


async def test_an_answer_to_another_request_is_refused_by_the_library(app: RelyingApp, browser: Browser) -> None:
    """The state and issuer that our answer bears are what the library checks (RFC 9207)."""
    page = await browser.follow(await browser.get(await app.do("begin")))
    form = dict(re.findall(r'name="(hop|failures)" value="([^"]*)"', page.text))
    await browser.follow(await browser.post("/sign-in", {**form, "login": PERSON, "password": PASSWORD}))
    ours = browser.address
    assert "iss=" in ours
    with pytest.raises(Refused):
        await app.do("finish", address=re.sub(r"iss=[^&]*", "iss=http%3A%2F%2Fattacker.example", ours))
    with pytest.raises(Refused):
        await app.do("finish", address=re.sub(r"state=[^&]*", "state=another", ours))
    assert (await app.do("finish", address=ours))["name"] == "Mina"
