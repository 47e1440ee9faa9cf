"""The own pages and what the script shows: axe-core finds nothing, from 320 px, light and dark, in both languages."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.axe import assert_accessible_async
from tests.gateway.rig import Rig
from tests.gateway.stage import Stage, corner, dialog, staged

pytestmark = pytest.mark.browser
LOOKS: list[dict[str, Any]] = [
    {"viewport": {"width": 320, "height": 700}, "color_scheme": "light", "locale": "ko-KR"},
    {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark", "locale": "en-GB", "reduced_motion": "reduce"},
]
BY = {"device": "Galaxy S26", "browser": "Samsung Internet", "place": "KR", "network": "SK Broadband"}


@pytest.fixture(params=LOOKS, ids=["320-light-ko", "1280-dark-en"])
async def stage(rig: Rig, request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    async with staged(rig, **request.param) as built:
        built.lang = request.param["locale"][:2]
        yield built


async def sound(page: Page) -> None:
    """Nothing for axe-core to find, and nothing to scroll for sideways."""
    await assert_accessible_async(page)
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")


async def test_the_pages(stage: Stage) -> None:
    await stage.signed_in()
    page = await stage.context.new_page()
    for path in ("not-me", "sign-out", "signed-out?state=not_me", "signed-out", "done"):
        await page.goto(f"{stage.shop}/.munjigi/{path}")
        await expect(page.get_by_role("heading").first).to_be_visible()
        if path.startswith("done"):
            continue  # it closes by itself where it can
        await sound(page)
    stage.rig.session_event(state="ended", ended_by=BY)
    await page.goto(f"{stage.shop}/.munjigi/not-me")
    await sound(page)
    await page.goto(f"{stage.shop}/.munjigi/callback?state=x")
    await sound(page)
    await page.goto(f"{stage.shop}/.munjigi/ended?return_to=/page")
    await expect(page.get_by_role("timer")).to_be_visible()
    await sound(page)
    await page.keyboard.press("Tab")
    await stage.pass_time(page, 10)
    await expect(page).to_have_url(f"{stage.shop}/.munjigi/ended?return_to=/page")


async def test_the_dialogs(stage: Stage) -> None:
    page = await stage.signed_in()
    await stage.pass_time(page, 1685)
    await expect(dialog(page)).to_be_visible()
    await sound(page)
    await stage.pass_time(page, 30)
    await page.keyboard.press("Shift")
    await expect(dialog(page)).to_have_count(0)
    attempt = {"sid": "session-1", "sub": "kim", "outcome": "kept", **BY, "at": stage.rig.clock.timestamp()}
    stage.rig.watch.attempted(attempt)
    await expect(corner(page)).to_contain_text("Galaxy")
    await sound(page)
    stage.rig.session_event(state="ended", ended_by=BY)
    await expect(dialog(page)).to_contain_text("Samsung Internet")
    await page.keyboard.press("Escape")
    await sound(page)
    await page.keyboard.press("Escape")
    await expect(dialog(page)).to_have_count(0)
    await sound(page)
    again = corner(page).last.get_by_role("button")
    await again.focus()
    await page.keyboard.press("Enter")
    await expect(dialog(page).get_by_role("button")).to_have_count(2)
    await sound(page)


async def test_everything_stands_without_scripts(rig: Rig) -> None:
    async with staged(rig, java_script_enabled=False) as stage:
        await stage.rig.project()
        await stage.give_cookie(lifetime=43200)
        stage.provider_signs_in(sid="session-2")
        page = await stage.context.new_page()
        await page.goto(f"{stage.shop}/page")
        await page.get_by_role("button", name="Send").click()
        await expect(page.get_by_role("heading")).to_have_text("Sent to /orders")
        stage.rig.session_event(state="ended", ended_by=BY)
        await stage.rig.project("session-2")
        await page.goto(f"{stage.shop}/page?size=2")
        await expect(page.get_by_role("heading")).to_have_text("You signed in somewhere else, so this session ended")
        await expect(page.locator("main")).to_contain_text("Galaxy S26")
        await expect(page.locator("#munjigi-countdown")).to_be_hidden()
        await page.get_by_role("link", name="Sign in again").click()
        await expect(page).to_have_url(f"{stage.shop}/page?size=2")
