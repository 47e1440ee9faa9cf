"""What was typed comes back to its person after signing in again, and to nobody else; secrets are never kept (E5)."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.gateway.rig import Rig
from tests.gateway.stage import Stage, corner, dialog, staged

pytestmark = pytest.mark.browser
SECRETS = ("password", "card", "code", "hidden", "cvc", "userPin", "number")
HEAR = """
addEventListener("input", (event) => { (self.heard ??= []).push(event.target.name); }, true);
"""


@pytest.fixture
async def stage(rig: Rig) -> AsyncIterator[Stage]:
    async with staged(rig) as built:
        built.script = HEAR
        yield built


async def fill(page: Page) -> None:
    await page.fill("#typed", "outside of any form")
    await page.fill("[name=address]", "부산 해운대로 1")
    await page.fill("[name=note]", "two\nlines")
    await page.select_option("[name=size]", "L")
    await page.check("[name=gift]")
    await page.check("[name=pay][value=cash]")
    await page.fill("[name=shipping]", "by sea")
    for secret in SECRETS:
        await page.fill(f"[name={secret}]", "hunter2")


async def kept(page: Page) -> dict[str, Any]:
    """What this tab keeps."""
    raw = await page.evaluate("Object.fromEntries(Object.entries(sessionStorage))")
    return {key: json.loads(value) for key, value in raw.items()}


async def comes_back(stage: Stage, page: Page, **who: Any) -> None:
    """The session ends, and somebody signs in by the page of the identity provider."""
    stage.rig.session_event(state="ended")
    await stage.rig.project("session-2")
    stage.provider_signs_in(sid="session-2", **who)
    await dialog(page).get_by_role("button", name="Sign in again").click()
    await page.wait_for_load_state()


async def test_it_comes_back_with_scroll_and_hash_and_without_secrets(stage: Stage) -> None:
    page = await stage.signed_in()
    await page.evaluate("location.hash = 'far'")
    await fill(page)
    await page.evaluate("scrollTo(0, 900)")
    await comes_back(stage, page)
    await expect(corner(page)).to_contain_text("signed in again, and going back to where you were")
    await expect(corner(page)).to_contain_text("What you were typing is back")
    await expect(corner(page)).to_contain_text("MJ-SESSION-024")
    await expect(corner(page)).to_have_attribute("role", "status")
    await expect(page.locator("#typed")).to_have_value("outside of any form")
    await expect(page.locator("[name=address]")).to_have_value("부산 해운대로 1")
    await expect(page.locator("[name=note]")).to_have_value("two\nlines")
    await expect(page.locator("[name=size]")).to_have_value("L")
    await expect(page.locator("[name=gift]")).to_be_checked()
    await expect(page.locator("[name=pay][value=cash]")).to_be_checked()
    await expect(page.locator("[name=shipping]")).to_have_value("by sea")
    for secret in SECRETS:
        await expect(page.locator(f"[name={secret}]")).to_have_value("")
    assert await page.evaluate("scrollY") == 900
    assert page.url == f"{stage.shop}/page#far"
    assert {"address", "note", "size", "gift", "pay"} <= set(await page.evaluate("self.heard"))
    await corner(page).get_by_role("button", name="Clear it").click()
    await expect(page.locator("[name=address]")).to_have_value("")
    await expect(page.locator("[name=gift]")).not_to_be_checked()
    await expect(corner(page)).to_have_count(0)


async def test_secrets_are_written_nowhere(stage: Stage) -> None:
    page = await stage.signed_in()
    await fill(page)
    await page.evaluate("document.querySelector('[name=password]').type = 'text'")
    await page.fill("[name=password]", "hunter2 shown")
    await page.clock.run_for(1500)
    entry = (await kept(page)).popitem()[1]
    assert "부산" in json.dumps(entry, ensure_ascii=False)
    assert "hunter2" not in json.dumps(entry)
    assert "t-1" not in json.dumps(entry)


async def test_a_password_that_is_shown_is_one_whenever_it_came(stage: Stage) -> None:
    page = await stage.signed_in()
    await page.evaluate(
        """() => {
          const late = Object.assign(document.createElement("input"), { type: "password", name: "late" });
          document.body.append(late);
          late.focus();
          late.type = "text";
        }"""
    )
    await page.keyboard.type("hunter2")
    await page.fill("#typed", "words")
    await page.clock.run_for(1500)
    entry = (await kept(page)).popitem()[1]
    assert "words" in json.dumps(entry)
    assert "hunter2" not in json.dumps(entry)


async def test_a_base_of_the_page_leads_nothing_of_it_elsewhere(stage: Stage) -> None:
    stage.injected = True
    stage.head = '<base href="https://elsewhere.example/deep/">'
    page = await stage.signed_in()
    await page.evaluate("location.href = location.href.split('#')[0] + '#far'")
    await page.fill("#typed", "half a letter")
    await comes_back(stage, page)
    await expect(page).to_have_url(f"{stage.shop}/page#far")
    await expect(page.locator("#typed")).to_have_value("half a letter")
    link = corner(page).get_by_role("link", name="Get help with this")
    await expect(link).to_have_attribute("href", f"{stage.shop}/.munjigi/help/MJ-SESSION-024")


async def test_it_is_restored_once(stage: Stage) -> None:
    page = await stage.signed_in()
    await fill(page)
    await comes_back(stage, page)
    await expect(corner(page)).to_be_visible()
    await page.evaluate("sessionStorage.clear()")
    await stage.open("/page", page)
    await expect(page.locator("[name=address]")).to_have_value("")


async def test_a_page_loaded_anew_within_the_session_is_a_new_page(stage: Stage) -> None:
    page = await stage.signed_in()
    await fill(page)
    await stage.open("/page", page)
    await page.evaluate("fetch('/.munjigi/session')")
    await expect(page.locator("[name=address]")).to_have_value("")
    await expect(corner(page)).to_have_count(0)
    assert await kept(page) == {}


async def test_what_was_sent_does_not_come_back(stage: Stage) -> None:
    page = await stage.signed_in()
    await fill(page)
    await page.get_by_role("button", name="Send").click()
    await expect(page.locator("h1")).to_have_text("Sent to /orders")
    assert len(await kept(page)) == 1
    await stage.open("/other", page)
    await page.wait_for_function("sessionStorage.length === 0")


async def test_what_a_script_sent_does_not_come_back(stage: Stage) -> None:
    stage.script += """
    addEventListener("submit", (event) => {
      event.preventDefault();
      self.sent = fetch("/data", { method: "POST", body: new FormData(event.target) }).then((answer) => answer.status);
    });"""
    page = await stage.signed_in()
    await fill(page)
    await page.get_by_role("button", name="Send").click()
    assert await page.evaluate("self.sent") == 200
    await comes_back(stage, page)
    await expect(page.locator("#typed")).to_have_value("outside of any form")
    await expect(page.locator("[name=address]")).to_have_value("")


async def test_a_form_that_was_led_to_sign_in_comes_back(stage: Stage) -> None:
    """Its page knew nothing of the end yet: the gateway leads the form's own navigation away."""
    page = await stage.signed_in()
    await fill(page)
    await page.route("**/session/**", lambda route: route.abort())
    await page.evaluate("navigator.locks.query()")
    async with stage.rig.database.begin() as tx:
        await stage.rig.storage.end_of_session(
            tx, "session-1", reason="administrator", ended_by=None, now=stage.rig.clock.now()
        )
    for caller in stage.rig.cookies.known():
        assert caller.cookie is not None
        stage.rig.cookies.forget(caller.cookie)
    await page.get_by_role("button", name="Send").click()
    await expect(page.locator("h1")).to_have_text("An administrator ended your session")
    await page.unroute_all()
    await stage.rig.project("session-2")
    stage.provider_signs_in(sid="session-2")
    await page.get_by_role("link", name="Sign in again").click()
    await expect(page).to_have_url(f"{stage.shop}/page")
    await expect(page.locator("[name=address]")).to_have_value("부산 해운대로 1")


async def test_another_person_sees_nothing_of_it_and_it_is_gone(stage: Stage) -> None:
    page = await stage.signed_in()
    await fill(page)
    await comes_back(stage, page, sub="lee")
    await expect(page).to_have_url(f"{stage.shop}/page")
    await page.evaluate("fetch('/.munjigi/session')")
    await expect(page.locator("[name=address]")).to_have_value("")
    assert await kept(page) == {}


async def test_whoever_signs_out_leaves_nothing_behind(stage: Stage) -> None:
    page = await stage.signed_in()
    await fill(page)
    await page.clock.run_for(1500)
    assert await kept(page)
    await page.click("#leave")
    await expect(page.locator("h1")).to_have_text("You are signed out")
    assert await kept(page) == {}


async def test_no_more_is_kept_than_its_share_and_not_for_longer_than_half_a_day(stage: Stage) -> None:
    page = await stage.signed_in()
    await page.fill("[name=note]", "x" * 100_000)
    await page.clock.run_for(1500)
    first = await kept(page)
    assert len(first) == 1
    await stage.open("/other", page)
    await page.fill("[name=note]", "y" * 100_000)
    await page.clock.run_for(1500)
    (key,) = await kept(page)
    assert key.endswith("/other"), "the oldest goes first"
    await page.fill("[name=note]", "z" * 140_000)
    await page.clock.run_for(1500)
    assert await kept(page) == {}
    await page.fill("[name=note]", "short")
    await stage.open("/third", page)
    await page.evaluate(
        """() => { for (const key of Object.keys(sessionStorage)) {
          const entry = JSON.parse(sessionStorage[key]);
          sessionStorage[key] = JSON.stringify({ ...entry, at: entry.at - 13 * 3600_000 });
        } }"""
    )
    await stage.open("/fourth", page)
    await page.wait_for_function("Object.keys(sessionStorage).length === 0")


async def test_fields_that_a_framework_brings_late_are_filled_then(stage: Stage) -> None:
    page = await stage.signed_in()
    await page.fill("[name=address]", "Busan")
    stage.script += """
    const form = document.querySelector("#order");
    form.remove();
    addEventListener("input", (event) => { (self.heard ??= []).push(event.target.name); }, true);
    setTimeout(() => { document.body.append(form); }, 1500);"""
    await comes_back(stage, page)
    await expect(page).to_have_url(f"{stage.shop}/page")
    await page.evaluate("fetch('/.munjigi/session')")
    await page.clock.run_for(1600)
    await expect(page.locator("[name=address]")).to_have_value("Busan")
    await expect(corner(page)).to_contain_text("is back")
