"""The policy at the console: written, checked while it is typed, agreed to by somebody else, released, explained."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pyotp
import pytest
from playwright.sync_api import Page, expect

from tests.axe import assert_accessible
from tests.browser.conftest import People, Person, at_console, confirm
from tests.browser.looks import in_each_dress
from tests.house import House, running_house

pytestmark = pytest.mark.browser

JUN = "1f3c8a54-90b4-4a5b-8f3e-2b6d3a1e4c02"
MINA = "1f3c8a54-90b4-4a5b-8f3e-2b6d3a1e4c01"
WHY = "the console's test"
At = Callable[[str], Person]


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    """A policy takes two people, and Jun is the second administrator."""
    with running_house(MUNJIGI_POLICY__APPROVALS="2") as house:
        house.execute(f"UPDATE idp.membership SET roles = '{{administrator}}' WHERE user_id = '{JUN}'")
        yield house


@pytest.fixture
def at(house: House, people: People, console: str) -> At:
    """Whoever is named, at the console."""

    def come(name: str) -> Person:
        return at_console(house, people, console, name)

    return come


def begin_draft(page: Page, console: str, why: str = WHY) -> str:
    """Begin a draft from what is in force, and be in its editor; its number."""
    page.goto(f"{console}/policy")
    page.get_by_role("button", name="Begin a draft").click()
    confirm(page, "Begin a draft", why)
    expect(page).to_have_url(re.compile(r"/policy/\d+/edit$"), timeout=15_000)
    expect(page.locator("#check-state")).to_have_text("Nothing to mend.", timeout=15_000)
    return page.url.split("/")[-2]


def save(page: Page, number: str) -> None:
    page.get_by_role("button", name="Save", exact=True).click()
    confirm(page, "Save", WHY)
    expect(page.locator("#said")).to_contain_text(f"Draft {number} is saved.")


def test_a_policy_is_written_agreed_to_and_released(at: At, console: str) -> None:
    page = at("admin").page
    number = begin_draft(page, console)

    edit = page.get_by_role("button", name="Edit shop.order", exact=True)
    edit.press("Enter")
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Condition").fill("risk <=")
    expect(dialog.locator(".faults")).to_contain_text("this is not an expression")
    dialog.get_by_label("Condition").fill("risk <= 60")
    expect(dialog.locator(".faults")).to_be_empty()
    assert_accessible(page)
    page.keyboard.press("Enter")
    expect(dialog).to_have_count(0)
    expect(edit).to_be_focused()
    changes = page.get_by_role("group", name="Changes against the policy in force")
    expect(changes).to_contain_text("risk <= 60")
    edit.click()
    dialog.get_by_label("Role").fill("vendor")
    page.keyboard.press("Escape")
    expect(changes).not_to_contain_text("vendor")

    page.get_by_role("button", name="Add a test").click()
    dialog.get_by_label("What it makes sure of").fill("customers may order")
    dialog.get_by_label("Method").select_option("POST")
    dialog.get_by_label("Path").fill("/orders")
    dialog.get_by_label("Zone").select_option("shop")
    dialog.get_by_label("Roles").fill("customer")
    dialog.get_by_label("Expected answer").select_option("deny")
    dialog.get_by_role("button", name="Done").click()
    tests = page.get_by_role("group", name="Tests")
    expect(tests).to_contain_text("expected deny, got")
    page.get_by_role("button", name="Edit customers may order").click()
    dialog.get_by_label("Assurance").select_option("1")
    dialog.get_by_label("Minutes since signing in").fill("1")
    dialog.get_by_label("Device", exact=True).select_option("3")
    dialog.get_by_label("Country (two letters)").fill("KR")
    dialog.get_by_label("Network", exact=True).fill("private")
    dialog.get_by_label("Address", exact=True).fill("192.0.2.1")
    dialog.get_by_label("Same as at sign-in").select_option("yes")
    dialog.get_by_label("When").fill("2026-11-27T14:00")
    dialog.get_by_label("Expected answer").select_option("allow")
    dialog.get_by_role("button", name="Done").click()
    expect(tests).to_contain_text("passed")

    page.get_by_role("button", name="Text", exact=True).click()
    lines = page.get_by_role("textbox", name="One rule a line")
    whole = lines.input_value()
    lines.fill(whole.replace("shop,/assets/**", "nowhere,/assets/**"))
    expect(page.locator(".gutter .wrong")).to_have_count(1)
    expect(lines).to_have_attribute("aria-invalid", "true")
    page.get_by_role("button", name="line 1", exact=True).click()
    expect(lines).to_be_focused()
    selected = lines.evaluate("area => area.value.slice(area.selectionStart, area.selectionEnd)")
    assert selected.startswith("p,100,shop.assets")
    page.get_by_role("button", name="Undo shop.assets").click()
    expect(page.locator("#check-state")).to_have_text("Nothing to mend.")

    page.get_by_role("button", name="Everything else").click()
    rest = page.get_by_label("Roles, zones, organisations and the rest")
    before = rest.input_value()
    rest.fill("{")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("#said")).to_contain_text("can't be read as JSON")
    expect(rest).to_be_focused()
    rest.fill(before)
    save(page, number)
    expect(page.locator("#draft-state")).to_contain_text("All is saved.")

    meanwhile(page, console, number)
    release(page, at("jun").page, console, number)


def meanwhile(page: Page, console: str, number: str) -> None:
    """Somebody saves in another tab; what was typed in this one is laid on it."""
    other = page.context.new_page()
    other.goto(f"{console}/policy/{number}/edit")
    other.get_by_role("button", name="Edit shop.read", exact=True).click()
    other.get_by_label("Methods").fill("GET")
    other.get_by_role("button", name="Done").click()
    save(other, number)
    other.close()

    page.get_by_role("button", name="Table", exact=True).click()
    page.get_by_role("button", name="Edit shop.order.api", exact=True).click()
    page.get_by_label("Condition").fill("risk <= 61")
    page.get_by_role("button", name="Done").click()
    page.get_by_role("button", name="Save", exact=True).click()
    confirm(page, "Save", WHY)
    notice = page.get_by_role("alert")
    expect(notice).to_contain_text("Somebody else saved this draft meanwhile.")
    assert_accessible(page)
    page.get_by_role("button", name="Lay my changes on theirs").click()
    expect(page.locator("#said")).to_contain_text("Your changes lie on what they saved.")
    changes = page.get_by_role("group", name="Changes against the policy in force")
    for line in ("risk <= 60", "risk <= 61", "shop,/**,GET,"):
        expect(changes).to_contain_text(line)
    save(page, number)


def release(page: Page, second: Page, console: str, number: str) -> None:
    """It is not published by one alone; then it is, and taken back in one act."""
    page.get_by_role("link", name="To this version").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Version {number}")
    expect(page.get_by_role("region", name="Difference")).to_contain_text("condition: risk <= 61")
    page.get_by_role("button", name="Run the tests").click()
    expect(page.locator("#view")).to_contain_text("1 passed, 0 differ")
    page.get_by_role("button", name="Publish").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Reason").fill(WHY)
    dialog.get_by_role("button", name="Publish").click()
    expect(dialog.get_by_role("alert")).to_contain_text("MJ-POLICY-041")
    dialog.get_by_role("button", name="Cancel").click()

    page.get_by_role("button", name="Begin shadow").click()
    confirm(page, "Begin shadow", WHY)
    expect(page.get_by_role("button", name="End shadow")).to_be_visible()
    page.get_by_role("button", name="End shadow").click()
    confirm(page, "End shadow", WHY)

    second.goto(f"{console}/policy/{number}")
    second.get_by_role("button", name="Approve").click()
    confirm(second, "Approve", "I looked at it")
    expect(second.locator("#view")).to_contain_text("1 given, 1 needed")

    page.reload()
    page.get_by_role("button", name="Publish").click()
    confirm(page, "Publish", WHY)
    expect(page.locator("#said")).to_contain_text(f"Version {number} is in force.")

    page.goto(f"{console}/policy/1")
    page.get_by_role("button", name="Roll back to this").click()
    confirm(page, "Roll back to this", WHY)
    expect(page.locator("#said")).to_contain_text("are in force again")

    page.goto(f"{console}/policy")
    history = page.get_by_role("region", name="History")
    for row, act in enumerate(("rolled back", "published", "approved", "shadow ended", "shadow begun")):
        expect(history.get_by_role("row").nth(row + 1)).to_contain_text(act)
    expect(history.get_by_role("row").nth(2)).to_contain_text(WHY)
    expect(history).to_contain_text("박준")
    history.get_by_role("row").filter(has_text="published").get_by_role("link", name="Show").first.click()
    expect(page.get_by_role("region", name="Difference")).to_contain_text("shop.order.api")


def test_what_was_typed_is_there_again_after_signing_in(house: House, at: At, console: str) -> None:
    page = at("admin").page
    begin_draft(page, console)
    page.get_by_role("button", name="Edit shop.order", exact=True).click()
    page.get_by_label("Condition").fill("risk <= 59")
    page.get_by_role("button", name="Done").click()
    expect(page.locator("#draft-kept")).to_have_value(re.compile("risk <= 59"))
    second = at("jun").page
    second.goto(f"{console}/sessions")
    second.get_by_role("button", name="End session: 최관리").click()
    confirm(second, "End session", WHY)
    expect(page.locator('dialog[role="alertdialog"]')).to_be_visible()
    page.on("dialog", lambda dialog: dialog.accept())
    page.reload()
    page.get_by_role("link", name="Sign in again").click()
    expect(page).to_have_url(house.sign_in_page)
    house.forget_codes()
    page.locator("#identifier").fill("admin")
    page.locator("#password").fill(house.password("admin"))
    page.locator("form button.primary").first.click()
    page.locator("#code").fill(pyotp.TOTP(house.totp_secret("admin")).at(datetime.now(UTC)))
    page.locator("form button.primary").click()
    expect(page).to_have_url(re.compile(r"/edit$"))
    changes = page.get_by_role("group", name=re.compile("Changes against|시행 중인"))
    expect(changes).to_contain_text("risk <= 59")


def test_what_is_decided_is_explained(at: At, console: str) -> None:
    page = at("admin").page
    page.goto(f"{console}/explain")
    page.get_by_label("Method").select_option("POST")
    page.get_by_label("Path").fill("/reservations/1/cancel")
    page.get_by_label("Zone").select_option("reservation")
    page.get_by_label("Roles").fill("customer")
    page.get_by_label("Assurance").select_option("1")
    page.get_by_role("button", name="Explain").press("Enter")
    answer = page.locator("#answer")
    expect(answer).to_contain_text("step up")
    expect(answer).to_be_focused()
    expect(answer.get_by_role("region", name="Rules considered")).to_contain_text("reservation.cancel")
    expect(answer).to_contain_text("What would change it")
    expect(answer.locator(".bars svg").first).to_be_visible()
    assert_accessible(page)

    page.goto(f"{console}/decisions?zone=admin")
    page.locator("tbody a").first.click(timeout=30_000)
    expect(page.get_by_role("heading", level=1)).to_contain_text("Decision")
    expect(page.get_by_role("region", name="Rules considered")).to_contain_text("admin.")
    page.get_by_label("By version").select_option(index=1)
    expect(page).to_have_url(re.compile(r"version=\d+"))
    assert_accessible(page)


def test_a_draft_is_replayed(at: At, console: str) -> None:
    page = at("admin").page
    number = begin_draft(page, console)
    page.goto(f"{console}/policy/{number}")
    page.get_by_role("button", name="Replay").click()
    expect(page.locator("#view")).to_contain_text("decided again", timeout=30_000)


def test_roles_are_given_and_taken_in_a_draft(at: At, console: str) -> None:
    page = at("admin").page
    number = begin_draft(page, console)
    page.goto(f"{console}/roles?draft={number}")
    page.get_by_label("Who (id)").first.fill(MINA)
    page.locator("#assignment").get_by_label("Role").fill("support")
    page.get_by_role("button", name="Give a role").click()
    confirm(page, "Give a role", WHY)
    row = page.get_by_role("row", name=re.compile("김미나"))
    expect(row).to_contain_text("support")
    page.locator("#filter-role").fill("vendor")
    expect(row).to_have_count(0)
    page.locator("#filter-role").fill("support")
    row.get_by_role("button", name="Take away").click()
    confirm(page, "Take away", WHY)
    expect(row).to_have_count(0)


def test_what_moves_while_the_policy_stands(at: At, console: str) -> None:
    """A measure by hand, and a role for a while by somebody else's word."""
    page = at("admin").page
    number = begin_draft(page, console)
    page.get_by_role("button", name="Everything else").click()
    rest = page.get_by_label("Roles, zones, organisations and the rest")
    parts = json.loads(rest.input_value())
    rule = {"role": "vendor", "asked_by": "administrator", "approved_by": "administrator", "longest": 3600}
    rest.fill(json.dumps({**parts, "elevations": [*parts.get("elevations", ()), rule]}))
    save(page, number)
    second = at("jun").page
    second.goto(f"{console}/policy/{number}")
    second.get_by_role("button", name="Approve").click()
    confirm(second, "Approve", WHY)
    page.goto(f"{console}/policy/{number}")
    page.get_by_role("button", name="Publish").click()
    confirm(page, "Publish", WHY)

    on_a_page_of_ones_own(page, second, console)
    page.goto(f"{console}/elevations")
    page.get_by_label("Role").select_option("vendor")
    page.get_by_role("button", name="Ask for a role").click()
    confirm(page, "Ask for a role", "to see what they see")
    waiting = page.get_by_role("region", name="Waiting for an answer")
    expect(waiting).to_contain_text("to see what they see")
    second.goto(f"{console}/elevations")
    second.get_by_role("button", name="Approve: vendor").first.click()
    confirm(second, "Approve", "go on")
    expect(second.locator("#said")).to_contain_text("vendor is approved.")
    page.reload()
    expect(waiting).to_contain_text("Nobody is waiting.")
    everything = page.get_by_role("region", name="All requests")
    expect(everything).to_contain_text("Held now")
    everything.get_by_role("link", name="vendor").first.click()
    page.get_by_role("button", name="End now").click()
    confirm(page, "End now", WHY)
    expect(page.locator("#view")).to_contain_text("Ended early")
    assert_accessible(page)

    page.goto(f"{console}/measures")
    page.get_by_label("On", exact=True).select_option("address")
    page.get_by_label("Which").fill("203.0.113.0/24")
    page.get_by_label("Effect").select_option("risk")
    page.get_by_label("Points").fill("25")
    page.get_by_role("button", name="Take a measure").click()
    confirm(page, "Take a measure", WHY)
    row = page.get_by_role("row", name=re.compile(r"203\.0\.113\.0"))
    expect(row).to_contain_text("+25")
    row.get_by_role("link").first.click()
    page.get_by_role("button", name="Lift").click()
    confirm(page, "Lift", WHY)
    expect(page.locator("#view")).to_contain_text("Lifted")
    assert_accessible(page)


def on_a_page_of_ones_own(page: Page, second: Page, console: str) -> None:
    """Whoever is no administrator has no console: the same is asked, seen and given back without scripts."""
    mine = f"{console}/api/policy/elevations/mine"
    browser = page.context.browser
    assert browser is not None
    bare = browser.new_context(
        storage_state=page.context.storage_state(), java_script_enabled=False, locale="en-GB"
    ).new_page()
    bare.goto(f"{mine}?locale=en")
    bare.get_by_label("For how long").select_option("900")
    bare.get_by_label("Reason").fill("x")
    bare.get_by_role("button", name="Ask for vendor").click()
    expect(bare.get_by_role("alert").get_by_role("link")).to_have_text("Say why, in three letters or more")
    bare.get_by_label("Reason").fill("to see what they see")
    bare.get_by_role("button", name="Ask for vendor").click()
    expect(bare.get_by_role("status")).to_contain_text("You asked.")
    second.goto(f"{console}/elevations")
    second.get_by_role("button", name="Approve: vendor").first.click()
    confirm(second, "Approve", "go on")
    bare.reload()
    held = bare.get_by_role("region", name="Now", exact=True)
    expect(held).to_contain_text("Held now")
    expect(held).to_contain_text("박준")
    for locale, width in (("ko", 320), ("en", 1280)):
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(f"{mine}?locale={locale}")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert_accessible(page)
    held.get_by_role("button", name="End vendor now").click()
    expect(bare.get_by_role("status")).to_contain_text("You hold the role no more.")
    bare.context.close()


def test_the_map_says_the_same_in_tables(at: At, console: str) -> None:
    page = at("admin").page
    page.goto(f"{console}/zones")
    picture = page.get_by_role("img", name=re.compile("A map of"))
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.complete && image.naturalWidth > 0")
    zones = page.get_by_role("region", name="Zones", exact=True)
    for name in ("shop", "reservation", "admin"):
        expect(zones).to_contain_text(name)


@in_each_dress
def test_every_page_is_accessible(at: At, console: str, width: int, theme: str, locale: str) -> None:
    page = at("admin").page
    number = begin_draft(page, console)
    paths = (
        "/policy",
        f"/policy/{number}",
        f"/policy/{number}/edit",
        "/policy/1/edit",
        "/decisions",
        "/explain",
        "/roles",
        f"/roles?draft={number}",
        "/zones",
        "/elevations",
        "/measures",
    )
    page.set_viewport_size({"width": width, "height": 900})
    for path in paths:
        page.goto(f"{console}{path}{'&' if '?' in path else '?'}theme={theme}&locale={locale}")
        expect(page.locator("#view > *").first).to_be_attached()
        expect(page.locator("#view [aria-busy]")).to_have_count(0)
        expect(page.locator("#view .notice.danger")).to_have_count(0)
        expect(page.locator("h1")).to_have_count(1)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        assert_accessible(page)
