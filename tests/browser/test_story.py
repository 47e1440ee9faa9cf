"""The main job, as a person lives it: two browsers, one session, and a takeover that the first browser hears of."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import People
from tests.house import House

pytestmark = pytest.mark.browser

TOLD = 'dialog[role="alertdialog"]'


def test_a_protected_shop_a_reservation_and_a_takeover(house: House, people: People) -> None:
    first = people.arrive()
    first.sign_in("mina")
    first.is_in_the_shop()
    expect(first.page.locator("[data-person]")).to_contain_text("김미나")

    form = first.page.locator("form[data-reserve]").first
    form.locator("button").click()
    expect(form.locator("[data-result]")).to_contain_text("예약됐어요")

    second = people.arrive()
    second.sign_in("mina")
    expect(second.page.locator("h1")).to_have_text("다른 곳에서 이미 쓰고 있어요")
    expect(second.page.locator("section.card")).to_have_count(2)
    assert first.page.locator(TOLD).count() == 0, "nothing ends before the person has decided"

    second.page.locator('button[value="take_over"]').click()
    second.is_in_the_shop()
    told = first.page.locator(TOLD)
    expect(told).to_be_visible(timeout=2_000)
    expect(told).to_contain_text("다른 곳에서 로그인해서")
    expect(told).to_contain_text("Chrom")
    assert told.evaluate("dialog => dialog.getRootNode().host.lang") == first.page.locator("html").get_attribute("lang")
    expect(first.page).to_have_url(re.compile(r"/\.munjigi/ended\?"), timeout=10_000)
    expect(first.page.locator("h1")).to_contain_text("다른 곳에서 로그인해서")
    first.open_shop()
    expect(first.page).to_have_url(house.sign_in_page)
    second.page.reload()
    second.is_in_the_shop()


def test_signing_out_ends_it_everywhere(house: House, people: People) -> None:
    person = people.arrive()
    person.sign_in("mina")
    person.is_in_the_shop()
    other_tab = person.context.new_page()
    other_tab.goto(house.shop)
    person.page.locator('form[action="/.munjigi/sign-out"] button').click()
    expect(person.page.locator("[data-product]")).to_have_count(0)
    expect(other_tab.locator(TOLD)).to_be_visible(timeout=5_000)
    other_tab.goto(house.shop)
    expect(other_tab).to_have_url(house.sign_in_page)


@pytest.mark.parametrize(
    ("width", "dark", "locale"),
    [
        pytest.param(width, dark, locale, marks=() if (width > 320) ^ dark ^ (locale == "en-GB") else pytest.mark.proof)
        for width in (320, 768, 1280)
        for dark in (False, True)
        for locale in ("ko-KR", "en-GB")
    ],
)
def test_no_page_of_the_way_is_wider_than_its_window(people: People, width: int, dark: bool, locale: str) -> None:
    first = people.arrive(width=width, dark=dark, locale=locale)
    first.sign_in("mina")
    first.is_in_the_shop()
    second = people.arrive(width=width, dark=dark, locale=locale)
    second.open_shop()
    pages = [first.page, second.page]
    for page in pages:
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    second.sign_in("mina")
    expect(second.page.locator('button[value="take_over"]')).to_be_visible()
    assert second.page.evaluate("document.documentElement.scrollWidth") <= width
