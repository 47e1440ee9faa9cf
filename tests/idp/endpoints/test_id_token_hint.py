"""`id_token_hint` (OpenID Connect Core 1.0, section 3.1.2.1): the client is answered for this person, or for nobody."""

from __future__ import annotations

from tests.clock import FakeClock
from tests.idp.provider import CALLBACK, Provider


async def test_only_the_person_whom_the_hint_names_is_answered_for(provider: Provider, clock: FakeClock) -> None:
    app, mina, jun = await provider.register(), await provider.person("mina"), await provider.person("jun")
    hint = (await provider.redeem(app, await provider.sign_in(provider.browser(), app, mina))).json()["id_token"]
    browser = provider.browser("10.0.0.2")
    await provider.sign_in(browser, app, jun)
    clock.advance(600)  # the hint has expired, which is no fault of it

    await browser.follow(await browser.get(app.request(prompt="none")))
    assert "code" in browser.query()
    await browser.follow(await browser.get(app.request(prompt="none", id_token_hint=hint)))
    assert browser.query()["error"] == "login_required"

    # whoever may be asked is asked who they are; Jun again is not the one
    await browser.follow(await browser.get(app.request(id_token_hint=hint)))
    assert browser.address.startswith("http://localhost:9000/sign-in?hop=")
    await provider.prove(browser, jun)
    assert browser.address.startswith(CALLBACK)
    assert browser.query()["error"] == "login_required"


async def test_the_person_whom_the_hint_names_goes_on(provider: Provider) -> None:
    app, mina, browser = await provider.register(), await provider.person("mina"), provider.browser()
    tokens = (await provider.redeem(app, await provider.sign_in(browser, app, mina))).json()
    await browser.follow(await browser.get(app.request(prompt="none", id_token_hint=tokens["id_token"])))
    assert "code" in browser.query()
    # an access token is not an ID token
    await browser.follow(await browser.get(app.request(prompt="none", id_token_hint=tokens["access_token"])))
    assert browser.query()["error"] == "invalid_request"
