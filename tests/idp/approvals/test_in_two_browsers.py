"""Two Chromiums: one signs in, the other one approves, by its own key, its own service worker, and an open page."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, expect

from config.settings import Settings
from tests.axe import assert_accessible_async
from tests.events.listening import running_relay
from tests.idp.account.conftest import PASSWORD
from tests.idp.account.test_in_a_browser import Served, chromium, served
from tests.idp.conftest import OpenDatabase
from tests.idp.provider import App

pytestmark = pytest.mark.browser
__all__ = ["chromium", "served"]
SHOTS = os.environ.get("APPROVAL_SHOTS")


def _complains(said: ConsoleMessage) -> bool:
    """Contexts of their own are private windows to Chromium, which has no push service for those, and says so."""
    return said.type == "error" and "Push API in incognito" not in said.text


class Phone:
    """A browser with its worker, as the debugging protocol sees it."""

    def __init__(self, context: BrowserContext, page: Page, served: Served) -> None:
        self.context = context
        self.page = page
        self.served = served
        self.complaints: list[str] = []
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda said: self.complaints.append(said.text) if _complains(said) else None)

    async def enrol(self) -> None:
        await self.page.goto(f"{self.served.issuer}/account/factors?locale=en")
        await self.page.get_by_label("Name of this device").fill("Mina’s phone")
        await self.page.get_by_role("button", name="Approve in this browser").click()
        await self.page.get_by_role("heading", name="Recovery codes").wait_for()

    async def delivered(self, data: dict[str, str]) -> list[dict[str, Any]]:
        """Deliver a push to the service worker, as a push service's last hop does. Returns what is shown."""
        cdp = await self.context.new_cdp_session(self.page)
        found: asyncio.Future[str] = asyncio.get_running_loop().create_future()

        def registered(told: dict[str, Any]) -> None:
            for one in told["registrations"]:
                if one["scopeURL"] == f"{self.served.issuer}/approvals/" and not found.done():
                    found.set_result(one["registrationId"])

        cdp.on("ServiceWorker.workerRegistrationUpdated", registered)
        await cdp.send("ServiceWorker.enable")
        ident = await asyncio.wait_for(found, 10)
        push = {"origin": self.served.issuer, "registrationId": ident, "data": json.dumps(data)}
        await cdp.send("ServiceWorker.deliverPushMessage", push)
        script = """async () => {
            const registration = await navigator.serviceWorker.getRegistration("/approvals/");
            for (let tries = 0; tries < 100; tries += 1) {
                const shown = await registration.getNotifications();
                if (shown.length) return shown.map(({title, body, tag, data}) => ({title, body, tag, data}));
                await new Promise((go) => setTimeout(go, 20));
            }
            return [];
        }"""
        shown: list[dict[str, Any]] = await self.page.evaluate(script)
        return shown


async def arrive(chromium: Browser, served: Served, *, scripts: bool = True, locale: str = "en-GB") -> BrowserContext:
    context = await chromium.new_context(locale=locale, java_script_enabled=scripts)
    context.set_default_timeout(20_000)
    return context


async def give_password(context: BrowserContext, served: Served) -> Page:
    page = await context.new_page()
    await page.goto(served.issuer + App().request(redirect_uri=f"{served.issuer}/help"))
    await page.fill("#identifier", "mina")
    await page.fill("#password", PASSWORD)
    await page.press("#password", "Enter")
    return page


@pytest.fixture
async def phone(
    chromium: Browser, served: Served, settings: Settings, database: OpenDatabase, valkey: Any
) -> AsyncIterator[Phone]:
    """Mina's, signed in and set up to approve; then her session there ends with its cookie."""
    context = await arrive(chromium, served)
    await context.grant_permissions(["notifications"], origin=served.issuer)
    page = await give_password(context, served)
    await page.wait_for_url("**/help?code=**")
    phone = Phone(context, page, served)
    async with running_relay(database("worker"), valkey):
        await phone.enrol()
        yield phone
    assert phone.complaints == []
    await context.close()


async def test_a_push_leads_to_the_question_and_its_number_to_the_app(
    chromium: Browser, served: Served, phone: Phone
) -> None:
    laptop = await arrive(chromium, served)
    page = await give_password(laptop, served)
    await page.get_by_role("button", name="Approve on another device").click()
    number = await page.locator("[data-number]").inner_text()
    # her account stands open on the phone, and hears of it
    await expect(phone.page.get_by_text("A sign-in on another device waits for your approval.")).to_be_visible()
    async with served.idp.connect() as tx:
        ident = str((await tx.exec_driver_sql("SELECT id FROM idp.approval_request")).scalar_one())
    (shown,) = await phone.delivered({"id": ident, "locale": "en"})
    assert shown["title"] == "Approve a sign-in?"
    assert shown["data"] == {"id": ident}
    assert number not in json.dumps(shown)

    # a notification cannot be clicked from here: this is where its click leads
    await phone.page.goto(f"{served.issuer}/approvals/{shown['data']['id']}?locale=en")
    await expect(phone.page.get_by_role("heading", name="Are you signing in to the app?")).to_be_visible()
    await assert_accessible_async(phone.page)
    await phone.page.get_by_role("button", name=number, exact=True).click()
    await expect(phone.page.get_by_text("Approved. Go on at the other device.")).to_be_visible()
    # the waiting page goes on by itself
    await page.get_by_role("heading", name="You are signed in somewhere else").wait_for()
    await page.get_by_role("button", name="Go on here").click()
    await page.wait_for_url("**/help?code=**")
    async with served.idp.connect() as tx:
        row = (await tx.exec_driver_sql("SELECT amr, acr FROM idp.session WHERE ended_at IS NULL")).one()
    assert (row.amr, row.acr) == (["pwd", "swk", "mca", "mfa"], "urn:munjigi:acr:2")
    await laptop.close()


async def test_without_a_session_and_without_pushes_an_open_page_hears_of_it(
    chromium: Browser, served: Served, phone: Phone
) -> None:
    """The phone's person has signed out there; the other browser has no scripts."""
    cookies = [cookie for cookie in await phone.context.cookies() if cookie["name"] != "__Host-munjigi-session"]
    await phone.context.clear_cookies()
    await phone.context.add_cookies(cookies)  # type: ignore[arg-type]
    await phone.page.goto(f"{served.issuer}/approvals?locale=en")
    await expect(phone.page.locator("[data-none]")).to_be_visible()
    laptop = await arrive(chromium, served, scripts=False)
    page = await give_password(laptop, served)
    await page.get_by_role("button", name="Approve on another device").click()
    number = await page.locator("[data-number]").inner_text()
    await expect(phone.page.get_by_text("Another sign-in waits for your word.")).to_be_visible()
    await phone.page.get_by_role("button", name="Deny").click()
    await expect(phone.page.get_by_text("Denied.")).to_be_visible()
    await page.get_by_role("button", name="I approved it").click()
    await expect(page.get_by_text("It was denied on the other device")).to_be_visible()
    assert number
    await laptop.close()


async def test_a_wrong_number_and_a_lost_key(chromium: Browser, served: Served, phone: Phone) -> None:
    laptop = await arrive(chromium, served)
    page = await give_password(laptop, served)
    await page.get_by_role("button", name="Approve on another device").click()
    number = await page.locator("[data-number]").inner_text()
    await phone.page.goto(f"{served.issuer}/approvals?locale=en")
    await phone.page.evaluate("() => { indexedDB.deleteDatabase('munjigi-approvals'); }")
    await phone.page.reload()
    await expect(phone.page.get_by_text("This browser has lost its key")).to_be_visible()
    wrong = next(one for one in await phone.page.locator("[data-pick]").all_inner_texts() if one != number)
    await phone.page.get_by_role("button", name=wrong, exact=True).click()
    await expect(phone.page.get_by_text("This browser has lost its key")).to_be_visible()
    async with served.idp.connect() as tx:
        assert (await tx.exec_driver_sql("SELECT state FROM idp.approval_request")).scalar_one() == "pending"
    await laptop.close()


async def test_every_page_is_sound_in_both_languages_and_themes_at_every_width(
    chromium: Browser, served: Served, phone: Phone
) -> None:
    laptop = await arrive(chromium, served)
    page = await give_password(laptop, served)
    await page.get_by_role("button", name="Approve on another device").wait_for()
    looks = (("ko", "light", (320, 1280)), ("en", "dark", (320, 768)))

    async def look(at: Page, name: str) -> None:
        address = f"{at.url}{'&' if '?' in at.url else '?'}locale="
        for locale, scheme, widths in looks:
            await at.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
            await at.goto(f"{address}{locale}")
            for width in widths:
                await at.set_viewport_size({"width": width, "height": 900})
                assert await at.evaluate("document.scrollingElement.scrollWidth - innerWidth") <= 0, (name, width)
                if SHOTS:
                    await at.screenshot(path=Path(SHOTS) / f"{name}-{locale}-{width}.png", full_page=True)
            await assert_accessible_async(at)

    await look(page, "factor")
    await page.get_by_role("button", name="Approve on another device").click()
    await page.locator("[data-number]").wait_for()
    await look(page, "factor-waiting")
    await phone.page.goto(f"{served.issuer}/approvals")
    await look(phone.page, "approvals")
    await phone.page.goto(f"{served.issuer}/account/factors")
    await look(phone.page, "factors")
    nobody = await laptop.new_page()
    await nobody.goto(f"{served.issuer}/approvals")
    await look(nobody, "approvals-not-set-up")
    await laptop.close()
