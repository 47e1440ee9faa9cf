"""Question 5 of the first topic, as people live it: a sign-in that fails, one that no longer fits, one that is too
weak, and the way back in. (What time does stands in test_question_5_idle.py.)

Every scenario is lived in Korean at 320 px in the dark, and in English at 1280 px in the light.
"""

from __future__ import annotations

import json
import re
from http import HTTPStatus
from urllib.error import HTTPError
from urllib.parse import urljoin, urlsplit
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.browser import meanwhile
from tests.browser.conftest import People, Person
from tests.browser.looks import Look, by_keyboard, in_each_look
from tests.house import House

pytestmark = pytest.mark.browser

HELD = re.compile("예약됐어요|held for you")


def asking(page: Page) -> Locator:
    """The dialog in which a page asks for a sign-in."""
    return page.get_by_role("alertdialog")


def on_a_known_device(house: House, people: People, look: Look, *, scripts: bool = True) -> Person:
    """The person of this look, signed in by password alone, as on every day but the first."""
    person = look.arrive(people, scripts=scripts)
    person.sign_in(look.person)
    person.is_in_the_shop()
    signs_out(person)
    person.open_shop()
    person.give_password(look.person, house.password(look.person))
    person.is_in_the_shop()
    return person


def reserve(person: Person) -> str:
    """The address of a new reservation; what stands open is the form that cancels it."""
    page = person.page
    page.goto(f"{person.house.shop}")
    form = page.locator("form[data-reserve]").first
    if page.evaluate("typeof self.munjigi") == "undefined":
        form.locator("button").click()
        expect(page).to_have_url(re.compile(r"/reservations/"))
    else:
        form.locator("button").click()
        expect(form.locator("[data-result]")).to_contain_text(HELD)
        page.goto(f"{person.house.shop}reservations")
        page.locator("section.card h2 a").first.click()
    while state(page).get_attribute("data-state") == "QUEUED":
        page.reload()
    address = page.url
    page.goto(f"{address}/cancel")
    return address


def state(page: Page) -> Locator:
    """How a reservation stands, on its page."""
    return page.locator(".badge[data-state]")


def signs_out(person: Person) -> None:
    """By the page's own button, to the end of the way."""
    person.page.locator('form[action="/.munjigi/sign-out"] button').click()
    expect(person.page).to_have_url(re.compile("signed-out"))


def proves(house: House, look: Look, window: Page) -> None:
    """The person gives what the identity provider asks for, at its own origin."""
    expect(window.locator("#password, #code").first).to_be_visible()
    assert window.url.startswith(house.issuer)
    if window.locator("#password").count():
        if window.locator("#identifier").count():
            window.locator("#identifier").fill(look.person)
        window.locator("#password").fill(house.password(look.person))
        window.keyboard.press("Enter")


@in_each_look
def test_a_failed_sign_in_keeps_its_form_at_hand(house: House, people: People, look: Look) -> None:
    person = look.arrive(people)
    page = person.page
    person.open_shop()
    look.is_sound(page)
    look.picture(page, "sign-in", whole=True)
    dialog = page.locator("dialog#failed")
    page.locator("#identifier").fill(look.person)
    for failure in (1, 2, 3):
        page.locator("#password").fill("not the password")
        with page.expect_response(lambda answer: answer.request.method == "POST"):
            page.keyboard.press("Enter")
        expect(dialog).to_be_visible()
        expect(dialog.locator("#password")).to_be_focused()
        expect(dialog.locator("#password")).to_have_value("")
        expect(dialog.locator("[data-help-in-detail]")).to_be_visible(visible=failure == 3)
        if failure == 1:
            expect(page).to_have_url(house.sign_in_page)
            look.is_sound(page)
            look.picture(page, "failed")
    more = dialog.locator("[data-help-in-detail]")
    reference = more.locator("[data-reference]").inner_text()
    assert reference
    support = more.locator("[data-support-mail]").get_attribute("href") or ""
    assert support.startswith("mailto:help@dalbit.localhost?")
    assert reference in support
    look.is_sound(page)
    look.picture(page, "failed-again")
    recover = more.locator("a[href^='/recover']")
    expect(recover).to_be_visible()

    page.locator("#password").fill(house.password(look.person))
    before = house.mails(look.person)
    page.keyboard.press("Enter")
    expect(page).not_to_have_url(house.sign_in_page)
    if person.is_asked_for_a_mailed_code():
        person.give_code(house.mailed_code(look.person, before))
    person.is_in_the_shop()


@in_each_look
def test_a_request_under_way_while_the_session_ends_goes_on(house: House, people: People, look: Look) -> None:
    person = on_a_known_device(house, people, look)
    page = person.page

    def hold(route: Route) -> None:
        meanwhile.an_administrator_ends_the_session(house, look.person)
        route.continue_()

    page.route("**/reservations", hold, times=1)
    form = page.locator("form[data-reserve]").first
    form.locator("button").click()
    expect(asking(page)).to_contain_text(look.words("마치면 하던 일이 그대로 이어져요", "what you were doing goes on"))
    expect(asking(page).locator(".primary")).to_be_focused()
    look.is_sound(page)
    look.picture(page, "mismatch")
    with person.context.expect_page() as opened:
        page.keyboard.press("Enter")
    window = opened.value
    proves(house, look, window)
    expect(form.locator("[data-result]")).to_contain_text(look.words("예약", "eserv"))
    expect(asking(page)).to_have_count(0)
    if not window.is_closed():
        window.wait_for_event("close")


@in_each_look
def test_a_form_that_matters_asks_for_a_factor_and_goes_on(house: House, people: People, look: Look) -> None:
    person = on_a_known_device(house, people, look)
    page = person.page
    reserve(person)
    page.locator("#reason").fill(look.words("다른 날로 옮기려고요", "I will come another day"))
    by_keyboard(page, page.locator("button.danger"))
    expect(asking(page)).to_contain_text(look.words("한 번 더 확인할게요", "One more check"))
    look.is_sound(page)
    look.picture(page, "step-up")
    before = house.mails(look.person)
    with person.context.expect_page() as opened:
        page.keyboard.press("Enter")
    window = opened.value
    expect(window).to_have_url(re.compile(re.escape(house.issuer)))
    proves_with_code(house, look, window, before)
    expect(state(page)).to_have_attribute("data-state", "CANCELLED")


@in_each_look
def test_a_fetch_that_matters_asks_for_a_factor_and_goes_on(house: House, people: People, look: Look) -> None:
    person = on_a_known_device(house, people, look)
    page = person.page
    address = reserve(person)
    page.evaluate(
        """(address) => {
          const body = new URLSearchParams(new FormData(document.querySelector(`form[action$="/cancel"]`)));
          fetch(`${address}/cancel`, { method: "POST", body });
        }""",
        address,
    )
    expect(asking(page)).to_contain_text(look.words("한 번 더 확인할게요", "One more check"))
    before = house.mails(look.person)
    with person.context.expect_page() as opened:
        page.keyboard.press("Enter")
    with page.expect_response(lambda answer: answer.url.endswith("/cancel") and answer.status < HTTPStatus.BAD_REQUEST):
        proves_with_code(house, look, opened.value, before)
    page.goto(address)
    expect(state(page)).to_have_attribute("data-state", "CANCELLED")


@in_each_look
def test_without_scripts_the_form_waits_in_a_page(house: House, people: People, look: Look) -> None:
    person = on_a_known_device(house, people, look, scripts=False)
    page = person.page
    reserve(person)
    page.locator("#reason").fill("another day")
    page.locator("button.danger").click()
    expect(page.locator("#confirm")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= look.width
    look.picture(page, "step-up-without-scripts", whole=True)
    before = house.mails(look.person)
    with person.context.expect_page() as opened:
        page.locator("#confirm").click()
    proves_with_code(house, look, opened.value, before)
    expect(opened.value.locator("h1")).to_have_text(look.words("확인했어요", "That's done"))
    page.locator("#kept button").click()
    expect(state(page)).to_have_attribute("data-state", "CANCELLED")


def proves_with_code(house: House, look: Look, window: Page, before: list[dict[str, object]]) -> None:
    """Password first, where it is asked for again; then the code that was mailed."""
    proves(house, look, window)
    expect(window.locator("#code")).to_be_visible()
    window.locator("#code").fill(house.mailed_code(look.person, before))
    window.keyboard.press("Enter")


@in_each_look
def test_a_program_is_told_by_a_code_with_help(house: House, people: People, look: Look) -> None:
    shop = urlsplit(house.shop)
    asked = Request(
        f"http://127.0.0.1:{shop.port}/api/products", headers={"Host": shop.netloc, "Accept": "application/json"}
    )
    with pytest.raises(HTTPError) as refused:
        urlopen(asked, timeout=5)
    with refused.value as answer:
        assert answer.code == HTTPStatus.UNAUTHORIZED
        assert answer.headers["Content-Type"].startswith("application/problem+json")
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        problem = json.load(answer)
    assert problem["correlation_id"] == answer.headers["Munjigi-Correlation-Id"]
    reader = look.arrive(people)
    reader.page.goto(urljoin(house.shop, problem["type"]))
    expect(reader.page.locator("#help-code")).to_have_text(problem["code"])
    look.is_sound(reader.page)
    look.picture(reader.page, "help", whole=True)

    person = on_a_known_device(house, people, look)
    address = reserve(person)
    person.page.route("**/.munjigi/session.js", lambda route: route.abort())  # which would ask the person
    person.page.goto(address)
    status, challenge, code = person.page.evaluate(
        """async (address) => {
          const headers = { Accept: "application/json" };
          const answer = await fetch(`${address}/cancel`, { method: "POST", headers, body: new URLSearchParams() });
          return [answer.status, answer.headers.get("www-authenticate"), (await answer.json()).code];
        }""",
        address,
    )
    assert status == HTTPStatus.UNAUTHORIZED
    assert 'error="insufficient_user_authentication"' in challenge
    assert 'acr_values="urn:munjigi:acr:2"' in challenge
    assert "max_age" not in challenge, "what is fresh already is not asked for"
    assert code.startswith("MJ-")


@in_each_look
def test_a_sign_in_page_that_is_stale_begins_anew(house: House, people: People, look: Look) -> None:
    person = look.arrive(people)
    person.open_shop()
    meanwhile.the_time_of_all_logins_is_over(house)
    other = person.context.new_page()
    other.goto(house.shop)
    stale = person.page.url
    person.give_password(look.person, house.password(look.person))
    expect(person.page).not_to_have_url(stale)
    expect(person.page).to_have_url(house.sign_in_page)  # a new one, in place of an error
    look.is_sound(person.page)
    before = house.mails(look.person)
    person.give_password(look.person, house.password(look.person))
    expect(person.page).not_to_have_url(house.sign_in_page)
    if person.is_asked_for_a_mailed_code():
        person.give_code(house.mailed_code(look.person, before))
    person.is_in_the_shop()
    other.locator("#identifier").fill(look.person)  # the other tab, left open meanwhile
    other.locator("#password").fill(house.password(look.person))
    other.keyboard.press("Enter")
    expect(other).to_have_url(house.shop)


@in_each_look
def test_a_remembered_browser_and_one_that_copied_it(house: House, people: People, look: Look) -> None:
    person = look.remembered(house, people)
    copied = person.context.cookies(house.issuer)
    for _ in range(2):
        signs_out(person)
        person.open_shop()
        expect(person.page.locator(".person")).to_be_visible()
        expect(person.page.locator("#identifier")).to_have_count(0)
        expect(person.page.locator("#password")).to_be_focused()
        look.is_sound(person.page)
        person.page.keyboard.type(house.password(look.person))
        person.page.keyboard.press("Enter")
        person.is_in_the_shop()

    thief = look.arrive(people)
    thief.context.add_cookies([cookie for cookie in copied if cookie["name"] != "__Host-munjigi-session"])  # type: ignore[arg-type] # a TypedDict of the same form
    before = house.mails(look.person)
    thief.open_shop()
    expect(thief.page.locator("#identifier")).to_be_visible()
    expect(thief.page.locator(".person")).to_have_count(0)
    expect(asking(person.page)).to_be_visible()  # the session is not left to whoever has the cookie
    person.page.goto(house.shop + "orders")
    person.open_shop()
    expect(person.page.locator("#identifier")).to_be_visible()
    told = meanwhile.mail(house, look.person, before, look.words("기억해 둔 브라우저", "browser you let us remember"))
    assert re.search(r"not-me\?", str(told["text"]))
