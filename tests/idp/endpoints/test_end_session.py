"""RP-initiated logout: by a hint at once, without one by the person's own word, onward only to registered addresses."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from joserfc import jwt
from joserfc.jwk import ECKey

from tests.clock import FakeClock
from tests.idp.browser import Browser
from tests.idp.provider import AFTER_LOGOUT, Provider


async def _signed_in(provider: Provider) -> tuple[Browser, UUID, dict[str, Any]]:
    app, user, browser = await provider.register(), await provider.person(), provider.browser()
    tokens: dict[str, Any] = (await provider.redeem(app, await provider.sign_in(browser, app, user))).json()
    return browser, user, tokens


async def _lives(provider: Provider, user: UUID) -> bool:
    async with provider.parts.database.connect() as tx:
        return await provider.parts.arrivals.live(tx, user, provider.parts.clock.now()) is not None


def _path(**parameters: str) -> str:
    return "/end-session?" + urlencode(parameters)


async def test_a_hint_ends_the_session_and_leads_on(provider: Provider, clock: FakeClock) -> None:
    browser, user, tokens = await _signed_in(provider)
    clock.advance(1000)  # the ID token has expired: it still says which session (section 2)
    answer = await browser.get(
        _path(id_token_hint=tokens["id_token"], post_logout_redirect_uri=AFTER_LOGOUT, state="s&t")
    )
    assert answer.status_code == 303
    assert answer.headers["location"] == AFTER_LOGOUT + "?state=s%26t"
    assert not await _lives(provider, user)
    assert "__Host-munjigi-session" not in browser.cookies


async def test_without_a_hint_the_person_is_asked(provider: Provider) -> None:
    browser, user, _tokens = await _signed_in(provider)
    page = await browser.get(_path(client_id="app", post_logout_redirect_uri=AFTER_LOGOUT, state="s"))
    assert page.status_code == 200
    assert await _lives(provider, user)
    assert "form-action 'self' https://app.example" in page.headers["content-security-policy"]
    fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', page.text))
    forged = await browser.post("/end-session/confirm", {**fields, "hop": "x"})
    assert forged.status_code == 403
    assert await _lives(provider, user)
    answer = await browser.post("/end-session/confirm", fields)
    assert answer.headers["location"] == AFTER_LOGOUT + "?state=s"
    assert not await _lives(provider, user)


async def test_a_confirmation_is_of_one_browser(provider: Provider) -> None:
    browser, user, _tokens = await _signed_in(provider)
    fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', (await browser.get("/end-session")).text))
    jun, other = await provider.person("jun"), provider.browser()
    await provider.sign_in(other, await provider.register("other"), jun)
    assert (await other.post("/end-session/confirm", fields)).status_code == 403
    assert await _lives(provider, user)
    assert await _lives(provider, jun)


async def test_a_hint_that_is_not_ours_ends_nothing(provider: Provider) -> None:
    browser, user, tokens = await _signed_in(provider)
    claims = jwt.decode(tokens["id_token"], provider.parts.keys.ring().active.public.key).claims
    kid = provider.parts.keys.ring().active.kid
    forged = jwt.encode({"alg": "ES256", "typ": "JWT", "kid": kid}, claims, ECKey.generate_key("P-256"))
    for hint in (forged, tokens["access_token"], tokens["id_token"][:-4] + "AAAA", "x", "a.b.c"):
        page = await browser.get(_path(id_token_hint=hint))
        assert page.status_code == 200
        assert 'name="hop"' in page.text  # asked, as without a hint
    assert await _lives(provider, user)


async def test_nobody_is_led_where_the_client_has_not_registered(provider: Provider) -> None:
    browser, user, tokens = await _signed_in(provider)
    await provider.register("other")
    for parameters in (
        {"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": "https://evil.example/"},
        {"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": AFTER_LOGOUT + "/"},
        {"post_logout_redirect_uri": AFTER_LOGOUT},
        {"client_id": "nobody", "post_logout_redirect_uri": AFTER_LOGOUT},
        {"id_token_hint": tokens["id_token"], "client_id": "other", "post_logout_redirect_uri": AFTER_LOGOUT},
    ):
        answer = await browser.get(_path(**parameters))
        assert answer.status_code == 400
        assert "location" not in answer.headers
    assert await _lives(provider, user)


async def test_nobody_signed_in_is_told_so(provider: Provider) -> None:
    await provider.register()
    browser = provider.browser()
    assert (await browser.get("/end-session")).status_code == 200
    onward = await browser.get(_path(client_id="app", post_logout_redirect_uri=AFTER_LOGOUT))
    assert onward.headers["location"] == AFTER_LOGOUT
