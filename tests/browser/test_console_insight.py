"""The console's pages of how people sign in, of programmes under way and of support, with real people behind them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.axe import assert_accessible
from tests.browser.conftest import People, Person, confirm
from tests.browser.looks import SCREENS, in_each_dress
from tests.house import House

pytestmark = pytest.mark.browser
_BEYOND = """wide => [...document.querySelectorAll("#view *")].filter((one) => one.getBoundingClientRect().right > wide)
    .map((one) => `${one.tagName}.${one.className} ${one.textContent.slice(0, 40)}`).slice(0, 9)"""


@pytest.fixture(scope="module")
def programme(house: House) -> str:
    """The id of a programme of the demo organisation, whose first phase runs."""
    [row] = house.rows("SELECT organisation_id FROM idp.membership WHERE 'administrator' = ANY(roles) LIMIT 1")
    made = house.munjigi(
        "rollout", "start", str(row["organisation_id"]), "--on", "2026-01-05", "--by-hand", "--why", "t"
    )
    assert made.returncode == 0, made.stderr
    programme: str = made.stdout.split()[0]
    for act in ("announce", "begin"):
        done = house.munjigi("rollout", act, programme, "mfa-high-risk", "--why", "t")
        assert done.returncode == 0, done.stderr
    house.execute(
        "INSERT INTO idp.phase_person (phase_id, user_id, taken_in_at, asked_at, skipped) "
        "SELECT phase.id, person.id, now(), now(), 1 FROM idp.phase, idp.user_account AS person "
        "WHERE phase.key = 'mfa-high-risk' ON CONFLICT DO NOTHING"
    )
    house.execute("UPDATE idp.phase SET begun_at = now() - interval '9 days' WHERE key = 'mfa-high-risk'")
    return programme


@in_each_dress
def test_every_page_is_accessible(
    house: House, administrator: Person, programme: str, console: str, width: int, theme: str, locale: str
) -> None:
    page = administrator.page
    page.set_viewport_size({"width": width, "height": 900})
    [row] = house.rows("SELECT user_id FROM idp.login_name WHERE name = 'mina'")
    for name, path in (
        ("analysis", "/analysis"),
        ("progress", f"/progress/{programme}"),
        ("report", f"/report/{programme}"),
        ("support", "/support?name=m"),
        ("supported", f"/support/{row['user_id']}"),
    ):
        page.goto(f"{console}{path}{'&' if '?' in path else '?'}theme={theme}&locale={locale}")
        expect(page.locator("#view [aria-busy]")).to_have_count(0)
        expect(page.locator("#view .card, #view .list tbody tr").first).to_be_visible()
        if name == "progress":
            for summary in page.locator("#view details > summary").all()[:2]:
                summary.click()
            expect(page.locator("#view details .facts").first).to_be_visible()
        assert page.locator("html").get_attribute("lang") == locale
        assert page.locator("#view .notice.danger").count() == 0, path
        assert page.evaluate("document.documentElement.scrollWidth") <= width, (path, page.evaluate(_BEYOND, width))
        assert_accessible(page)
        if folder := os.environ.get(SCREENS):
            page.screenshot(path=Path(folder) / f"{name}-{locale}-{width}.png", full_page=True, animations="disabled")


def test_support_helps_somebody(
    house: House, people: People, administrator: Person, programme: str, console: str
) -> None:
    page = administrator.page
    page.goto(f"{console}/support")
    expect(page.locator("#view .empty")).to_be_visible()
    page.get_by_label("Name or sign-in name").fill("mina")
    page.get_by_role("link", name="김미나").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("김미나")
    before = house.mails("mina")
    page.get_by_role("button", name="Send a link to get back in").click()
    confirm(page, "Send a link to get back in", "she called us")
    expect(page.locator("#said")).to_contain_text("The link is on its way.")
    assert len(house.mails("mina")) >= len(before)
    page.get_by_role("button", name="Ask for an exception").first.click()
    confirm(page, "Ask for an exception", "she has a broken hand")
    expect(page.locator("#view")).to_contain_text("asked already")
    page.goto(f"{console}/progress/{programme}")
    page.get_by_role("button", name="Grant: 김미나").click()
    confirm(page, "Grant", "until it is healed")
    expect(page.locator("#said")).to_contain_text("The exception holds.")
    expect(page.get_by_role("button", name="Grant: 김미나")).to_have_count(0)
