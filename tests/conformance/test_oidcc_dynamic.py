"""`oidcc-dynamic-certification-test-plan`, as far as it is the code flow: clients that register themselves.

With PKCE, since nobody who registers itself may do without; and with `private_key_jwt`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from joserfc import jwt

from config.connections import Valkey
from config.settings import Settings
from tests.clock import FakeClock
from tests.conformance.party import Party
from tests.idp.conftest import OpenDatabase
from tests.idp.keyed import TOKEN, changed
from tests.idp.keys import Key, rsa_key
from tests.idp.login_pages.test_consent import answer, at_consent
from tests.idp.provider import CALLBACK, App, Provider, running_provider
from tests.idp.signing_app import parameters_of

KEY = rsa_key(algorithm="RS256")
KEY.kid = "own"


@pytest.fixture
async def provider(
    settings: Settings, database: OpenDatabase, valkey: Valkey, clock: FakeClock
) -> AsyncIterator[Provider]:
    async with running_provider(changed(settings, registration="open"), database("idp"), valkey, clock) as running:
        clock.advance(42)
        yield running


async def register(provider: Provider, **more: object) -> httpx2.Response:
    asked = {
        "redirect_uris": [CALLBACK],
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks": {"keys": [KEY.registered]},
        "grant_types": ["authorization_code", "refresh_token"],
        "id_token_signed_response_alg": "RS256",
        **more,
    }
    async with provider.client() as http:
        return await http.post("/register", json=asked)


async def dynamic(provider: Provider, **more: object) -> Party:
    registered = await register(provider, **more)
    assert registered.status_code == 201, registered.text
    app = App(registered.json()["client_id"], None)
    return Party(provider, app, provider.browser(), await provider.person())


async def tokens(party: Party, key: Key = KEY, **changed: str | None) -> dict[str, Any]:
    """A login that the person consents to, and the tokens of it."""
    party.request = parameters_of(party.app, **changed)
    browser = party.browser
    await browser.follow(await _asked(party))
    page = await party.provider.prove(browser, party.user)
    assert at_consent(browser)  # nobody knows who is behind such a client
    await answer(browser, page, "allow")
    redirect_uri = party.request["redirect_uri"]
    assert browser.address.startswith(redirect_uri)
    shown = key.assertion(party.app.client_id, TOKEN, party.provider.parts.clock.timestamp())
    form = {
        "grant_type": "authorization_code",
        "code": browser.query()["code"],
        "redirect_uri": redirect_uri,
        "code_verifier": party.app.verifier,
    }
    answered = await party.provider.post("/token", {**form, **shown})
    assert answered.status_code == 200, answered.text
    return {**answered.json(), "claims": await party.id_token(answered.json()["id_token"])}


async def _asked(party: Party) -> httpx2.Response:
    return await party.browser.get(f"/authorize?{httpx2.QueryParams(party.request)}")


async def test_oidcc_server_and_idtoken_rs256(provider: Provider) -> None:
    party = await dynamic(provider)
    assert (await party.userinfo((await tokens(party))["access_token"])).status_code == 200


async def test_oidcc_idtoken_unsigned(provider: Provider) -> None:
    refused = await register(provider, id_token_signed_response_alg="none")
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_client_metadata")


async def test_oidcc_userinfo_rs256(provider: Provider) -> None:
    party = await dynamic(provider, userinfo_signed_response_alg="RS256")
    issued = await tokens(party)
    told = await party.userinfo(issued["access_token"])
    assert told.headers["content-type"].startswith("application/jwt")
    read = jwt.decode(told.text, await party.jwks(), algorithms=["RS256"]).claims
    assert (read["iss"], read["sub"]) == (provider.parts.issuer, issued["claims"]["sub"])
    assert read["aud"] in (party.app.client_id, [party.app.client_id])


async def test_oidcc_ensure_redirect_uri_in_authorization_request(provider: Provider) -> None:
    party = await dynamic(provider)
    party.request = parameters_of(party.app, redirect_uri=None)
    page = await _asked(party)
    assert page.status_code == 400
    assert "location" not in page.headers


async def test_oidcc_redirect_uri_query_ok(provider: Provider) -> None:
    with_query = CALLBACK + "?foo=bar"
    party = await dynamic(provider, redirect_uris=[with_query])
    await tokens(party, redirect_uri=with_query)
    assert party.browser.query()["foo"] == "bar"


@pytest.mark.parametrize("asked", ["?foo=baz", "?foo=bar&more=x", ""])
async def test_oidcc_redirect_uri_query_mismatch_and_query_added(provider: Provider, asked: str) -> None:
    party = await dynamic(provider, redirect_uris=[CALLBACK + "?foo=bar"])
    party.request = parameters_of(party.app, redirect_uri=CALLBACK + asked)
    assert (await _asked(party)).status_code == 400


async def test_oidcc_redirect_uri_regfrag(provider: Provider) -> None:
    refused = await register(provider, redirect_uris=[CALLBACK + "#foobar"])
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_redirect_uri")


@pytest.mark.parametrize("member", ["logo_uri", "policy_uri", "tos_uri"])
async def test_oidcc_registration_logo_uri_policy_uri_tos_uri(provider: Provider, member: str) -> None:
    address = "https://app.example/about"
    registered = await register(provider, **{member: address})
    assert (registered.status_code, registered.json()[member]) == (201, address)


async def test_oidcc_ensure_client_assertion_with_iss_aud_succeeds(provider: Provider) -> None:
    party = await dynamic(provider)
    shown = KEY.assertion(party.app.client_id, provider.parts.issuer, provider.parts.clock.timestamp())
    answered = await provider.post("/token", {"grant_type": "refresh_token", "refresh_token": "none", **shown})
    assert answered.json()["error"] == "invalid_grant"  # the client itself was believed


async def test_nobody_who_registers_itself_does_without_pkce(provider: Provider) -> None:
    registered = await register(provider, code_protection="optional")
    assert registered.json()["code_protection"] == "pkce"
