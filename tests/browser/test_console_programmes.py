"""A programme at the console: made, looked at over the days, led on with a reason, with an exception."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.axe import assert_accessible
from tests.browser.conftest import Person, confirm

pytestmark = pytest.mark.browser
WHY = "the board decided"


def test_an_administrator_leads_people(administrator: Person, console: str) -> None:
    page = administrator.page

    def look(scenario: str) -> None:
        for width in (320, 1280):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            assert_accessible(page)
            if folder := os.environ.get("SCREENS"):
                page.screenshot(path=Path(folder) / f"{scenario}-{width}.png", full_page=True)

    page.goto(f"{console}/programmes")
    expect(page.locator("h1")).to_have_text("Programmes")
    page.get_by_role("button", name="Make a programme").click()
    expect(page.get_by_role("dialog")).to_contain_text("Nobody notices anything")
    confirm(page, "Make a programme", WHY)
    expect(page.locator("#said")).to_contain_text("The programme is made.")
    look("programmes")
    page.locator("tbody a").first.click()

    first = page.locator("section.card").filter(has=page.get_by_role("heading", name="MFA 1")).first
    expect(first).to_contain_text("draft")
    first.get_by_text("Whom it reaches").click()
    expect(first.get_by_role("table")).to_be_visible()
    for act, state in (("Announce", "announced"), ("Begin", "running"), ("Pause", "paused"), ("Resume", "running")):
        first.get_by_role("button", name=f"{act}: MFA 1").click()
        confirm(page, f"{act}", WHY)
        expect(first.locator(".badge").first).to_have_text(state)
    fifth = page.locator("section.card").filter(has=page.get_by_role("heading", name="Passwordless 2")).first
    fifth.get_by_role("button", name="Announce").click()
    confirm(page, "Announce", WHY)
    expect(fifth).to_contain_text("the phase before it has not begun")
    look("programme")
    first.get_by_role("button", name="Roll back: MFA 1").click()
    expect(page.get_by_role("dialog")).to_contain_text("Passwords work again")
    confirm(page, "Roll back", WHY)
    expect(first.locator(".badge").first).to_have_text("rolled back")
    first.get_by_text("History").click()
    expect(first.get_by_role("row")).to_have_count(6)

    page.get_by_label("Sign-in name").fill("mina")
    page.get_by_role("button", name="Give an exception").click()
    confirm(page, "Give an exception", "on leave")
    row = page.get_by_role("row").filter(has_text="on leave")
    expect(row).to_be_visible()
    row.get_by_role("button", name="Take back").click()
    confirm(page, "Take back", WHY)
    expect(row).to_contain_text("over")
    page.goto(f"{page.url}?locale=ko")
    expect(page.locator("#view")).to_contain_text("되돌림")
    look("programme-ko")
