"""A login leads its person to a passkey by one press, in a real Chromium with a virtual authenticator."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Literal

import pytest
from playwright.async_api import Page

from config.clock import SystemClock
from idp.rollout.phases import Dates
from idp.storage import programmes
from tests.axe import assert_accessible_async
from tests.idp.conftest import OpenDatabase
from tests.idp.login_pages.test_passkey_in_a_browser import AUTHENTICATOR, CALLBACK, issuer, page
from tests.idp.login_pages.test_sign_in import PASSWORD
from tests.idp.provider import App
from tests.idp.rollout.values import programme

__all__ = ("issuer", "page")  # fixtures


async def begin(database: OpenDatabase) -> None:
    """A phase that runs, and is enforced in a week."""
    now = SystemClock().now()
    week = timedelta(days=7)
    made, cohort, one = programme(state="running", begun_at=now)
    one = replace(one, dates=Dates(now - week, now, now + week, now + 2 * week))
    async with database("idp").begin() as tx:
        await programmes.add(tx, made, [cohort], [one], now)


async def look(page: Page, scenario: str) -> None:
    """Sound at the narrowest width, in light and dark; a picture where `SCREENS` names a folder."""
    looks: tuple[tuple[int, Literal["dark", "light"]], ...] = ((320, "dark"), (1280, "light"))
    for width, scheme in looks:
        await page.set_viewport_size({"width": width, "height": 900})
        await page.emulate_media(color_scheme=scheme)
        assert await page.evaluate("document.documentElement.scrollWidth") <= width
        await assert_accessible_async(page)
        if folder := os.environ.get("SCREENS"):
            await page.screenshot(path=Path(folder) / f"{scenario}-{width}.png", full_page=True)


@pytest.mark.browser
async def test_a_passkey_is_made_within_a_login_by_one_press(page: Page, issuer: str, database: OpenDatabase) -> None:
    await begin(database)
    await page.goto(issuer + App().request(redirect_uri=CALLBACK))
    await page.fill("#identifier", "mina")
    await page.fill("#password", PASSWORD)
    await page.press("#password", "Enter")
    await page.wait_for_url(f"{issuer}/enrol?hop=**")
    await look(page, "enrol-en")
    await page.context.add_cookies([{"name": "mj-locale", "value": "ko", "url": issuer}])
    await page.reload()
    assert await page.locator("h1").inner_text() == "로그인을 한 겹 더 지켜요"
    await page.click("summary >> nth=0")
    await look(page, "enrol-app-ko")

    devtools = await page.context.new_cdp_session(page)
    await devtools.send("WebAuthn.enable")
    made = await devtools.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    await page.click("form[data-passkey=create] button")
    await page.wait_for_selector("main li code")
    assert await page.locator("main li code").count() == 10
    held = await devtools.send("WebAuthn.getCredentials", {"authenticatorId": made["authenticatorId"]})
    assert len(held["credentials"]) == 1
    await look(page, "enrolled-ko")
    await page.click("button[value=go_on]")
    await page.wait_for_url(f"{CALLBACK}?code=**")
