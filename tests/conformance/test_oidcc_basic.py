"""`oidcc-basic-certification-test-plan` and `oidcc-formpost-basic-certification-test-plan`: requests and answers."""

from __future__ import annotations

import re

import httpx2
import pytest
from joserfc.jwk import ECKey

from tests.clock import FakeClock
from tests.conformance.party import Party, registered
from tests.idp.keys import b64
from tests.idp.provider import CALLBACK, SECRET, Provider
from tests.idp.signing_app import public_jwks, request_object


async def test_oidcc_server(party: Party) -> None:
    tokens = await party.tokens()
    assert (await party.userinfo(tokens["access_token"])).status_code == 200


async def test_oidcc_response_type_missing(party: Party) -> None:
    told = await party.authorize(response_type=None)
    assert told["error"] in ("unsupported_response_type", "invalid_request")


async def test_oidcc_idtoken_signature(party: Party) -> None:
    await party.tokens()


async def test_oidcc_idtoken_unsigned(party: Party) -> None:
    """Skipped by the suite where discovery does not list `none`."""
    async with party.provider.client() as http:
        said = (await http.get("/.well-known/openid-configuration")).json()
    assert "none" not in said["id_token_signing_alg_values_supported"]


async def test_oidcc_userinfo_get(party: Party) -> None:
    assert (await party.userinfo((await party.tokens())["access_token"])).status_code == 200


async def test_oidcc_userinfo_post_header(party: Party) -> None:
    assert (await party.userinfo((await party.tokens())["access_token"], "POST")).status_code == 200


async def test_oidcc_userinfo_post_body(party: Party) -> None:
    tokens = await party.tokens()
    answer = await party.provider.post("/userinfo", {"access_token": tokens["access_token"]})
    assert (answer.status_code, answer.json()["sub"]) == (200, tokens["claims"]["sub"])


async def test_oidcc_ensure_request_without_nonce_succeeds_for_code_flow(party: Party) -> None:
    assert "nonce" not in (await party.tokens(nonce=None))["claims"]


async def test_oidcc_scope_profile(party: Party) -> None:
    assert {"name", "preferred_username", "locale"} <= (await party.shown(scope="openid profile")).keys()


async def test_oidcc_scope_email(party: Party) -> None:
    assert "email" in await party.shown(scope="openid email")


@pytest.mark.parametrize("scope", ["address", "phone"])
async def test_oidcc_scope_address_and_phone(party: Party, scope: str) -> None:
    """The directory has neither, as discovery says, so the suite skips them; yet the request succeeds."""
    async with party.provider.client() as http:
        assert scope not in (await http.get("/.well-known/openid-configuration")).json()["scopes_supported"]
    assert set(await party.shown(scope=f"openid {scope}")) == {"sub"}


async def test_oidcc_scope_all(party: Party) -> None:
    assert {"name", "email"} <= (await party.shown(scope="openid profile email address phone")).keys()


async def test_oidcc_ensure_other_scope_order_succeeds(party: Party) -> None:
    assert "email" in await party.shown(scope="email openid")


@pytest.mark.parametrize("display", ["page", "popup"])
async def test_oidcc_display_page_and_popup(party: Party, display: str) -> None:
    await party.tokens(display=display)


async def test_oidcc_ensure_request_with_unknown_parameter_succeeds(party: Party) -> None:
    await party.tokens(extra="foobar")


async def test_oidcc_login_hint(party: Party) -> None:
    await party.tokens(login_hint="buffy@localhost")


async def test_oidcc_ui_locales(party: Party) -> None:
    await party.tokens(ui_locales="se")


async def test_oidcc_claims_locales(party: Party) -> None:
    await party.tokens(claims_locales="se")


async def test_oidcc_ensure_request_with_acr_values_succeeds(party: Party) -> None:
    assert "acr" in (await party.tokens(acr_values="1 2"))["claims"]


async def test_oidcc_codereuse(party: Party) -> None:
    code = await party.code()
    assert (await party.redeem(code)).status_code == 200
    again = await party.redeem(code)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")


async def test_oidcc_codereuse_30seconds(party: Party, clock: FakeClock) -> None:
    code = await party.code()
    token = (await party.redeem(code)).json()["access_token"]
    clock.advance(30)
    again = await party.redeem(code)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    assert (await party.userinfo(token)).status_code == 401


async def test_oidcc_ensure_registered_redirect_uri(party: Party) -> None:
    page = await party.ask(redirect_uri=CALLBACK + "/elsewhere")
    assert page.status_code == 400
    assert "location" not in page.headers
    assert CALLBACK not in page.text


async def test_oidcc_ensure_post_request_succeeds(party: Party) -> None:
    told = await party.authorize(post=True)
    assert (await party.redeem(told["code"])).status_code == 200


async def test_oidcc_server_client_secret_post(party: Party) -> None:
    party.app = await registered(
        party.provider, "posting", auth_method="client_secret_post", code_protection="optional"
    )
    form = {"grant_type": "authorization_code", "code": await party.code(), "redirect_uri": CALLBACK}
    proof = {"client_id": "posting", "client_secret": SECRET}
    by_header = await party.provider.post("/token", form, httpx2.BasicAuth("posting", SECRET))
    assert by_header.status_code == 401
    assert (await party.provider.post("/token", {**form, **proof})).status_code == 200


@pytest.mark.parametrize("parameter", ["request", "request_uri"])
async def test_oidcc_unsigned_request_object_and_request_uri_unsigned(party: Party, parameter: str) -> None:
    """Skipped by the suite where discovery does not list `none`; it is refused, not ignored."""
    async with party.provider.client() as http:
        said = (await http.get("/.well-known/openid-configuration")).json()
    assert "none" not in said["request_object_signing_alg_values_supported"]
    unsigned = ".".join((b64(b'{"alg":"none"}'), b64(b"{}"), ""))
    page = await party.ask(**{parameter: unsigned if parameter == "request" else "https://app.example/request.jwt"})
    error = "invalid_request_object" if parameter == "request" else "invalid_request_uri"
    assert party.told(page)["error"] == error


async def test_oidcc_claims_essential(party: Party) -> None:
    assert "name" in await party.shown(claims='{"userinfo": {"name": {"essential": true}}}')


async def test_oidcc_ensure_request_object_with_redirect_uri(provider: Provider) -> None:
    """With a signed object: unsigned ones are not taken, and then the suite skips it."""
    key = ECKey.generate_key("P-256")
    party = await Party.of(provider, jwks=public_jwks(key))
    signed = request_object(provider, party.app, key)
    page = await party.ask(request=signed, redirect_uri="https://app.example/another")
    assert page.status_code == 200
    page = await provider.prove(party.browser, party.user)
    assert party.told(page)["state"] == "a state"


async def test_oidcc_refresh_token(party: Party) -> None:
    first = await party.tokens()
    second = await party.second()
    stolen = await party.provider.refresh(second.app, first["refresh_token"])
    assert (stolen.status_code, stolen.json()["error"]) == (400, "invalid_grant")
    answer = await party.provider.refresh(party.app, first["refresh_token"])
    assert answer.status_code == 200, answer.text
    renewed = answer.json()
    assert renewed["access_token"] != first["access_token"]
    assert (await party.userinfo(renewed["access_token"])).status_code == 200
    if "id_token" in renewed:
        party.request.pop("nonce")
        claims = await party.id_token(renewed["id_token"])
        same = ("iss", "sub", "aud", "auth_time")
        assert [claims[name] for name in same] == [first["claims"][name] for name in same]


async def test_oidcc_ensure_request_with_valid_pkce_succeeds(party: Party) -> None:
    asked = {"code_challenge": party.app.challenge, "code_challenge_method": "S256"}
    without = await party.redeem(await party.code(**asked))
    assert without.status_code == 400
    answer = await party.redeem(await party.code(**asked), code_verifier=party.app.verifier)
    assert answer.status_code == 200
    assert re.fullmatch(r"[\w-]+\.[\w-]+\.[\w-]+", answer.json()["id_token"])
