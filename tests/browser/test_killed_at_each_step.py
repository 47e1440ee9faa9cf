"""`kill -9` of each process at each step of a takeover: the person gets on, and one session lives, whatever died when.

Where a process stands at the moment is a matter of luck here; `tests/idp/login_pages/test_takeover_killed.py` holds the
identity provider at every statement. This is about all the others, and about the person: nobody is stuck.
"""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from playwright.sync_api import Error, expect
from redis.exceptions import RedisError

from notifications.storage.messages import LEASE
from tests.browser import meanwhile
from tests.browser.conftest import People, Person
from tests.browser.looks import WIDE
from tests.house import House

pytestmark = [pytest.mark.browser, pytest.mark.proof]

NAME = WIDE.person
PROCESSES = ("munjigi-idp", "munjigi-gateway", "munjigi-worker-", "munjigi-worker", "valkey-server", "postgres")
"""As the kernel names them, in 15 characters; `munjigi-worker-` is the relay."""
STEPS = ("asked for a code", "asked to choose", "choosing", "signed in")
GETS_ON_WITHIN = 90.0
SESSIONS = f"""
SELECT created_at, ended_at FROM idp.session JOIN idp.login_name USING (user_id)
WHERE name = '{NAME}' ORDER BY created_at
"""


@pytest.mark.parametrize("process", PROCESSES)
@pytest.mark.parametrize("step", STEPS)
def test_the_person_gets_on(house: House, people: People, process: str, step: str) -> None:
    house.wait_until_ready()
    first, second = WIDE.arrive(people), WIDE.arrive(people)
    first.sign_in(NAME)
    first.is_in_the_shop()
    before = house.mails(NAME)
    second.open_shop()
    second.give_password(NAME, house.password(NAME))
    expect(second.page.locator("#code")).to_be_visible()
    code = house.mailed_code(NAME, before)
    if step == "asked for a code":
        house.kill(process)
    else:
        second.give_code(code)
        expect(second.page.locator('button[value="take_over"]')).to_be_visible()
        if step == "asked to choose":
            house.kill(process)
        else:
            second.page.locator('button[value="take_over"]').click(no_wait_after=True)
            if step == "signed in":
                second.is_in_the_shop()
            house.kill(process)
    gets_on(house, second, before)
    sessions = house.rows(SESSIONS)
    assert sum(row["ended_at"] is None for row in sessions) == 1
    assert all(earlier["ended_at"] <= later["created_at"] for earlier, later in pairwise(sessions))
    house.wait_until_ready()
    is_out(first)
    # what a killed worker was about to send is sent once its lease is over
    meanwhile.mail(house, NAME, before, r"not-me\?", within=LEASE.total_seconds() + 30)


def gets_on(house: House, person: Person, read: list[dict[str, object]]) -> None:
    """What a patient person does: answer whatever is asked, and open the shop again where nothing goes on.

    `read` are the mails that the person has seen before: a code is looked for in the others.
    """
    page = person.page
    deadline = time.monotonic() + GETS_ON_WITHIN
    while time.monotonic() < deadline:
        try:
            house.forget_attempts()
            if page.locator("[data-product]").count():
                page.reload()
                if page.locator("[data-product]").count():
                    return
            with page.expect_navigation():
                read = answers(house, person, read)
        except (Error, RedisError, AssertionError, OSError):
            page.wait_for_timeout(200)
            try:
                person.open_shop()
            except Error:
                page.wait_for_timeout(200)
    raise AssertionError(f"the person is stuck at {page.url}")


def answers(house: House, person: Person, read: list[dict[str, object]]) -> list[dict[str, object]]:
    """One answer to what the page asks now; returns the mails that are read by then."""
    page = person.page
    if page.locator('button[value="take_over"]').count():
        page.locator('button[value="take_over"]').click()
    elif page.locator("#password").count():
        read = house.mails(NAME)
        person.give_password(NAME, house.password(NAME))
    elif person.is_asked_for_a_mailed_code():
        person.give_code(house.mailed_code(NAME, read))
        read = house.mails(NAME)
    else:
        person.open_shop()
    return read


def is_out(person: Person) -> None:
    """The session that was taken over opens nothing any more."""
    person.page.goto(person.house.shop)
    expect(person.page.locator("#identifier").or_(person.page.locator("#munjigi-again"))).to_be_visible()
    assert person.page.locator("[data-product]").count() == 0
