"""The pages of a takeover as people see them: the code by mail, the choice, the way out for whoever has no factor."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.axe import assert_accessible
from tests.browser.conftest import People, Person
from tests.house import House

pytestmark = pytest.mark.browser

SIZES = [("ko-KR", 320, False), ("en-GB", 320, True), ("ko-KR", 1280, True), ("en-GB", 1280, False)]


def _is_sound(page: Page, name: str, width: int) -> None:
    """Nothing is wider than the window, axe-core finds nothing, and there is one heading that says what it is."""
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    expect(page.locator("h1")).to_have_count(1)
    assert_accessible(page)
    if folder := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def _give_password(person: Person, name: str) -> None:
    person.open_shop()
    expect(person.page).to_have_url(person.house.sign_in_page)
    person.give_password(name, person.house.password(name))
    expect(person.page).not_to_have_url(person.house.sign_in_page)


@pytest.mark.parametrize(("locale", "width", "dark"), SIZES)
def test_the_code_and_the_choice(house: House, people: People, locale: str, width: int, dark: bool) -> None:
    name = f"{locale}-{width}-{'dark' if dark else 'light'}"
    first, second = people.arrive(), people.arrive(locale=locale, width=width, dark=dark)
    first.sign_in("mina")
    first.is_in_the_shop()
    before = house.mails("mina")
    _give_password(second, "mina")
    expect(second.page.locator("main")).to_contain_text("m***@")
    _is_sound(second.page, f"code-{name}", width)
    second.give_code("000000")
    expect(second.page.locator("#error-summary")).to_be_focused()
    _is_sound(second.page, f"code-wrong-{name}", width)
    second.give_code(house.mailed_code("mina", before))
    keep, take_over = (second.page.locator(f'button[value="{choice}"]') for choice in ("keep", "take_over"))
    expect(keep).to_be_visible()
    _is_sound(second.page, f"takeover-{name}", width)
    boxes = [button.bounding_box() for button in (keep, take_over)]
    assert boxes[0] is not None
    assert boxes[1] is not None
    assert boxes[0]["width"] == boxes[1]["width"]  # of equal weight
    assert keep.evaluate("b => getComputedStyle(b).backgroundColor") == take_over.evaluate(
        "b => getComputedStyle(b).backgroundColor"
    )
    # by keyboard alone
    second.page.locator("h1").click()
    for _ in range(6):
        second.page.keyboard.press("Tab")
        if keep.evaluate("button => button === document.activeElement"):
            break
    expect(keep).to_be_focused()
    second.page.keyboard.press("Tab")
    expect(take_over).to_be_focused()
    second.page.keyboard.press("Enter")
    second.is_in_the_shop()


@pytest.mark.parametrize(("locale", "width", "dark"), SIZES[1:3])
def test_whoever_has_no_factor_is_told_what_to_do(
    house: House, people: People, locale: str, width: int, dark: bool
) -> None:
    first, second = people.arrive(), people.arrive(locale=locale, width=width, dark=dark, scripts=False)
    first.sign_in("sora")
    first.is_in_the_shop()
    house.execute("UPDATE idp.user_account SET email = NULL WHERE display_name = 'Sora Lee'")
    try:
        _give_password(second, "sora")
        expect(second.page.locator("a[data-support-mail]")).to_be_visible()
        expect(second.page.locator('a[href^="/recover"]')).to_have_count(0)
        assert second.page.evaluate("document.documentElement.scrollWidth") <= width
    finally:
        house.execute("UPDATE idp.user_account SET email = 'sora@dalbit.localhost' WHERE display_name = 'Sora Lee'")
    first.page.reload()
    first.is_in_the_shop()
