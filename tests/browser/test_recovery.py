"""Whoever lost every factor, in a real browser: waiting, stopping it, beginning anew; a code from administrators."""

from __future__ import annotations

import re
from uuid import uuid4

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import People, Person
from tests.browser.looks import Look, in_each_look
from tests.browser.test_way_in import in_the_mail, recovery_link
from tests.house import House

pytestmark = pytest.mark.browser

NEW = "three boats left before the rain"


def lose(house: House, name: str) -> None:
    """Somebody has an app, on a phone that is gone."""
    house.execute(
        "DELETE FROM idp.waiting_recovery; DELETE FROM idp.totp WHERE label = 'lost';"
        "INSERT INTO idp.totp (id, user_id, label, sealed_secret, last_accepted_step, confirmed_at, created_at)"
        f" SELECT '{uuid4()}', user_id, 'lost', 'x', 0, now(), now() FROM idp.login_name WHERE name = '{name}'"
    )


def time_passes(house: House) -> None:
    """A day, for the recovery that waits."""
    moved = ", ".join(f"{name} = {name} - interval '25 hours'" for name in ("asked_at", "ready_at", "expires_at"))
    house.execute(f"UPDATE idp.waiting_recovery SET {moved} WHERE state = 'waiting'")


def link_to(house: House, path: str) -> str:
    """What an address with a token there looks like."""
    return re.escape(f"{house.issuer}{path}?token=") + "[A-Za-z0-9_-]+"


def begin(house: House, person: Person, look: Look) -> None:
    person.page.goto(recovery_link(house, person, look.person))
    person.page.get_by_role("link", name=look.words("이 방법을 모두 잃어버렸어요", "I have lost all of these")).click()
    expect(person.page.locator("main")).to_contain_text(look.words("24시간", "24 hours"))


@in_each_look
def test_waiting_is_stopped_or_leads_in_anew(house: House, people: People, look: Look) -> None:
    lose(house, look.person)
    person = look.arrive(people)
    page = person.page

    def seen(scenario: str) -> None:
        assert page.locator("h1").count() == 1
        look.is_sound(page)
        look.picture(page, scenario, whole=True)

    begin(house, person, look)
    seen("recovery-wait")
    page.locator("main form button.primary").click()
    expect(page.locator(".notice.success")).to_be_visible()
    seen("recovery-waits")
    page.goto(in_the_mail(house, person, look.person, link_to(house, "/recover/stop")))
    seen("recovery-stop")
    page.locator("main form button.primary").click()
    expect(page.locator(".notice.success")).to_be_visible()
    seen("recovery-stopped")

    begin(house, person, look)
    page.locator("main form button.primary").click()
    expect(page.locator(".notice.success")).to_be_visible()
    time_passes(house)
    page.goto(in_the_mail(house, person, look.person, link_to(house, "/recover/password")))
    expect(page.locator("#code")).to_have_count(0)
    seen("recovery-anew")
    page.locator("#new").fill(NEW)
    page.locator("main form button.primary").click()
    expect(page.locator(".notice.success")).to_be_visible()
    seen("recovery-anew-done")
    page.locator("main a.button.primary").click()
    expect(page.locator("#password")).to_be_visible()
    assert house.rows("SELECT 1 FROM idp.totp WHERE label = 'lost'") == []


@in_each_look
def test_the_page_of_a_code_that_was_told_by_phone(house: House, people: People, look: Look) -> None:
    page = look.arrive(people).page
    page.goto(f"{house.issuer}/recover")
    page.get_by_role("link", name=look.words("관리자에게 전화로 받은 코드", "told me a code by phone")).click()
    look.is_sound(page)
    page.locator("#identifier").fill(look.person)
    page.locator("#code").fill("1234 5678 9012 3456 7890")
    page.locator("main form button.primary").click()
    expect(page.locator("#code-error")).to_be_visible()
    look.is_sound(page)
    look.picture(page, "recovery-code", whole=True)
