"""Whoever is signed out of their account gets in, and back to the page that they wanted."""

from __future__ import annotations

import html
import re

from tests.idp.account.conftest import PASSWORD, Arrive, hidden
from tests.idp.provider import Provider


async def test_the_signed_out_page_leads_to_a_sign_in_that_comes_back(arrive: Arrive, provider: Provider) -> None:
    mina = await arrive()
    mina.browser.cookies.pop("__Host-munjigi-session")
    out = await mina.get("/account/devices")
    assert out.status_code == 401
    assert "/help/MJ-IDP-105?ref=" in out.text
    start = re.search(r'href="(/account/sign-in[^"]*)"', out.text)
    assert start
    page = await mina.browser.follow(await mina.get(html.unescape(start[1])))
    assert "your account" in page.text
    form = {"hop": hidden(page), "login": "mina", "password": PASSWORD}
    page = await mina.browser.follow(await mina.browser.post("/sign-in", form))
    form = {"hop": hidden(page), "session": hidden(page, "session"), "choice": "take_over"}
    back = await mina.browser.follow(await mina.browser.post("/takeover", form))
    assert mina.browser.address.endswith("/account/devices")
    assert back.status_code == 200
    assert "this device" in back.text


async def test_a_session_of_this_browser_needs_no_page(arrive: Arrive) -> None:
    mina = await arrive()
    page = await mina.browser.follow(await mina.get("/account/sign-in?to=/account/history"))
    assert mina.browser.address.endswith("/account/history")
    assert page.status_code == 200


async def test_it_comes_back_to_the_account_alone(arrive: Arrive) -> None:
    mina = await arrive()
    for wanted in ("https://evil.example/", "//evil.example", "/sign-in"):
        await mina.browser.follow(await mina.get(f"/account/back?state={wanted}"))
        assert mina.browser.address == "http://localhost:9000/account"


async def test_pages_lead_whoever_is_signed_in_to_their_account(arrive: Arrive, provider: Provider) -> None:
    mina = await arrive()
    assert '<a href="/account">' in (await mina.get("/help")).text
    assert '<a href="/account">' not in (await provider.browser().get("/help")).text
