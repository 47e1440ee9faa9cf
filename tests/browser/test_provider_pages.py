"""What people meet by apps of others: consent, a device, a request behind their back, links, errors, signing out."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import People
from tests.browser.looks import Look, in_each_look
from tests.browser.provider import Relying
from tests.house import House

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def relying(house: House) -> Relying:
    """Apps of others, and accounts of both people at another provider."""
    apps = Relying(house)
    apps.register()
    for name in ("mina", "sora"):
        apps.link(name)
    return apps


@pytest.fixture(autouse=True)
def _nothing_waits(house: House) -> Iterator[None]:
    yield
    house.execute("DELETE FROM idp.pending_grant")


@in_each_look
def test_what_apps_of_others_ask(house: House, relying: Relying, people: People, look: Look) -> None:
    person = look.remembered(house, people)
    page = person.page

    def seen(scenario: str) -> None:
        assert page.locator("h1").count() == 1
        look.is_sound(page)
        look.picture(page, scenario, whole=True)

    page.goto(relying.request())
    expect(page.locator("h1")).to_contain_text(look.words("밤하늘 일기", "Nightsky Diary"))
    seen("consent")
    page.locator("button[value=allow]").click()
    page.wait_for_url(f"{relying.diary}?code=**")
    page.goto(f"{house.issuer}/account/apps/disconnect?id=diary")
    seen("consent-withdrawal")
    page.locator("main form button").last.click()
    expect(page.locator(".notice.success")).to_be_visible()

    codes = relying.device()
    page.goto(codes["verification_uri"])
    seen("device-code")
    page.goto(codes["verification_uri_complete"])  # what the QR code on the other screen leads to
    expect(page.locator("h1")).to_contain_text(look.words("달빛티비", "Moonlight TV"))
    expect(page.locator("main")).to_contain_text(codes["user_code"])
    seen("device-confirm")
    page.locator("button[value=allow]").click()
    expect(page.locator("button[value=allow]")).to_have_count(0)
    look.is_sound(page)

    page.goto(f"{house.issuer}/account/links")
    expect(page.locator("main")).to_contain_text(f"{look.person}@acme.example")
    seen("links")

    page.goto(relying.request(client_id="nobody"))
    seen("request-error")
    assert page.url.startswith(f"{house.issuer}/authorize"), "nobody is led to an app that nobody knows"

    page.goto(f"{house.issuer}/end-session")
    seen("sign-out-asked")
    page.locator("main form button.primary, main form button").first.click()
    expect(page.locator("main form")).to_have_count(0)
    look.is_sound(page)


@in_each_look
def test_open_pages_hear_of_a_request_and_of_its_end(
    house: House, relying: Relying, people: People, look: Look
) -> None:
    """From the app's question through the outbox, the relay and the stream to three open pages of the account."""
    person = look.remembered(house, people)
    asked, overview, elsewhere = person.page, person.context.new_page(), person.context.new_page()
    asked.goto(f"{house.issuer}/account/requests")
    overview.goto(f"{house.issuer}/account")
    expect(asked.locator("[data-none]")).to_be_visible()
    expect(overview.locator("[data-requests] .notice")).to_have_count(0)
    relying.ask(look.person, "W4SCT")
    expect(asked.locator("[data-request] form")).to_have_count(1)
    expect(asked.locator("[data-none]")).to_have_count(0)
    expect(asked.locator("[data-requests] .notice")).to_be_visible()
    expect(asked.locator("[data-request]")).to_contain_text("W4SCT")
    expect(overview.locator("[data-requests] .notice a")).to_have_attribute("href", "/account/requests")
    look.is_sound(asked)
    look.is_sound(overview)
    look.picture(asked, "sign-in-request", whole=True)

    elsewhere.goto(f"{house.issuer}/account/requests")
    relying.ask(look.person, "ZZ9")
    expect(asked.locator("[data-request] form")).to_have_count(2)
    elsewhere.locator("button[value=refuse]").first.click()
    expect(elsewhere.locator("[data-requests] ~ .notice")).to_be_visible()
    expect(asked.locator("[data-request] form")).to_have_count(1)
    expect(asked.locator("[data-request]").first.locator(".notice.information")).to_be_visible()
    assert "ZZ9" in asked.locator("[data-request]").last.inner_text(), "cards keep their places"
    look.is_sound(asked)

    asked.locator("button[value=allow]").click()
    expect(overview.locator("[data-requests] .notice")).to_have_count(0)
    overview.goto(f"{house.issuer}/account/session")
    overview.locator("form[action='/account/session/end'] button").first.click()
    expect(asked.locator("[data-requests] a")).to_be_visible()


def test_without_scripts_a_reload_shows_it(house: House, relying: Relying, people: People) -> None:
    person = people.arrive(locale="en-GB", scripts=False)
    person.sign_in("sora")
    person.page.goto(f"{house.issuer}/account/requests")
    assert person.page.locator("[data-request]").count() == 0
    relying.ask("sora", "W4SCT")
    person.page.reload()
    assert person.page.locator("[data-request]").count() == 1
    assert person.page.locator("[data-requests]").inner_text() == ""
