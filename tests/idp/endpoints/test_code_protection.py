"""Codes without PKCE: for whom an administrator says so, redeemed without a verifier, and never a way around one."""

from __future__ import annotations

import pytest

from idp.clients.metadata import ClientMetadata
from idp.protocol.code_protection import CodeProtection
from tests.idp.provider import CALLBACK, App, Provider

WITHOUT: dict[str, str | None] = {"code_challenge": None, "code_challenge_method": None}


async def relying(provider: Provider, protection: CodeProtection) -> App:
    app = await provider.register(metadata=ClientMetadata(code_protection=protection))
    provider.parts.clients.on_reset()
    return app


@pytest.mark.parametrize(
    ("protection", "nonce", "passes"),
    [
        ("pkce", "a nonce", False),
        ("pkce", None, False),
        ("pkce_or_nonce", "a nonce", True),
        ("pkce_or_nonce", None, False),
        ("optional", None, True),
    ],
)
async def test_what_a_request_must_bring(
    provider: Provider, protection: CodeProtection, nonce: str | None, passes: bool
) -> None:
    app, browser = await relying(provider, protection), provider.browser()
    await browser.follow(await browser.get(app.request(nonce=nonce, **WITHOUT)))
    assert (browser.query().get("error") is None) == passes
    assert passes or browser.query()["error"] == "invalid_request"


async def test_a_code_without_challenge_is_redeemed_without_verifier_alone(provider: Provider) -> None:
    app, person, browser = await relying(provider, "pkce_or_nonce"), await provider.person(), provider.browser()
    code = await provider.sign_in(browser, app, person, **WITHOUT)
    slipped_in = await provider.redeem(app, code)  # with the verifier of a request whose challenge was stripped
    assert (slipped_in.status_code, slipped_in.json()["error"]) == (400, "invalid_request")
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
    assert (await provider.token(app, **form)).status_code == 200


@pytest.mark.parametrize("protection", ["pkce", "pkce_or_nonce", "optional"])
async def test_a_code_with_challenge_always_needs_its_verifier(provider: Provider, protection: CodeProtection) -> None:
    app, person, browser = await relying(provider, protection), await provider.person(), provider.browser()
    code = await provider.sign_in(browser, app, person)
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
    assert (await provider.token(app, **form)).status_code == 400
    assert (await provider.redeem(app, code, code_verifier="x" * 43)).json()["error"] == "invalid_grant"
    assert (await provider.redeem(app, code)).status_code == 200


async def test_what_was_allowed_and_is_no_more(provider: Provider) -> None:
    app, person, browser = await relying(provider, "optional"), await provider.person(), provider.browser()
    code = await provider.sign_in(browser, app, person, **WITHOUT)
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
    await relying(provider, "pkce")
    assert (await provider.token(app, **form)).json()["error"] == "invalid_grant"
    await relying(provider, "optional")
    assert (await provider.token(app, **form)).status_code == 200


async def test_a_method_without_challenge_is_no_request(provider: Provider) -> None:
    app, browser = await relying(provider, "optional"), provider.browser()
    await browser.follow(await browser.get(app.request(code_challenge=None)))
    assert browser.query()["error"] == "invalid_request"


async def test_a_public_client_never_does_without(provider: Provider) -> None:
    """Were it registered so, by whatever way."""
    app = await provider.register(auth_method="none", metadata=ClientMetadata(code_protection="optional"))
    browser = provider.browser()
    await browser.follow(await browser.get(app.request(**WITHOUT)))
    assert browser.query()["error"] == "invalid_request"
