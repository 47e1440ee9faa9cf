"""A programme at the console: made, looked at over the days, led on with a reason, with an exception."""

from __future__ import annotations

import os
import re
from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.axe import assert_accessible
from tests.browser.conftest import Person, confirm
from tests.house import House

pytestmark = pytest.mark.browser
WHY = "the board decided"


def looked_at(page: Page, scenario: str) -> None:
    """Sound at both ends of the widths."""
    for width in (320, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert_accessible(page)
        if folder := os.environ.get("SCREENS"):
            page.screenshot(path=Path(folder) / f"{scenario}-{width}.png", full_page=True)


def test_an_administrator_leads_people(administrator: Person, console: str) -> None:
    page = administrator.page
    look = partial(looked_at, page)

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


def test_the_plan_and_the_words_of_a_programme_are_edited(administrator: Person, console: str) -> None:
    page = administrator.page
    page.goto(f"{console}/programmes")
    page.get_by_role("button", name="Make a programme").click()
    confirm(page, "Make a programme", WHY)
    page.locator("tbody a").first.click()
    page.get_by_role("link", name="Edit the plan").click()
    first = page.locator("details", has=page.locator("summary", has_text="Passwordless 1")).first
    first.locator("summary").click()
    looked_at(page, "plan")
    enforce = first.get_by_label("Enforced")
    was = enforce.input_value()
    enforce.fill("2020-01-01T09:00")
    first.get_by_role("button", name="Save: Passwordless 1").click()
    expect(page.get_by_role("dialog")).to_have_count(0)  # it stays in order
    enforce.fill(was)
    first.get_by_label("Days for whoever is asked late").fill("9")
    first.get_by_label("Successful sign-ins, at least %").fill("97.5")
    first.get_by_label("Reminders").fill("enforce -7\nenforce -1")
    first.get_by_role("button", name="Save: Passwordless 1").click()
    confirm(page, "Save", WHY)
    expect(first.get_by_label("Days for whoever is asked late")).to_have_value("9")
    expect(first.get_by_label("Successful sign-ins, at least %")).to_have_value("97.5")
    expect(first.get_by_label("Reminders")).to_have_value("enforce -7\nenforce -1")

    page.locator("summary", has_text="Add a cohort").click()
    adding = page.locator("details", has=page.locator("summary", has_text="Add a cohort"))
    adding.get_by_label("Name").fill("Customers")
    adding.get_by_label("Rule (JSON)").fill('{"type": "role", "roles": ["customer"]}')
    adding.get_by_role("button", name="See who is meant").click()
    expect(adding).to_contain_text(re.compile(r"It means \d+ people now"))
    adding.get_by_role("button", name="Add a cohort").click()
    confirm(page, "Add a cohort", WHY)
    expect(page.locator("summary", has_text="Customers")).to_have_count(1)

    page.get_by_role("link", name="Notices").click()
    before = page.get_by_role("region", name="Before a date")
    expect(before).to_contain_text("days left")
    before.get_by_label("Say it in our own words").check()
    before.get_by_label("Subject (English)").fill("{name}, please: {nonsense}")
    expect(page.get_by_role("alert")).to_contain_text("nonsense")
    before.get_by_label("Subject (English)").fill("{name}, {days} more days")
    expect(before.locator(".notice", has_text="Haneul Kim,")).to_be_visible()
    looked_at(page, "notices")
    page.get_by_role("button", name="Save").click()
    confirm(page, "Save", WHY)
    expect(before).to_contain_text("own words")
    page.goto(f"{page.url}?locale=ko&theme=dark")
    expect(page.get_by_role("region", name="날짜 전에")).to_contain_text("Haneul Kim,")
    looked_at(page, "notices-ko-dark")


def test_an_administrator_forbids_a_way_after_seeing_whom_it_hits(
    administrator: Person, console: str, house: House
) -> None:
    page = administrator.page
    page.goto(f"{console}/organisations")
    page.locator("tbody a").first.click()
    page.get_by_role("link", name="Rules of signing in").click()
    expect(page.locator("h1")).to_contain_text("rules of signing in")
    looked_at(page, "authentication")
    page.get_by_label("Codes by text message").first.check()
    expect(page.get_by_text("Nobody uses what would be forbidden.")).to_be_visible()
    page.get_by_label("Authenticator apps", exact=True).check()
    expect(page.get_by_text(re.compile("people use what would be forbidden"))).to_be_visible()
    expect(page.get_by_role("row").filter(has_text="led to another way").first).to_be_visible()
    page.get_by_label("Authenticator apps", exact=True).uncheck()
    expect(page.get_by_text("Nobody uses what would be forbidden.")).to_be_visible()
    page.get_by_role("button", name="Save").click()
    confirm(page, "Save", WHY)
    expect(page.locator("#said")).to_contain_text("saved")
    assert house.rows("SELECT forbidden FROM idp.organisation_authentication")[0]["forbidden"] == ["sms"]
    page.reload()
    expect(page.get_by_label("Codes by text message").first).to_be_checked()
    page.goto(f"{page.url}?locale=ko&theme=dark")
    looked_at(page, "authentication-ko-dark")
