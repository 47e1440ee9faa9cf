"""The script's clock: it warns in time, keeps a session whose person is there, and is right after sleep and jumps."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from gateway.routes.route_file import load_route_table
from tests.gateway.rig import Rig, routes_file
from tests.gateway.stage import Stage, corner, dialog, staged

pytestmark = pytest.mark.browser
MINUTE = 60


@pytest.fixture
async def stage(rig: Rig) -> AsyncIterator[Stage]:
    async with staged(rig) as built:
        yield built


def left(stage: Stage) -> float:
    """Seconds until the session is over, as the server has it."""
    return stage.rig.sessions.cache.live["session-1"].idle_expires_at - stage.rig.clock.timestamp()


async def extension(stage: Stage, page: Page, seconds: float) -> dict[str, object]:
    """Let time go by until the page asks for an extension, and give what it asked."""
    async with page.expect_response("**/.munjigi/session/extend") as asked:
        await stage.pass_time(page, seconds)
    sent: dict[str, object] = (await asked.value).request.post_data_json
    return sent


async def test_the_warning_comes_in_time_and_a_key_takes_it_away(stage: Stage) -> None:
    page = await stage.signed_in()
    await page.fill("#typed", "half a letter")
    await stage.pass_time(page, 27 * MINUTE)
    await expect(dialog(page)).to_have_count(0)
    await stage.pass_time(page, 61)
    await expect(dialog(page)).to_contain_text("You will be signed out soon")
    await expect(dialog(page)).to_contain_text(re.compile(r"in 1 min 5\d s"))
    await expect(dialog(page).locator("svg.ring")).to_be_visible()
    await expect(dialog(page).get_by_role("button")).to_have_count(1)
    await expect(page.get_by_role("button", name="Keep me signed in")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(dialog(page)).to_have_count(0)
    await expect(page.locator("#typed")).to_be_focused()
    await expect(page.locator("#typed")).to_have_value("half a letter")
    assert left(stage) == pytest.approx(30 * MINUTE, abs=2)


async def test_a_pointer_takes_it_away_too(stage: Stage) -> None:
    page = await stage.signed_in()
    await stage.pass_time(page, 28 * MINUTE + 1)
    await expect(dialog(page)).to_be_visible()
    await page.mouse.move(40, 50)
    await expect(dialog(page)).to_have_count(0)
    assert left(stage) > 29 * MINUTE


async def test_it_is_read_out_at_its_start_and_once_more_at_thirty_seconds(stage: Stage) -> None:
    page = await stage.signed_in()
    await stage.pass_time(page, 28 * MINUTE + 1)
    aloud = dialog(page).locator("[aria-live=assertive]")
    await expect(dialog(page)).to_have_attribute("aria-describedby", "text")
    await expect(aloud).to_be_empty()
    await stage.pass_time(page, 92)
    await expect(aloud).to_have_text(re.compile(r"in 2\d s"))
    said = await aloud.inner_text()
    await stage.pass_time(page, 10)
    await expect(dialog(page).locator("#text")).to_have_text(re.compile(r"in 1\d s"))
    assert await aloud.inner_text() == said


async def test_it_can_be_put_off_more_than_ten_times(stage: Stage) -> None:
    page = await stage.signed_in()
    for _ in range(11):
        await stage.pass_time(page, 28 * MINUTE + 5)
        await expect(dialog(page)).to_be_visible()
        await page.keyboard.press("Space")
        await expect(dialog(page)).to_have_count(0)
        assert left(stage) > 29 * MINUTE


async def test_it_asks_by_itself_after_25_minutes_with_the_moment_of_the_last_key(stage: Stage) -> None:
    page = await stage.signed_in()
    await stage.pass_time(page, 20 * MINUTE)
    await page.locator("#typed").press("x")
    asked = await extension(stage, page, 5 * MINUTE + 2)
    assert asked == {"idle_for": pytest.approx(5 * MINUTE, abs=8)}
    assert left(stage) == pytest.approx(25 * MINUTE, abs=8)
    await expect(dialog(page)).to_have_count(0)


async def test_it_asks_without_a_key_too_and_nothing_is_extended(stage: Stage) -> None:
    page = await stage.signed_in()
    asked = await extension(stage, page, 25 * MINUTE + 5)
    assert asked == {"idle_for": pytest.approx(25 * MINUTE, abs=10)}
    assert left(stage) == pytest.approx(5 * MINUTE, abs=10)


async def test_polls_keep_nobody_signed_in(stage: Stage) -> None:
    page = await stage.signed_in()
    for _ in range(3):
        await stage.pass_time(page, 8 * MINUTE)
        assert await page.evaluate("fetch('/data').then((answer) => answer.status)") == 200
    assert left(stage) == pytest.approx(6 * MINUTE, abs=2)


async def test_a_zone_may_warn_after_so_much_inactivity(stage: Stage, tmp_path: Path) -> None:
    file = routes_file(tmp_path)
    file.write_text(file.read_text().replace("[zones.shop]", '[zones.shop]\nwarn = "after_idle 120"'))
    stage.rig.pipeline.use_table(load_route_table(file, runtime=tmp_path, port=8080))
    page = await stage.signed_in()
    await stage.pass_time(page, 60)
    await page.locator("#typed").press("x")
    await stage.pass_time(page, 100)
    await expect(dialog(page)).to_have_count(0)
    await stage.pass_time(page, 25)
    await expect(dialog(page)).to_contain_text(re.compile(r"in (27 min 5\d|28 min \d+) s"))
    await page.mouse.move(10, 10)
    await expect(dialog(page)).to_have_count(0)
    assert left(stage) > 29 * MINUTE


async def test_what_dictation_and_other_technology_type_counts_as_a_key(stage: Stage) -> None:
    page = await stage.signed_in()
    await page.focus("#typed")
    await stage.pass_time(page, 20 * MINUTE)
    await page.keyboard.insert_text("no key was pressed")
    asked = await extension(stage, page, 5 * MINUTE + 2)
    assert asked == {"idle_for": pytest.approx(5 * MINUTE, abs=8)}


async def test_what_a_script_pretends_is_nobodys_act(stage: Stage) -> None:
    page = await stage.signed_in()
    await stage.pass_time(page, 28 * MINUTE + 1)
    await expect(dialog(page)).to_be_visible()
    await page.evaluate(
        """() => {
          for (const kind of ["keydown", "pointermove", "input"]) {
            document.body.dispatchEvent(new Event(kind, { bubbles: true }));
          }
          document.querySelector("#typed").click();
        }"""
    )
    await page.evaluate("fetch('/.munjigi/session')")
    await expect(dialog(page)).to_be_visible()
    assert left(stage) < 2 * MINUTE


async def test_a_page_that_loads_by_itself_is_nobodys_act(stage: Stage) -> None:
    page = await stage.signed_in()
    await stage.pass_time(page, 20 * MINUTE)
    ahead = await stage.context.new_page()
    await ahead.set_extra_http_headers({"Sec-Purpose": "prefetch;prerender"})
    await page.close()
    await stage.open("/other", ahead)
    asked = await extension(stage, ahead, 5 * MINUTE + 2)
    assert asked == {"idle_for": pytest.approx(25 * MINUTE, abs=8)}


async def test_one_lost_file_takes_no_warning_along(stage: Stage) -> None:
    page = await stage.signed_in()
    await page.route("**/.munjigi/told.js*", lambda route: route.abort(), times=1)
    await stage.pass_time(page, 28 * MINUTE + 1)
    for _ in range(12):  # a second at a time: to draw every frame between would take as long as it says
        await page.clock.fast_forward(1000)
    await expect(dialog(page)).to_contain_text("You will be signed out soon")


@pytest.mark.parametrize("lost", ["told.js", "session/texts", "assets/munjigi"])
async def test_where_the_end_cannot_be_shown_the_page_is_left(stage: Stage, lost: str) -> None:
    page = await stage.signed_in()
    await page.fill("#typed", "half a letter")
    await page.route(re.compile(re.escape(f"/.munjigi/{lost}")), lambda route: route.fulfill(status=503))
    stage.rig.session_event(state="ended")
    await page.evaluate("fetch('/.munjigi/session')")
    for _ in range(3):
        await page.clock.run_for(1000)
    await page.clock.run_for(1000)
    await expect(page.get_by_role("heading")).to_have_text("You signed in somewhere else, so this session ended")
    assert page.url == f"{stage.shop}/.munjigi/ended?return_to=%2Fpage"


async def test_a_page_that_lets_in_few_scripts_has_its_dialogs_all_the_same(stage: Stage) -> None:
    stage.injected = True
    stage.policy = "default-src 'none'; script-src 'nonce-n'; connect-src https://api.example; style-src 'none'"
    page = await stage.signed_in()
    await stage.pass_time(page, 28 * MINUTE + 1)
    await expect(dialog(page)).to_contain_text("You will be signed out soon")
    assert await dialog(page).evaluate("(box) => getComputedStyle(box).display") != "none"
    assert await dialog(page).evaluate("(box) => getComputedStyle(box).borderRadius") != "0px", "it has its style"


async def test_the_longest_time_asks_for_nothing_and_is_said_once_more_when_it_is_time(
    stage: Stage, tmp_path: Path
) -> None:
    file = routes_file(tmp_path)
    file.write_text(file.read_text().replace("[zones.shop]", '[zones.shop]\nwarn = "after_idle 120"'))
    stage.rig.pipeline.use_table(load_route_table(file, runtime=tmp_path, port=8080))
    page = await stage.signed_in(absolute=20 * MINUTE)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "extend" in request.url else None)
    await stage.pass_time(page, 125)
    await expect(corner(page)).to_contain_text("reaches its longest time in 17 min 5")
    await stage.pass_time(page, 60)
    await expect(corner(page)).to_contain_text("in 16 min 5")
    await expect(corner(page).get_by_role("link")).to_have_attribute("href", re.compile("help/MJ-SESSION-021$"))
    await corner(page).get_by_role("button", name="OK").click()
    await page.clock.run_for(30_000)
    await expect(corner(page)).to_have_count(0)
    stage.rig.clock.advance(30)
    await stage.pass_time(page, 14 * MINUTE + 30)
    await expect(corner(page)).to_contain_text("reaches its longest time in 1 min")
    assert asked == []


async def test_the_longest_time_is_said_in_the_corner_and_work_goes_on(stage: Stage) -> None:
    page = await stage.signed_in(absolute=28 * MINUTE)
    await stage.pass_time(page, 26 * MINUTE + 1)
    await expect(corner(page)).to_contain_text("reaches its longest time in 1 min")
    await expect(dialog(page)).to_have_count(0)
    await corner(page).get_by_role("button", name="OK").click()
    await expect(corner(page)).to_have_count(0)
    await page.fill("#typed", "on and on")
    await stage.pass_time(page, 60)
    await expect(corner(page)).to_have_count(0)


async def test_without_a_key_it_ends_and_the_page_is_left(stage: Stage) -> None:
    page = await stage.signed_in()
    await stage.pass_time(page, 28 * MINUTE + 1)
    await expect(dialog(page)).to_be_visible()
    await stage.pass_time(page, 2 * MINUTE)
    await expect(dialog(page)).to_contain_text("signed out after a while")
    await expect(dialog(page).get_by_role("timer")).to_contain_text("Leaving this page in")
    await expect(page.get_by_role("button", name="Go now")).to_be_focused()
    await expect(dialog(page)).to_contain_text("If this browser remembers you")
    await expect(dialog(page)).to_contain_text("Get help with this MJ-SESSION-001")
    for name, code in {"Get help": "001", "If this browser remembers you": "023"}.items():
        link = dialog(page).get_by_role("link", name=name)
        address = f"{stage.shop}/.munjigi/help/MJ-SESSION-{code}?ref=corr-12345678"
        await expect(link).to_have_attribute("href", address)
    await stage.pass_time(page, 5)
    await expect(page).to_have_url(f"{stage.shop}/.munjigi/ended?return_to=%2Fpage&waited=1")
    again = page.get_by_role("link", name="Sign in again")
    await expect(again).to_have_attribute("href", "/.munjigi/sign-in?return_to=/page")


async def test_the_countdown_can_be_stopped_and_the_page_seen(stage: Stage) -> None:
    page = await stage.signed_in()
    await stage.pass_time(page, 30 * MINUTE + 1)
    await dialog(page).get_by_role("button", name="Stay").click()
    await expect(dialog(page).get_by_role("timer")).to_have_text(re.compile("Paused"))
    await stage.pass_time(page, 60)
    await expect(page).to_have_url(f"{stage.shop}/page")
    await page.keyboard.press("Escape")
    await expect(dialog(page)).to_have_count(0)
    await expect(corner(page).get_by_role("button", name="Sign in again")).to_be_visible()


async def test_a_laptop_that_slept_learns_at_once_that_it_is_over(stage: Stage) -> None:
    page = await stage.signed_in()
    stage.rig.clock.advance(45 * MINUTE)
    stage.rig.beat()
    await page.clock.set_system_time(stage.rig.clock.now())  # the other clock of the page stood still
    await page.clock.run_for(1000)
    await expect(dialog(page)).to_contain_text("signed out after a while")


@pytest.mark.parametrize("hours", [2, 0.475, -2])
async def test_a_wrong_clock_of_the_page_ends_nothing_and_warns_of_nothing(stage: Stage, hours: float) -> None:
    page = await stage.signed_in()
    async with page.expect_response(re.compile("/.munjigi/session")) if hours > 0 else nullcontext():
        await page.clock.set_system_time(stage.rig.clock.now() + timedelta(hours=hours))
        await page.clock.run_for(2000)
    await expect(dialog(page)).to_have_count(0)
    await stage.pass_time(page, 28 * MINUTE + 1)
    await expect(dialog(page)).to_contain_text("You will be signed out soon")
    await expect(dialog(page)).to_contain_text("in 1 min")
