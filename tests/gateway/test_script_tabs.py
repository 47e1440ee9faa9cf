"""All tabs of a browser agree, and the person is told of attempts (S2, S6)."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Page, expect

from tests.gateway.rig import Rig
from tests.gateway.stage import Stage, corner, dialog, staged

pytestmark = pytest.mark.browser
ATTEMPT = {
    "sid": "session-1",
    "sub": "kim",
    "device": "Galaxy",
    "browser": "Firefox",
    "place": "KR",
    "network": "SK Broadband",
}


@pytest.fixture
async def stage(rig: Rig) -> AsyncIterator[Stage]:
    async with staged(rig) as built:
        yield built


async def two_tabs(stage: Stage) -> tuple[Page, Page]:
    first = await stage.signed_in()
    return first, await stage.open("/other")


async def test_a_warning_dismissed_in_one_tab_is_gone_in_all(stage: Stage) -> None:
    first, second = await two_tabs(stage)
    await stage.pass_time(first, 1681)
    await second.clock.fast_forward(1681_000)
    await expect(dialog(first)).to_be_visible()
    await expect(dialog(second)).to_be_visible()
    await second.keyboard.press("Shift")
    await expect(dialog(second)).to_have_count(0)
    await expect(dialog(first)).to_have_count(0)


async def test_an_end_is_told_in_all_and_stay_stops_the_countdown_in_all(stage: Stage) -> None:
    first, second = await two_tabs(stage)
    stage.rig.session_event(state="ended", ended_by={"device": "Galaxy", "browser": "Firefox", "place": "KR"})
    for tab in (first, second):
        await expect(dialog(tab)).to_contain_text("You signed in somewhere else")
        await expect(dialog(tab)).to_contain_text("South Korea")
        await expect(tab.get_by_role("link", name="This wasn't me")).to_have_attribute(
            "href", f"{stage.shop}/.munjigi/not-me"
        )
    await dialog(second).get_by_role("button", name="Stay").click()
    for tab in (first, second):
        await expect(dialog(tab).get_by_role("timer")).to_contain_text("Paused")


async def test_one_countdown_leaves_every_tab(stage: Stage) -> None:
    first, second = await two_tabs(stage)
    stage.rig.session_event(state="ended")
    await expect(dialog(second)).to_be_visible()
    await stage.pass_time(first, 6)
    await second.clock.fast_forward(6_000)
    await expect(first).to_have_url(f"{stage.shop}/.munjigi/ended?return_to=%2Fpage&waited=1")
    await expect(second).to_have_url(f"{stage.shop}/.munjigi/ended?return_to=%2Fother&waited=1")


async def test_whoever_signs_in_again_in_one_tab_goes_on_in_all(stage: Stage) -> None:
    first, second = await two_tabs(stage)
    stage.rig.session_event(state="ended")
    await dialog(second).get_by_role("button", name="Stay").click()
    await stage.rig.project("session-2")
    stage.provider_signs_in(sid="session-2")
    await dialog(first).get_by_role("button", name="Sign in again").click()
    await expect(first).to_have_url(f"{stage.shop}/page")
    await expect(dialog(second)).to_have_count(0)
    assert await second.evaluate("fetch('/data').then((answer) => answer.status)") == 200


async def test_signing_out_in_one_tab_is_told_in_the_other(stage: Stage) -> None:
    first, second = await two_tabs(stage)
    await second.fill("#typed", "nobody else's")
    await second.clock.run_for(1500)
    assert await second.evaluate("sessionStorage.length") == 1
    await first.click("#leave")
    await second.evaluate("dispatchEvent(new Event('online'))")
    await expect(dialog(second)).to_contain_text("You signed out")
    assert await second.evaluate("sessionStorage.length") == 0


async def test_a_cookie_that_is_gone_tells_of_an_end_and_takes_nothing_that_was_typed(stage: Stage) -> None:
    page = await stage.signed_in()
    await page.fill("#typed", "half a letter")
    await stage.context.clear_cookies()
    await page.evaluate("dispatchEvent(new Event('online'))")
    await expect(dialog(page)).to_contain_text("This session is over")
    await stage.rig.project("session-2")
    stage.provider_signs_in(sid="session-2")
    await dialog(page).get_by_role("button", name="Go now").click()
    await expect(page).to_have_url(f"{stage.shop}/page")
    await expect(page.locator("#typed")).to_have_value("half a letter")


async def test_the_stream_is_held_by_one_tab_and_taken_over_by_the_next(stage: Stage) -> None:
    first, second = await two_tabs(stage)
    asked: list[str] = []
    second.on("request", lambda request: asked.append(request.url))
    assert not any(url.endswith("/session/events") for url in asked)
    async with second.expect_response("**/.munjigi/session/events"):
        await first.close()
    stage.rig.session_event(state="ended")
    await expect(dialog(second)).to_be_visible()


async def test_an_attempt_is_told_calmly_in_every_tab_and_once(stage: Stage) -> None:
    first, second = await two_tabs(stage)
    stage.rig.watch.attempted({**ATTEMPT, "outcome": "refused", "at": stage.rig.clock.timestamp()})
    for tab in (first, second):
        told = corner(tab)
        await expect(told).to_have_attribute("role", "status")
        await expect(told).to_contain_text("Someone tried to sign in to your account")
        await expect(told).to_contain_text("did not get in")
        await expect(told).to_contain_text("South Korea · SK Broadband")
        await expect(dialog(tab)).to_have_count(0)
    await expect(corner(first).get_by_role("link", name="This wasn't me")).to_have_attribute(
        "href", f"{stage.shop}/.munjigi/not-me"
    )
    await corner(second).get_by_role("button", name="This was me").click()
    for tab in (first, second):
        await expect(corner(tab)).to_have_count(0)
    async with first.expect_response("**/.munjigi/session/events"):
        await second.close()
        await first.reload()
    await first.evaluate("fetch('/.munjigi/session')")
    await expect(corner(first)).to_have_count(0)


async def test_not_me_ends_the_session_everywhere_and_leads_to_recovery(stage: Stage) -> None:
    page = await stage.signed_in()
    await page.goto(f"{stage.shop}/.munjigi/not-me")
    await page.get_by_role("button", name="Sign out everywhere").click()
    await expect(page.get_by_role("link", name="Choose a new password")).to_have_attribute(
        "href", "http://localhost:9000/recover"
    )
    assert "id_token_hint=id-token" in stage.led[0]
    assert "state=not_me" in stage.led[0]
