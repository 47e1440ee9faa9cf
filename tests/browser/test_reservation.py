"""A reservation, as a person lives it: chosen, told when it is decided, paid at the provider, cancelled in part."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import People
from tests.browser.looks import Look, by_keyboard, in_each_look
from tests.browser.test_question_5 import asking, proves_with_code
from tests.house import House

pytestmark = pytest.mark.browser

NIGHT, HALL = "NIGHT-HANOK", "HALL-PANSORI"


@in_each_look
def test_chosen_told_paid_and_cancelled_in_part(house: House, people: People, look: Look) -> None:
    person = look.remembered(house, people)
    page, shop = person.page, house.shop.rstrip("/")

    page.goto(f"{shop}/reservations/new/{HALL}")
    page.locator("#seat-A1").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    expect(page.locator(f'[name="seat.{HALL}"]:checked')).to_have_count(2)
    expect(page.locator("[data-total]")).to_contain_text("60,000")
    look.is_sound(page)
    look.picture(page, "reservation-seats")

    page.goto(f"{shop}/reservations/new")
    look.is_sound(page)
    look.picture(page, "reservation-choose")
    page.locator(f'[name="quantity.{NIGHT}"]').fill("2")
    page.locator("[data-basket] button.primary").click()
    # nobody reloads: the result comes to the page
    expect(page.locator('.badge[data-state="PENDING"]')).to_be_visible(timeout=15_000)
    expect(page.locator("#left")).to_contain_text("14:")
    look.is_sound(page)
    look.picture(page, "reservation-held")

    page.locator('form[action$="/payments"] button').click()
    page.locator("#card").fill("4242 4242 4242 4242")
    page.locator("form button.primary").first.click()
    expect(page.locator('.badge[data-state="CONFIRMED"]')).to_be_visible(timeout=15_000)
    address = page.url

    by_keyboard(page, page.locator('a[href$="/cancel"]'))
    expect(page.locator(f'[name="quantity.{NIGHT}"]')).to_be_visible()
    look.is_sound(page)
    page.locator(f'[name="quantity.{NIGHT}"]').fill("1")
    page.locator("form.card button.primary").click()
    expect(page.locator("form.card .facts")).to_contain_text("180,000")
    look.is_sound(page)
    look.picture(page, "reservation-cancel")
    page.locator("#reason").fill("rain")
    page.locator("form.card button.danger").click()
    # it is about money: the gateway asks for a second factor, unless one came a moment ago
    expect(asking(page).or_(page.locator("#cancelled")).first).to_be_visible(timeout=15_000)
    if asking(page).count():
        before = house.mails(look.person)
        with person.context.expect_page() as opened:
            page.keyboard.press("Enter")
        proves_with_code(house, look, opened.value, before)
    expect(page).to_have_url(address, timeout=15_000)
    refunded = look.words("돌려드렸어요", "Returned")
    expect(page.locator('section[aria-labelledby="cancelled"]')).to_contain_text(refunded, timeout=15_000)
    expect(page.locator('.badge[data-state="CONFIRMED"]')).to_be_visible()
    look.is_sound(page)
    look.picture(page, "reservation", whole=True)
