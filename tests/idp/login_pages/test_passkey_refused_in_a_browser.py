"""What a real Chromium does not get in with: an answer sent twice, one without user verification, a copy of a key."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import CDPSession, Page, expect

from tests.idp.login_pages.test_passkey_in_a_browser import AUTHENTICATOR, CALLBACK, issuer, page
from tests.idp.login_pages.test_sign_in import PASSWORD
from tests.idp.provider import App

__all__ = ["issuer", "page"]

pytestmark = pytest.mark.browser
NO_AUTOFILL = "if (window.PublicKeyCredential) PublicKeyCredential.isConditionalMediationAvailable = async () => false"
"""Or the virtual authenticator answers by itself, before anybody asks it."""


async def signed_in_with_a_key(page: Page, issuer: str) -> tuple[CDPSession, str]:
    """Mina is signed in, and her virtual key is registered."""
    page.set_default_timeout(15_000)
    await page.add_init_script(NO_AUTOFILL)
    await page.goto(issuer + App().request(redirect_uri=CALLBACK))
    await page.fill("#identifier", "mina")
    await page.fill("#password", PASSWORD)
    await page.press("#password", "Enter")
    await page.wait_for_url(f"{CALLBACK}?code=**")
    devtools = await page.context.new_cdp_session(page)
    await devtools.send("WebAuthn.enable")
    made = await devtools.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    await page.goto(f"{issuer}/account/factors")
    await page.click("form[data-passkey=create] button")
    await page.wait_for_selector("main code")
    await page.goto("about:blank")
    return devtools, made["authenticatorId"]


async def at_the_sign_in(page: Page, issuer: str) -> None:
    await page.context.clear_cookies(name="__Host-munjigi-session")
    await page.goto(issuer + App().request(redirect_uri=CALLBACK))
    await page.wait_for_selector("form[data-passkey=get]:not([hidden])", state="attached")
    await page.evaluate("for (const other of document.querySelectorAll('details')) other.open = true")


async def kept_answer(page: Page) -> dict[str, Any]:
    """Ask the authenticator as the page's script does, and keep what it would send rather than send it."""
    return dict(
        await page.evaluate(
            """async () => {
              const form = document.querySelector("form[data-passkey=get]");
              const sent = new Promise((resolve) => { form.submit = () => resolve(); });
              form.requestSubmit();
              await sent;
              return { action: form.action, hop: form.elements.hop.value, answer: form.elements.answer.value };
            }"""
        )
    )


async def post(page: Page, form: dict[str, Any]) -> int:
    """Send it as the form would, and go nowhere."""
    return int(
        await page.evaluate(
            """async ({ action, ...fields }) => {
              const body = new URLSearchParams(fields);
              const told = await fetch(action, { method: "POST", body, redirect: "manual" });
              return told.type === "opaqueredirect" ? 302 : told.status;
            }""",
            form,
        )
    )


async def test_an_answer_sent_twice_lets_in_once(page: Page, issuer: str) -> None:
    await signed_in_with_a_key(page, issuer)
    await at_the_sign_in(page, issuer)
    form = await kept_answer(page)
    assert await post(page, form) == 302
    assert await post(page, form) == 422, "the challenge is used up"


async def test_without_user_verification_nobody_gets_in(page: Page, issuer: str) -> None:
    devtools, key = await signed_in_with_a_key(page, issuer)
    await devtools.send("WebAuthn.setUserVerified", {"authenticatorId": key, "isUserVerified": False})
    await at_the_sign_in(page, issuer)
    await page.click("form[data-passkey=get] button")
    await expect(page.locator("form[data-passkey=get] [data-problem]")).to_be_visible()
    # and a browser that leaves the verification out, which the page asks for, is refused by the server
    await page.evaluate(
        """() => {
          const asked = navigator.credentials.get.bind(navigator.credentials);
          navigator.credentials.get = (wanted) =>
            asked({ ...wanted, publicKey: { ...wanted.publicKey, userVerification: "discouraged" } });
        }"""
    )
    assert await post(page, await kept_answer(page)) == 422


async def test_a_copy_of_a_key_is_refused_and_said_to_be_one(page: Page, issuer: str) -> None:
    devtools, key = await signed_in_with_a_key(page, issuer)
    (held,) = (await devtools.send("WebAuthn.getCredentials", {"authenticatorId": key}))["credentials"]
    await at_the_sign_in(page, issuer)
    for _ in range(2):  # each answer raises the counter
        await kept_answer(page)
        await at_the_sign_in(page, issuer)
    assert await post(page, await kept_answer(page)) == 302
    await devtools.send("WebAuthn.removeCredential", {"authenticatorId": key, "credentialId": held["credentialId"]})
    await devtools.send("WebAuthn.addCredential", {"authenticatorId": key, "credential": held})  # as it was then
    await at_the_sign_in(page, issuer)
    await page.click("form[data-passkey=get] button")
    await expect(page.locator("main")).to_contain_text("may have been copied")
    await expect(page.locator("main")).to_contain_text("MJ-SIGNIN-040")
