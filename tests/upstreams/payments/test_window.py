"""The page on which a provider's script opens its window: its policy, its words, and a person who pays there."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import expect

from config.clock import SystemClock
from tests.axe import assert_accessible_async
from tests.upstreams.browsing import browsing
from tests.upstreams.conftest import Someone
from tests.upstreams.payments.paying import PRICE, House
from tests.upstreams.payments.sandbox_process import GOOD, Sandbox
from upstreams.door.forms import FormTokens
from upstreams.trade.payments.provider import Provider
from upstreams.trade.payments.sandbox.toss_api import SCRIPT

PAGE = {"Accept": "text/html"}


@pytest.fixture
async def provider(sandbox: Sandbox) -> AsyncIterator[Provider]:
    """Toss Payments, spoken by the sandbox."""
    made = sandbox.toss()
    yield made
    await made.aclose()


@pytest.fixture
def webhooks() -> str:
    """The shop, where people come back to as well."""
    return "http://shop.localhost:8080"


async def begun_by_form(house: House, ident: str) -> str:
    """Where the form of the reservation's page leads to."""
    token = FormTokens(house.client.envelope, SystemClock()).issue(house.client.someone.subject.sid)
    sent = await house.client.post(f"/reservations/{ident}/payments", data={"form_token": token})
    assert sent.status_code == 303, sent.text
    return str(sent.headers["location"])


async def test_that_page_alone_lets_the_script_in(house: House, sandbox: Sandbox) -> None:
    ident = await house.held(2)
    window = f"/reservations/{ident}/payments/window"
    assert (await house.client.get(window, headers=PAGE)).headers["location"] == f"/reservations/{ident}"  # not begun
    assert await begun_by_form(house, ident) == window
    shown = await house.client.get(window, headers=PAGE)
    policy = dict(part.split(" ", 1) for part in shown.headers["content-security-policy"].split("; "))
    nonce = re.search(r"'nonce-([^']+)'", policy["script-src"])
    assert nonce is not None
    assert f'<script src="{sandbox.origin}{SCRIPT}" nonce="{nonce[1]}" defer>' in shown.text
    assert "'unsafe-inline'" not in policy["script-src"]
    for directive in ("frame-src", "connect-src", "form-action"):
        assert {"https://*.tosspayments.com", sandbox.origin} <= set(policy[directive].split())
    assert policy["frame-ancestors"] == "'none'"
    assert policy["object-src"] == "'none'"
    assert "360,000" in shown.text
    beside = (await house.client.get(f"/reservations/{ident}", headers=PAGE)).headers["content-security-policy"]
    assert "tosspayments" not in beside
    assert "require-trusted-types-for 'script'" in beside
    stranger = await house.client.of(Someone.new()).get(window)
    assert (stranger.status_code, stranger.json()["code"]) == (404, "MJ-RSV-003")


@pytest.mark.browser
async def test_a_person_pays_in_the_window_and_the_server_confirms(house: House, sandbox: Sandbox) -> None:
    ident = await house.held()
    await begun_by_form(house, ident)
    async with browsing(house.client) as page:
        refused: list[str] = []
        page.on("console", lambda said: refused.append(said.text) if "Content Security Policy" in said.text else None)
        address = f"http://shop.localhost:8080/reservations/{ident}/payments/window"
        # away: nothing is lost, and it says what to do
        await page.route(f"**{SCRIPT}", lambda route: route.abort())
        await page.goto(address)
        await expect(page.get_by_role("status")).to_contain_text("Toss Payments could not be reached")
        await assert_accessible_async(page)
        # closed by its person, as theirs says it
        theirs = "window.TossPayments = () => ({ payment: () => ({ requestPayment: () => Promise.reject(asked) }) });"
        closed = f"const asked = Object.assign(new Error('x'), {{ code: 'USER_CANCEL' }}); {theirs}"
        await page.unroute(f"**{SCRIPT}")
        await page.route(f"**{SCRIPT}", lambda route: route.fulfill(body=closed, content_type="text/javascript"))
        await page.get_by_role("button", name="Load again").click()
        await expect(page.get_by_role("status")).to_contain_text("You closed the payment window")
        await expect(page.get_by_role("button", name="Open the payment window")).to_be_focused()
        await page.unroute(f"**{SCRIPT}")
        await page.goto(address)
        await page.wait_for_url(f"{sandbox.origin}/pay/*")
        assert refused == []
        await page.locator("#card").fill(GOOD)
        await page.locator("button.primary").click()
        await page.wait_for_url(f"http://shop.localhost:8080/reservations/{ident}")
    await house.driven()
    assert await house.state(ident) == "CONFIRMED"
    assert await house.money() == (PRICE, PRICE)
    await house.agree()
