"""A login leads its person to a passkey by one press, in a real Chromium with a virtual authenticator."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.async_api import Page
from sqlalchemy import update

from config.clock import SystemClock
from idp.rollout.phases import Dates, Demand
from idp.storage import programmes
from idp.storage.directory_tables import user_account
from tests.axe import assert_accessible_async
from tests.idp.conftest import OpenDatabase
from tests.idp.login_pages.test_passkey_in_a_browser import AUTHENTICATOR, CALLBACK, issuer, page
from tests.idp.login_pages.test_sign_in import PASSWORD
from tests.idp.provider import App
from tests.idp.rollout.values import programme

__all__ = ("issuer", "page")  # fixtures


async def begin(database: OpenDatabase, **other: Any) -> None:
    """A phase that runs, and is enforced in a week."""
    now = SystemClock().now()
    week = timedelta(days=7)
    dates = Dates(now - week, now, now + week, now + 2 * week)
    made, cohort, one = programme(**{"state": "running", "begun_at": now, "dates": dates, **other})
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


@pytest.mark.browser
async def test_every_method_has_its_place_on_the_page(page: Page, issuer: str, database: OpenDatabase) -> None:
    await begin(database, demand=Demand(methods=("passkey", "push", "totp", "sms", "link")))
    await page.goto(issuer + App().request(redirect_uri=CALLBACK))
    await page.fill("#identifier", "mina")
    await page.fill("#password", PASSWORD)
    await page.press("#password", "Enter")
    await page.wait_for_url(f"{issuer}/enrol?hop=**")
    await page.evaluate("document.querySelectorAll('details').forEach((one) => (one.open = true))")
    await look(page, "enrol-all-en")
    await page.fill("#number", "010-1234-5678")
    await page.click("button[value=text]")
    await page.wait_for_selector("#text_code")
    await page.context.add_cookies([{"name": "mj-locale", "value": "ko", "url": issuer}])
    await page.reload()
    await look(page, "enrol-texted-ko")


@pytest.mark.browser
async def test_a_closed_password_shows_the_link_in_its_place(page: Page, issuer: str, database: OpenDatabase) -> None:
    now, demand = SystemClock().now(), Demand(methods=("link",), close_password=True)
    day = timedelta(days=1)
    await begin(database, kind="passwordless", state="enforced", demand=demand,
                dates=Dates(now - 3 * day, now - 2 * day, now - day, now + day))  # fmt: skip
    async with database("idp").begin() as tx:
        await tx.execute(update(user_account).values(proven_email=user_account.c.email))
    await page.goto(issuer + App().request(redirect_uri=CALLBACK))
    await page.fill("#identifier", "mina")
    await page.fill("#password", PASSWORD)
    await page.press("#password", "Enter")
    await page.wait_for_selector("dialog[open]")
    assert await page.locator("dialog details").get_attribute("open") is not None
    assert await page.locator("dialog .field.wrong").count() == 0
    assert await page.evaluate("document.activeElement.value") == "ask"
    await look(page, "closed-en")
    await page.click("dialog button[value=ask]")
    await page.wait_for_url(f"{issuer}/sign-in/mail?hop=**")
