"""A form that needs a fresh sign-in, in a real browser: it stays on its page, and goes on by itself (E6, row 8)."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import pytest
from playwright.async_api import Page, expect
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from config.serving import serve_application
from config.settings import Settings
from gateway.routes.route_file import SHIPPED
from tests.chromium import shared_chromium
from tests.gateway.house import GATEWAY, PASSWORD, PROVIDER, RELAY, code, on_free_ports, people, running

pytestmark = pytest.mark.browser

FRESH = 10
"""Seconds; the least that a route may demand."""
FORM = """<!doctype html><html lang="en"><title>Give a gift</title><h1>Give a gift</h1>
<form method="post" action="/orders"><input name="to" value="민아 &amp; &quot;준&quot;">
<textarea name="words">one
two</textarea><button name="act" value="give">Give</button></form></html>"""


async def shop(settings: Settings, ready: Callable[[], None], stop: asyncio.Event) -> None:
    """A service with one form, which says what it was sent."""

    async def form(_request: Request) -> HTMLResponse:
        return HTMLResponse(FORM)

    async def give(request: Request) -> HTMLResponse:
        sent = (await request.form()).multi_items()
        return HTMLResponse(f"<!doctype html><title>Given</title><h1>Given</h1><pre>{sent!r}</pre>")

    app = Starlette(routes=[Route("/orders", form), Route("/orders", give, methods=["POST"])])
    await serve_application(app, f"unix:{settings.upstream_socket('commerce')}", ready=ready, stop=stop, drain=1)


@dataclass
class Visit:
    """A browser whose person has just signed in and sees the form."""

    page: Page
    shop: str

    async def give(self) -> None:
        """Send the form until the sign-in is no longer fresh enough."""
        async with asyncio.timeout(FRESH + 20):
            while True:
                await self.page.goto(f"{self.shop}/orders")
                await self.page.click("text=Give >> nth=-1")
                if await self.page.title() != "Given":
                    return
                await asyncio.sleep(0.5)

    async def confirm(self, name: str) -> Page:
        """Sign in once more in the tab that the page opens."""
        async with self.page.context.expect_page() as opening:
            await self.page.get_by_role("link", name="Confirm").click()
        tab = await opening.value
        await tab.fill("#identifier", name)
        await tab.fill("#password", PASSWORD)
        await tab.click("form button.primary")
        await tab.fill("#code", code(1))
        await tab.click("form button.primary")
        return tab


@pytest.fixture
async def visit(settings: Settings, tmp_path) -> AsyncIterator[Visit]:
    place = on_free_ports(settings)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    routes = tmp_path / "routes.toml"
    demand = f'step_up = {{ methods = ["POST"], max_age = {FRESH} }}'
    way = f'address = "shop.localhost:{{port}}"\npath = "/orders"\nzone = "shop"\nupstream = "commerce"\n{demand}\n'
    routes.write_text(f"{SHIPPED.read_text()}\n[[routes]]\n{way}")
    place = place.model_copy(
        update={"gateway": place.gateway.model_copy(update={"listen": f"127.0.0.1:{port}", "routes": routes})}
    )
    await people(place)
    async with running(place, RELAY, PROVIDER, shop, GATEWAY), shared_chromium() as chromium:
        context = await chromium.new_context(locale="en-US")
        page = await context.new_page()
        await page.goto(f"http://shop.localhost:{port}/orders")
        await page.fill("#identifier", "alice")
        await page.fill("#password", PASSWORD)
        await page.click("form button.primary")
        await page.fill("#code", code())
        await page.click("form button.primary")
        await expect(page).to_have_title("Give a gift")
        yield Visit(page, f"http://shop.localhost:{port}")


async def test_it_stays_on_its_page_and_goes_on_by_itself(visit: Visit) -> None:
    page = visit.page
    await visit.give()
    await expect(page.get_by_role("heading", name="Confirm it’s you")).to_be_visible()
    assert page.url == f"{visit.shop}/orders"
    await visit.confirm("alice")
    await expect(page).to_have_title("Given")
    sent = [("to", '민아 & "준"'), ("words", "one\r\ntwo"), ("act", "give")]
    assert await page.inner_text("pre") == repr(sent)


async def test_another_person_does_not_go_on_in_this_ones_name(visit: Visit) -> None:
    page = visit.page
    await visit.give()
    tab = await visit.confirm("bob")
    await expect(tab.locator("body")).to_contain_text("MJ-GATEWAY-226")
    await expect(page.get_by_role("heading", name="Confirm it’s you")).to_be_visible()
