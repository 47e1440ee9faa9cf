"""A link by mail and a code by text, in a real browser: two browsers, a mail scanner, and the local inbox."""

from __future__ import annotations

import json
import re
import time
from urllib.parse import quote
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import expect

from tests.axe import assert_accessible
from tests.browser.conftest import People, Person
from tests.browser.test_way_in import in_the_mail
from tests.house import House

pytestmark = pytest.mark.browser

NUMBER = "+821055501234"


def ask(person: Person, house: House, name: str) -> str:
    """Type a name at the sign-in page, have a link mailed, and read the mail."""
    person.open_shop()
    expect(person.page).to_have_url(house.sign_in_page)
    person.page.locator("#identifier").fill(name)
    person.page.locator("summary").last.click()
    person.page.locator('button[value="ask"]').click()
    expect(person.page.locator("#digits")).to_be_visible()
    return in_the_mail(house, person, name, re.escape(house.issuer) + r"/sign-in/mail/open\?token=[A-Za-z0-9_-]+")


def scan(link: str) -> None:
    """As mail scanners do: `HEAD` and `GET`, from nowhere that the person is."""
    for method in ("HEAD", "GET"):
        with urlopen(Request(link, method=method, headers={"User-Agent": "scanner"}), timeout=5) as answer:
            assert answer.status == 200


def text_to(house: House, number: str) -> str:
    """The newest text message to a number, once it is there."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with urlopen(f"{house.inbox}api/messages?to={quote(number)}&limit=1", timeout=5) as answer:
            found = json.load(answer)["messages"]
        if found:
            assert found[0]["channel"] == "text"
            return str(found[0]["text"])
        time.sleep(0.05)
    raise AssertionError(f"no text came to {number}")


def test_a_link_signs_in_where_it_was_asked_for_and_the_page_that_waits_follows(house: House, people: People) -> None:
    person = people.arrive(locale="en-GB")
    link = ask(person, house, "sora")
    assert_accessible(person.page)
    scan(link)
    tab = person.context.new_page()
    tab.goto(link)
    assert_accessible(tab)
    expect(tab.locator("main button")).to_have_count(1)
    tab.locator("main button").click()
    expect(tab).to_have_url(house.shop)
    person.page.bring_to_front()
    person.is_in_the_shop()  # the tab that waited looks every few seconds


def test_another_browser_gets_digits_and_the_first_one_gets_in_by_them(house: House, people: People) -> None:
    person, phone = people.arrive(scripts=False), people.arrive(locale="en-GB", width=320)
    link = ask(person, house, "sora")
    scan(link)
    phone.page.goto(link)
    assert_accessible(phone.page)
    expect(phone.page.locator("main form")).to_have_count(0)
    digits = phone.page.locator("main code").first.inner_text()
    assert re.fullmatch(r"\d{3} \d{3}", digits)
    person.page.locator("#digits").fill("000 000" if digits != "000 000" else "111 111")
    person.page.locator("form button.primary").click()
    expect(person.page.locator("#digits-error")).to_be_visible()
    person.page.locator("#digits").fill(digits)
    person.page.locator("form button.primary").click()
    person.is_in_the_shop()
    phone.page.goto(house.shop)
    expect(phone.page).to_have_url(house.sign_in_page)  # it never gets in


def test_a_code_by_text_arrives_in_the_local_inbox(house: House, people: People) -> None:
    person = people.arrive(locale="en-GB")
    person.sign_in("sora")
    person.is_in_the_shop()
    person.page.goto(f"{house.issuer}/account/phone")
    assert_accessible(person.page)
    person.page.locator("#number").fill("010-5550-1234")
    person.page.locator("main button.primary").click()
    expect(person.page.locator("#code")).to_be_visible()
    assert_accessible(person.page)
    text = text_to(house, NUMBER)
    found = re.search(r"^@localhost #(\d{6})$", text.splitlines()[-1])
    assert found, text
    person.page.locator("#code").fill(found[1])
    person.page.locator("main button.primary").click()
    expect(person.page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    person.page.goto(f"{house.issuer}/account/factors")
    expect(person.page.get_by_text("+82 10-5550-1234")).to_be_visible()
    assert_accessible(person.page)
    person.page.goto(house.inbox)
    expect(person.page.get_by_role("link", name=re.compile("Your code is|인증번호"))).to_be_visible()
