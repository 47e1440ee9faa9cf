"""The script on somebody's page: it warns, any key keeps the session, and without one the person is told (S6, E4)."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Page, expect

from config.settings import Settings
from tests.chromium import shared_chromium
from tests.gateway.house import (
    GATEWAY,
    PASSWORD,
    PROVIDER,
    RELAY,
    code,
    on_free_ports,
    people,
    running,
    shops,
)

pytestmark = pytest.mark.browser

IDLE, WARN = 8.0, 5.0


@pytest.fixture
async def page(settings: Settings) -> AsyncIterator[Page]:
    """A page behind the gateway in a real browser, whose person has just signed in; sessions are short."""
    place = on_free_ports(settings)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    shop = f"http://shop.localhost:{port}"
    session = place.session.model_copy(update={"idle_timeout": IDLE, "warn_before": WARN, "ask_before": WARN + 1})
    place = place.model_copy(
        update={"gateway": place.gateway.model_copy(update={"listen": f"127.0.0.1:{port}"}), "session": session}
    )
    await people(place)
    async with running(place, RELAY, PROVIDER, shops, GATEWAY), shared_chromium() as chromium:
        context = await chromium.new_context(locale="en-US")
        opened = await context.new_page()
        errors: list[str] = []
        opened.on("pageerror", lambda error: errors.append(str(error)))
        await opened.goto(f"{shop}/page")
        await opened.fill("#identifier", "alice")
        await opened.fill("#password", PASSWORD)
        await opened.click("form button.primary")
        await opened.fill("#code", code())
        await opened.click("form button.primary")
        await expect(opened).to_have_url(f"{shop}/page")
        yield opened
        assert errors == []


async def test_the_warning_comes_a_key_keeps_the_session_and_without_one_it_ends(page: Page) -> None:
    dialog = page.get_by_role("alertdialog")
    await page.fill("#typed", "half a letter")
    await expect(dialog).to_contain_text("You will be signed out soon", timeout=IDLE * 1000)
    await expect(page.get_by_role("button", name="Keep me signed in")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(dialog).to_have_count(0)
    await expect(page.locator("#typed")).to_have_value("half a letter")
    await expect(page.locator("#typed")).to_be_focused()

    await expect(dialog).to_contain_text("You will be signed out soon", timeout=IDLE * 1000)
    await expect(dialog).to_contain_text("You were signed out after a while without activity", timeout=IDLE * 1000)
    await page.get_by_role("button", name="Stay").click()
    await expect(dialog).to_contain_text("Paused")
    await expect(page.get_by_role("button", name="Look at this page")).to_be_visible()
    await page.get_by_role("button", name="Go now").click()
    await expect(page.locator("#identifier")).to_be_visible()
