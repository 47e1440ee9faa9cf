"""Passkeys in a real browser, by its virtual authenticator (WebAuthn, section 11)."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import People
from tests.house import House

pytestmark = pytest.mark.browser

AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


def test_a_passkey_is_registered_and_signs_in(house: House, people: People) -> None:
    person = people.arrive(locale="en-GB")
    devtools = person.context.new_cdp_session(person.page)
    devtools.send("WebAuthn.enable")
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    person.sign_in("sora")
    person.is_in_the_shop()

    person.page.goto(f"{house.issuer}/account")
    person.page.get_by_role("button", name="passkey").click()
    expect(person.page.locator("[data-passkey]")).to_have_count(1)

    person.page.goto(house.shop)
    person.page.locator('form[action="/.munjigi/sign-out"] button').click()
    person.open_shop()
    expect(person.page).to_have_url(house.sign_in_page)
    if person.page.locator("[data-product]").count() == 0:
        person.page.locator("details summary").click()
        person.page.get_by_role("button", name="passkey").click()
    person.is_in_the_shop()
