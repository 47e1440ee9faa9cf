"""What time does to a session, for question 5 of the first topic: warned, kept, signed out, and back without a loss.

The house's sessions are short here, and the two people of the looks wait side by side.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import People
from tests.browser.looks import NARROW, WIDE, Look
from tests.house import House, running_house

pytestmark = pytest.mark.browser

IDLE, WARN = 36, 31
"""Seconds."""
SOON = (IDLE + 10) * 1000
"""Milliseconds in which an idle session comes to its end, or to its warning."""
LOOKS = (NARROW, WIDE)
HELD = re.compile("예약됐어요|held for you")


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    """A house in which nobody may be idle for long."""
    short = {"IDLE_TIMEOUT": IDLE, "WARN_BEFORE": WARN, "ASK_BEFORE": WARN + 1}
    with running_house(**{f"MUNJIGI_SESSION__{name}": str(seconds) for name, seconds in short.items()}) as house:
        yield house


def dialog(page: Page) -> Locator:
    return page.get_by_role("alertdialog")


def is_warned(page: Page, look: Look) -> None:
    expect(dialog(page)).to_contain_text(
        look.words("초 뒤에 안전하게 로그아웃해요", "We will sign you out in"), timeout=SOON
    )


def is_signed_out(page: Page, look: Look) -> None:
    expect(dialog(page)).to_contain_text(look.words("지금 가기", "Go now"), timeout=SOON)


def test_warned_kept_signed_out_and_back_without_a_loss(house: House, people: People) -> None:
    everybody = {look: look.remembered(house, people) for look in LOOKS}
    pages = {look: person.page for look, person in everybody.items()}
    addresses = {}
    letters = {look: look.words("다른 날로 옮기려고요", "I will come another day") for look in LOOKS}
    for look, page in pages.items():
        page.set_viewport_size({"width": look.width, "height": 480})  # so that there is something to scroll
        page.locator("form[data-reserve] button").first.click()
        expect(page.locator("[data-result]").first).to_contain_text(HELD)
        page.goto(f"{house.shop}reservations")
        page.locator("section.card h2 a").first.click()
        page.locator('a[href$="/cancel"]').click()
        page.locator("#reason").fill(letters[look])
        page.mouse.wheel(0, 200)
        page.wait_for_function("scrollY > 50")
        addresses[look] = page.url

    for look, page in pages.items():
        is_warned(page, look)
        look.is_sound(page)
        look.picture(page, "warning")
        page.mouse.move(20, 20)  # any activity takes it away
        expect(dialog(page)).to_have_count(0)
        expect(page.locator("#reason")).to_have_value(letters[look])
    for look, page in pages.items():
        is_warned(page, look)
        expect(dialog(page).locator(".primary")).to_be_focused()
        page.keyboard.press("Enter")
        expect(dialog(page)).to_have_count(0)
        expect(page.locator("#reason")).to_be_focused()

    for look, page in pages.items():
        expect(page).to_have_url(re.compile(r"/\.munjigi/ended\?"), timeout=SOON)  # by itself, after its countdown
        expect(page.locator("h1")).to_have_text(
            look.words("한동안 쓰지 않아서 로그아웃했어요", "You were signed out after a while without activity")
        )
        look.is_sound(page)
        look.picture(page, "signed-out")
        page.locator("#munjigi-again").press("Enter")
        expect(page).to_have_url(house.sign_in_page)
        expect(page.locator(".person")).to_be_visible()
        expect(page.locator("#password")).to_be_focused()
        look.is_sound(page)
        look.picture(page, "remembered", whole=True)
        page.keyboard.type(house.password(look.person))
        page.keyboard.press("Enter")
        expect(page).to_have_url(addresses[look])
        expect(page.locator("#reason")).to_have_value(letters[look])
        note = page.locator("[data-munjigi=restored] .corner")
        expect(note).to_contain_text(look.words("입력하던 내용을 되살렸어요", "What you were typing is back"))
        page.wait_for_function("scrollY > 50")
        look.is_sound(page)
        look.picture(page, "restored")


def test_all_tabs_of_a_browser_agree(house: House, people: People) -> None:
    tabs = {}
    for look in LOOKS:
        person = look.arrive(people)
        person.sign_in(look.person)
        person.is_in_the_shop()
        other = person.context.new_page()
        other.goto(f"{house.shop}reservations")
        tabs[look] = (person.page, other)
    for look, (one, other) in tabs.items():
        is_warned(one, look)
        is_warned(other, look)
        other.keyboard.press("Enter")
        expect(dialog(other)).to_have_count(0)
        expect(dialog(one)).to_have_count(0)
    for look, (one, other) in tabs.items():
        is_signed_out(one, look)
        is_signed_out(other, look)
        one.get_by_role("button", name=look.words("머무르기", "Stay")).click()
        for page in (one, other):
            expect(dialog(page).get_by_role("timer")).to_contain_text(look.words("멈췄어요", "Paused"))
