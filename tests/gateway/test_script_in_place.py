"""A request that needs a new or a stronger sign-in waits for it in place, and then goes on as it was (E2, E6)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from gateway.routes.route_file import load_route_table
from tests.gateway.rig import ISSUER, Rig, routes_file
from tests.gateway.stage import Stage, corner, dialog, staged

pytestmark = pytest.mark.browser
SENSITIVE = """
[[routes]]
address = "shop.localhost:8080"
path = "/orders"
zone = "shop"
upstream = "commerce"
step_up = { methods = ["POST"], path = "/orders/*/pay", acr = 2 }
"""
POST = """async () => {
  const options = { method: "POST", headers: { "content-type": "application/json" }, body: '{"a": 1}' };
  fetch(self.target, options).then((answer) => { document.title = answer.status; });
}"""


@pytest.fixture
async def stage(rig: Rig, tmp_path: Path) -> AsyncIterator[Stage]:
    file = routes_file(tmp_path)
    file.write_text(file.read_text() + SENSITIVE)
    rig.pipeline.use_table(load_route_table(file, runtime=tmp_path, port=8080))
    async with staged(rig) as built:
        yield built


async def post(page: Page, target: str) -> None:
    """The page sends something by a script, and waits."""
    await page.evaluate("(target) => { self.target = target; }", target)
    await page.evaluate(POST)


async def answered(page: Page, status: int) -> None:
    """What `post` sent has come to its answer."""
    await expect(page).to_have_title(str(status))


async def in_window(stage: Stage, page: Page, button: str) -> Page:
    """The window in which the person signs in."""
    await expect(dialog(page)).to_contain_text("After that, what you were doing goes on")
    async with stage.context.expect_page() as opened:
        await dialog(page).get_by_role("button", name=button).click()
    window = await opened.value
    await expect(window.get_by_role("heading")).to_have_text("Provider")
    assert window.url.startswith(f"{ISSUER}/authorize?"), "typed at the identity provider alone"
    return window


async def closed(window: Page) -> None:
    if not window.is_closed():
        await window.wait_for_event("close")


async def test_a_request_after_the_end_goes_on_once_its_person_is_back(stage: Stage) -> None:
    page = await stage.signed_in()
    await page.fill("#typed", "half a letter")
    stage.rig.session_event(state="ended")
    await dialog(page).get_by_role("button", name="Stay").click()
    await dialog(page).get_by_role("button", name="Look at this page").click()
    await post(page, "/data")
    await expect(dialog(page)).to_contain_text("You signed in somewhere else")
    await stage.rig.project("session-2")
    stage.provider_signs_in(sid="session-2", asks=True)
    window = await in_window(stage, page, "Sign in again")
    await expect(dialog(page).get_by_role("status")).to_contain_text("the window that has opened")
    await window.get_by_role("button").click()
    await closed(window)
    await answered(page, 200)
    assert [sent["body"] for sent in stage.received] == ['{"a": 1}']
    await expect(dialog(page)).to_have_count(0)
    await expect(corner(page)).to_contain_text("signed in again, and going back to where you were")
    await expect(page.locator("#typed")).to_have_value("half a letter")


async def test_a_request_that_needs_a_stronger_sign_in_goes_on_after_it(stage: Stage) -> None:
    page = await stage.signed_in()
    await post(page, "/orders/7/pay")
    await expect(dialog(page)).to_contain_text("One more check")
    assert stage.answers == [401]
    stage.provider_signs_in(asks=True)
    window = await in_window(stage, page, "Confirm it's me")
    assert "acr_values=urn%3Amunjigi%3Aacr%3A2" in window.url
    await window.get_by_role("button").click()
    await closed(window)
    await answered(page, 200)
    assert stage.received == [{"path": "/orders/7/pay", "body": '{"a": 1}'}]


async def test_whoever_says_not_now_gets_the_answer_that_came(stage: Stage) -> None:
    page = await stage.signed_in()
    await post(page, "/orders/7/pay")
    await dialog(page).get_by_role("button", name="Not now").click()
    await answered(page, 401)
    await expect(dialog(page)).to_have_count(0)
    assert stage.received == []


async def test_a_form_asks_first_and_then_the_very_same_form_goes(stage: Stage) -> None:
    stage.script = """
    for (const name of ["requestSubmit", "elements"]) {
      const field = document.createElement("input");
      Object.assign(field, { name, type: "hidden" });
      document.querySelector("#order").prepend(field);
    }"""
    stage.action = "/orders/7/pay"
    page = await stage.signed_in()
    await page.fill("[name=address]", "Busan")
    await page.get_by_role("button", name="Send").click()
    await expect(dialog(page)).to_contain_text("One more check")
    assert stage.received == []
    stage.provider_signs_in(asks=True)
    window = await in_window(stage, page, "Confirm it's me")
    await window.get_by_role("button").click()
    await expect(page.locator("h1")).to_have_text("Sent to /orders/7/pay")
    assert "address=Busan" in stage.received[0]["body"]
    assert stage.received[0]["body"].endswith("&token=t-1&way=fast"), "its submitter goes with it"


async def test_a_form_sent_after_the_end_waits_as_well(stage: Stage) -> None:
    page = await stage.signed_in()
    await page.fill("[name=address]", "Busan")
    stage.rig.session_event(state="ended")
    stay = dialog(page).get_by_role("button", name="Stay")
    await stay.click()
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="Send").click()
    await stage.rig.project("session-2")
    stage.provider_signs_in(sid="session-2", asks=True)
    window = await in_window(stage, page, "Sign in again")
    await window.get_by_role("button").click()
    await expect(page.locator("h1")).to_have_text("Sent to /orders")
    assert "address=Busan" in stage.received[0]["body"]


async def test_where_windows_are_blocked_the_page_itself_goes_and_comes_back_as_it_was(stage: Stage) -> None:
    stage.script = "window.open = () => null;"
    stage.action = "/orders/7/pay"
    page = await stage.signed_in()
    await page.fill("[name=address]", "Busan")
    stage.provider_signs_in()
    await page.get_by_role("button", name="Send").click()
    await dialog(page).get_by_role("button", name="Confirm it's me").click()
    await expect(corner(page)).to_contain_text("What you were typing is back")
    await expect(page.locator("[name=address]")).to_have_value("Busan")
    await page.get_by_role("button", name="Send").click()
    await expect(page.locator("h1")).to_have_text("Sent to /orders/7/pay")


async def test_nothing_goes_on_in_the_name_of_somebody_else(stage: Stage) -> None:
    page = await stage.signed_in()
    await page.fill("[name=note]", "for my eyes only")
    await post(page, "/orders/7/pay")
    stage.provider_signs_in(sub="lee", asks=True)
    window = await in_window(stage, page, "Confirm it's me")
    await window.get_by_role("button").click()
    await expect(window.get_by_role("heading")).to_have_text("Somebody else signed in")
    assert stage.received == []

    await stage.give_cookie(secret="d" * 43, sid="session-2", sub="lee")
    await stage.rig.project("session-2")
    await stage.open("/other")
    await expect(dialog(page)).to_contain_text("Somebody else signed in")
    await answered(page, 401)
    assert stage.received == []
    assert await page.evaluate("Object.keys(sessionStorage).length") == 0


async def test_somebody_elses_cookie_carries_nothing_that_this_ones_page_sends(stage: Stage) -> None:
    page = await stage.signed_in()
    await stage.give_cookie(secret="d" * 43, sid="session-2", sub="lee")
    await stage.rig.project("session-2")
    await page.route("**/data", lambda route: route.fulfill(status=401, headers=CHALLENGE), times=1)
    await post(page, "/data")
    await answered(page, 401)
    await expect(dialog(page)).to_contain_text("Somebody else signed in")
    assert await page.evaluate("fetch('/data', { method: 'POST' }).catch((error) => error.name)") == "AbortError"
    await page.evaluate("document.querySelector('#order button').click()")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await page.clock.fast_forward(29 * 60 * 1000)
    theirs = await stage.context.new_page()
    async with theirs.expect_response("**/.munjigi/session/events"):  # the lock was given up
        await stage.open("/other", theirs)
    assert stage.received == []
    assert asked == []


async def test_a_form_that_a_page_keeps_goes_on_for_its_own_person_alone(stage: Stage) -> None:
    stage.action = "/orders/7/pay"
    page = await stage.signed_in()
    await page.fill("[name=address]", "Busan")
    await page.evaluate("document.querySelector('#order').submit()")  # past the script
    waits = page.get_by_role("heading", name="Confirm it’s you")
    await expect(waits).to_be_visible()
    news = page.locator("#news")

    async def signs_in(**who: object) -> None:
        await stage.give_cookie(secret=stage.rig.entropy.token(32), **who)
        await stage.rig.project(str(who["sid"]))
        window = await stage.context.new_page()
        await window.goto(f"{stage.shop}/.munjigi/done")

    await signs_in(sid="session-2", sub="lee", acr="urn:munjigi:acr:2")
    await expect(news).to_contain_text("Another account is signed in now")
    await page.get_by_role("button", name="Go on").click()
    await expect(waits).to_be_visible()
    await stage.context.clear_cookies()
    await page.get_by_role("button", name="Go on").click()
    await expect(news).to_contain_text("not signed in yet")
    assert stage.received == []
    await signs_in(sid="session-3", acr="urn:munjigi:acr:2")
    await expect(page.locator("h1")).to_have_text("Sent to /orders/7/pay")
    assert "address=Busan" in stage.received[0]["body"]


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_poll_opens_no_dialog_and_keeps_nobody_on_an_ended_page(stage: Stage, method: str) -> None:
    stage.script = f"""
    self.poll = () => {{
      fetch("/data", {{ method: "{method}" }}).then((answer) => {{ document.title = answer.status; }});
    }};"""
    page = await stage.signed_in()
    quiet = await stage.context.new_cdp_session(page)

    async def by_itself(expression: str) -> object:
        asked = {"expression": expression, "userGesture": False}
        return (await quiet.send("Runtime.evaluate", asked))["result"].get("value")

    for _ in range(75):  # what drives the browser counts as its person, for some seconds
        if not await by_itself("navigator.userActivation.isActive"):
            break
        await asyncio.sleep(0.2)
    await stage.pass_time(page, 29)
    await page.clock.pause_at(stage.rig.clock.now() + timedelta(minutes=5))
    stage.rig.session_event(state="ended")
    await expect(dialog(page)).to_be_visible()
    await by_itself("poll()")
    await answered(page, 401)
    await expect(dialog(page).get_by_role("timer")).to_be_visible()
    for _ in range(6):
        await page.clock.fast_forward(1000)
    await expect(page).to_have_url(f"{stage.shop}/.munjigi/ended?return_to=%2Fpage&waited=1")


async def test_a_cookie_that_was_renewed_meanwhile_is_no_matter_for_a_person(stage: Stage) -> None:
    page = await stage.signed_in()
    await page.route("**/data", lambda route: route.fulfill(status=401, headers=CHALLENGE), times=1)
    assert await page.evaluate("fetch('/data').then((answer) => answer.status)") == 200
    await expect(dialog(page)).to_have_count(0)


CHALLENGE = {"www-authenticate": 'Bearer realm="munjigi", error="invalid_token"'}


async def test_a_page_may_say_that_its_fetch_is_its_own(stage: Stage) -> None:
    stage.head = '<meta name="munjigi" content="no-fetch">'
    page = await stage.signed_in()
    assert await page.evaluate("/native code/.test(String(fetch))")
    await post(page, "/orders/7/pay")
    await answered(page, 401)
    await expect(dialog(page)).to_have_count(0)


async def test_what_is_not_the_gateways_is_left_alone(stage: Stage) -> None:
    page = await stage.signed_in()
    basic = {"www-authenticate": 'Basic realm="the service itself"'}
    await page.route("**/data", lambda route: route.fulfill(status=401, headers=basic))
    assert await page.evaluate("fetch('/data').then((answer) => answer.status)") == 401
    await expect(dialog(page)).to_have_count(0)
