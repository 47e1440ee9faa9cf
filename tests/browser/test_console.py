"""The console, as an administrator works with it: lists, objects, acts with their reasons, keys."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pyotp
import pytest
from playwright.sync_api import Page, expect

from tests.axe import assert_accessible
from tests.browser.conftest import People, Person, confirm
from tests.browser.looks import in_each_dress
from tests.house import House

pytestmark = pytest.mark.browser

PATHS = ("/sessions", "/people", "/resets", "/organisations", "/deliveries", "/policy", "/policy/1")


def test_a_customer_is_told_why_not(house: House, people: People, console: str) -> None:
    jun = people.arrive(locale="ko-KR")
    jun.page.goto(f"{console}/people")
    jun.give_password("jun", house.password("jun"))
    jun.give_code(pyotp.TOTP(house.totp_secret("jun")).at(datetime.now(UTC)))
    expect(jun.page.locator("h1")).to_have_text("여기에 들어갈 권한이 없어요")
    jun.page.get_by_role("link", name="도움말 보기").click()
    expect(jun.page.locator("h1")).to_have_text("여기에 들어갈 권한이 없어요")
    expect(jun.page.locator("#help-code")).to_have_text("MJ-GATEWAY-216")
    expect(jun.page.locator("#help-reference")).to_be_visible()
    expect(jun.page.locator("#help-copy")).to_be_visible()
    assert_accessible(jun.page)


def test_what_an_administrator_does(house: House, people: People, administrator: Person, console: str) -> None:
    page = administrator.page
    mina = people.arrive()
    mina.sign_in("mina")
    mina.is_in_the_shop()

    row = page.get_by_role("row", name=re.compile("김미나"))
    expect(row).to_be_visible(timeout=10_000)  # the list is fresh by itself
    row.get_by_role("button", name="End session").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("김미나 is signed out of")
    dialog.get_by_role("button", name="End session").click()
    expect(dialog.get_by_role("alert")).to_contain_text("Give a reason")
    assert_accessible(page)
    confirm(page, "End session", "the console's test")
    expect(page.locator("#said")).to_contain_text("The session of 김미나 has ended.")
    expect(row).to_have_count(0)
    expect(mina.page.locator('dialog[role="alertdialog"]')).to_contain_text("관리자가", timeout=2_000)

    page.goto(f"{console}/people?name=mina")
    expect(page.get_by_label("Name or sign-in name")).to_have_value("mina")
    page.get_by_role("link", name="김미나").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("김미나")
    expect(page.get_by_role("row", name=re.compile("signed in"))).to_contain_text("by an administrator")
    page.get_by_role("button", name="Lock account").click()
    confirm(page, "Lock account", "the console's test")
    expect(page.locator("#said")).to_contain_text("is locked")
    page.get_by_role("button", name="Unlock account").click()
    confirm(page, "Unlock account", "the console's test")
    expect(page.get_by_role("button", name="Lock account")).to_be_visible()

    page.goto(f"{console}/people?name=jun")
    page.locator("tbody a").first.click()
    page.get_by_role("button", name="Ask for a reset").click()
    expect(page.get_by_role("dialog")).to_contain_text("works once another administrator agrees")
    confirm(page, "Ask for a reset", "the console's test")
    expect(page.locator("#said")).to_contain_text("Now another administrator has to agree")
    expect(page.locator(".notice.warning strong")).to_have_text(re.compile(r"^\d{4}( \d{4}){4}$"))
    expect(page.get_by_role("button", name="Ask for a reset")).to_have_count(0)
    expect(page.get_by_role("button", name="Agree")).to_have_count(0)
    assert_accessible(page)
    page.goto(f"{console}/resets?state=asked")
    expect(page.get_by_role("row", name=re.compile("waits for a second administrator"))).to_have_count(1)
    assert_accessible(page)
    page.get_by_role("button", name="Refuse").click()
    confirm(page, "Refuse", "the console's test")
    expect(page.locator("#said")).to_contain_text("It is refused")

    page.goto(f"{console}/organisations")
    page.locator("tbody a").first.click()
    page.get_by_label("The new one takes over without asking").check()
    page.get_by_label("Phone").fill("02-123-4567")
    page.get_by_role("button", name="Save").click()
    confirm(page, "Save", "the console's test")
    page.reload()
    expect(page.get_by_label("The new one takes over without asking")).to_be_checked()
    expect(page.get_by_label("Phone")).to_have_value("02-123-4567")
    page.get_by_label("Ask the person").check()
    page.get_by_role("button", name="Save").click()
    confirm(page, "Save", "as it was")


def objects(page: Page, console: str) -> list[str]:
    """A person, an organisation and a session that there are, as the lists name them."""
    found = []
    for path in ("/people", "/organisations", "/sessions"):
        page.goto(f"{console}{path}")
        address = page.locator(f'tbody a[href^="{path}/"]').first.get_attribute("href")
        assert address is not None
        found.append(address)
    return found


@in_each_dress
def test_every_page_is_accessible(administrator: Person, console: str, width: int, theme: str, locale: str) -> None:
    page = administrator.page
    page.set_viewport_size({"width": width, "height": 900})
    for path in (*PATHS, *objects(page, console)):
        page.goto(f"{console}{path}?theme={theme}&locale={locale}")
        expect(page.locator("#view [aria-busy]")).to_have_count(0)
        expect(page.locator("#view .list, #view .object").first).to_be_visible()
        assert page.locator("html").get_attribute("lang") == locale
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        assert_accessible(page)


def test_without_scripts_a_page_says_that_it_needs_them(people: People, administrator: Person, console: str) -> None:
    plain = people.arrive(locale="en-GB", scripts=False)
    plain.context.add_cookies(administrator.context.cookies())  # type: ignore[arg-type] # a TypedDict of the same form
    plain.page.goto(f"{console}/people?locale=en")
    assert "This page needs JavaScript" in plain.page.content()  # in noscript, which Playwright does not show


def test_by_keyboard_alone(administrator: Person, console: str) -> None:
    page = administrator.page
    expect(page.locator("tbody tr").first).to_be_visible()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("Keyboard shortcuts")
    assert_accessible(page)
    page.keyboard.press("Escape")
    page.keyboard.press("g")
    page.keyboard.press("p")
    expect(page).to_have_url(f"{console}/people")
    expect(page.locator("tbody tr")).to_have_count(4)
    page.keyboard.press("/")
    page.keyboard.type("so")
    expect(page).to_have_url(f"{console}/people?name=so")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.keyboard.press("Escape")
    page.goto(f"{console}/people?name=mina")
    page.get_by_role("link", name="김미나").press("Enter")
    lock = page.get_by_role("button", name="Lock account")
    lock.press("Enter")
    expect(page.get_by_role("dialog").get_by_label("Reason")).to_be_focused()
    page.keyboard.press("Escape")
    expect(lock).to_be_focused()
    page.goto(f"{console}/sessions")
    page.locator('tbody a[href^="/sessions/"]').first.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Session of")
    expect(page.locator("#view")).to_contain_text("This is you")
    expect(page.locator("#view")).to_contain_text("munjigi-gateway")
    page.goto(f"{console}/people")
    page.get_by_role("button", name="Shortcuts").press("Enter")
    page.get_by_label("Switch shortcuts off").check()
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_have_count(0)
