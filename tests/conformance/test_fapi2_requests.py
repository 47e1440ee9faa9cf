"""`fapi2-security-profile-final-test-plan`: discovery, the happy flow, pushed requests, the authorization endpoint.

Each module is run with `private_key_jwt` and DPoP, with it and certificates, and with certificates alone.
"""

from __future__ import annotations

import pytest

from tests.clock import FakeClock
from tests.conformance.bank import Bank
from tests.idp.login_pages.test_consent import answer, asked
from tests.idp.login_pages.test_sign_in import person
from tests.idp.provider import CALLBACK


async def test_fapi2_discovery_end_point_verification(bank: Bank) -> None:
    async with bank.provider.client() as http:
        said = (await http.get("/.well-known/openid-configuration")).json()
    assert said["issuer"] == bank.provider.parts.issuer
    assert "code" in said["response_types_supported"]
    assert said["authorization_response_iss_parameter_supported"] is True
    assert said["code_challenge_methods_supported"] == ["S256"]
    assert {"private_key_jwt", "self_signed_tls_client_auth"} <= {*said["token_endpoint_auth_methods_supported"]}
    assert {"ES256", "PS256"} <= {*said["dpop_signing_alg_values_supported"]}
    assert {"authorization_code", "refresh_token"} <= {*said["grant_types_supported"]}
    assert said["tls_client_certificate_bound_access_tokens"] is True
    assert said["pushed_authorization_request_endpoint"]
    assert said["claims_parameter_supported"] is True


async def test_fapi2_happy_flow(bank: Bank) -> None:
    tokens = await bank.tokens()
    assert tokens["token_type"].lower() == ("dpop" if bank.bound == "dpop" else "bearer")
    assert tokens["expires_in"] > 0
    assert (await bank.resource(tokens["access_token"])).status_code == 200


async def test_fapi2_user_rejects_authentication(bank: Bank) -> None:
    await bank.registered(consent_required=True)
    await person(bank.provider)
    browser = bank.provider.browser("10.0.0.1")
    reference = await bank.reference()

    class ByReference:
        def request(self, **_changed: str | None) -> str:
            return f"/authorize?client_id={bank.app.client_id}&request_uri={reference}"

    page = await asked(bank.provider, browser, ByReference())  # type: ignore[arg-type]
    await answer(browser, page, "refuse")
    told = browser.query()
    assert (told["error"], told["state"], told["iss"]) == ("access_denied", "a state", bank.provider.parts.issuer)


@pytest.mark.parametrize("left_out", ["state", "nonce"])
async def test_fapi2_ensure_authorization_request_without_state_or_nonce_success(bank: Bank, left_out: str) -> None:
    told = await bank.answer(await bank.reference(**{left_out: None}))
    assert ("state" in told) == (left_out != "state")
    assert (await bank.redeem(told["code"])).status_code == 200


@pytest.mark.parametrize(("parameter", "length"), [("nonce", 64), ("nonce", 1000), ("state", 1000)])
async def test_fapi2_ensure_authorization_request_with_long_nonce_or_state(
    bank: Bank, parameter: str, length: int
) -> None:
    told = await bank.answer(await bank.reference(**{parameter: "x" * length}))
    assert parameter != "state" or told["state"] == "x" * length
    assert (await bank.redeem(told["code"])).status_code == 200


async def test_fapi2_ensure_other_scope_order_succeeds(bank: Bank) -> None:
    await bank.tokens(scope="profile openid")


async def test_fapi2_test_claims_parameter_identity_claims(bank: Bank) -> None:
    tokens = await bank.tokens(claims='{"userinfo": {"name": {"essential": true}}}', scope="openid")
    assert "name" in (await bank.resource(tokens["access_token"])).json()


async def test_fapi2_access_token_type_header_case_sensitivity(bank: Bank) -> None:
    token = (await bank.tokens())["access_token"]
    for scheme in ("DPOP", "dpop") if bank.bound == "dpop" else ("BEARER", "bearer"):
        assert (await bank.resource(token, scheme=scheme)).status_code == 200


async def test_fapi2_ensure_different_nonce_and_state_inside_and_outside_request(bank: Bank) -> None:
    """And state-only-outside-request-object-not-used: what stands beside the reference does not count."""
    reference = await bank.reference(state=None)
    told = await bank.answer(reference, state="outside", nonce="outside", scope="openid email")
    assert "state" not in told


@pytest.mark.parametrize("redirect_uri", [None, CALLBACK + "/elsewhere", "https://evil.example/"])
async def test_fapi2_ensure_registered_redirect_uri_in_authorization_request(
    bank: Bank, redirect_uri: str | None
) -> None:
    """And ensure-request-object-without-redirect-uri-fails."""
    refused = await bank.push(redirect_uri=redirect_uri)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")


async def test_fapi2_ensure_unsigned_authorization_request_without_using_par_fails(bank: Bank) -> None:
    browser = bank.provider.browser()
    await browser.follow(await browser.get(bank.app.request()))
    assert browser.query()["error"] == "invalid_request"


@pytest.mark.parametrize("response_type", ["code id_token", "token"])
async def test_fapi2_ensure_response_type_code_idtoken_and_token_fail(bank: Bank, response_type: str) -> None:
    assert (await bank.push(response_type=response_type)).json()["error"] == "unsupported_response_type"


async def test_fapi2_par_attempt_reuse_request_uri(bank: Bank) -> None:
    reference = await bank.reference()
    assert "code" in await bank.answer(reference)
    assert (await bank.visit(reference)).status_code == 400


async def test_fapi2_par_ensure_reused_request_uri_prior_to_auth_completion(bank: Bank) -> None:
    """The plan would rather have it succeed, and warns: here a reference is used up by its first visit."""
    reference = await bank.reference()
    assert (await bank.visit(reference)).status_code == 200
    assert (await bank.visit(reference)).status_code == 400


async def test_fapi2_par_attempt_to_use_expired_request_uri(bank: Bank, clock: FakeClock) -> None:
    pushed = (await bank.push()).json()
    clock.advance(pushed["expires_in"])
    assert (await bank.visit(pushed["request_uri"])).status_code == 400


async def test_fapi2_par_ensure_request_uri_is_bound_to_client(bank: Bank) -> None:
    reference = await bank.reference()
    other = await bank.another()
    assert (await other.visit(reference)).status_code == 400
    assert (await bank.visit(reference)).status_code == 200


async def test_fapi2_par_authorization_request_containing_request_uri_form_param(bank: Bank) -> None:
    refused = await bank.push(request_uri=await bank.reference())
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_fapi2_par_reject_invalid_http_verb(bank: Bank, method: str) -> None:
    async with bank.provider.client() as http:
        assert (await http.request(method, "/par")).status_code == 405


async def test_fapi2_par_ensure_pkce_required(bank: Bank) -> None:
    refused = await bank.push(code_challenge=None, code_challenge_method=None)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")


async def test_fapi2_par_ensure_plain_pkce_rejected(bank: Bank) -> None:
    for method in ("plain", None):
        refused = await bank.push(code_challenge=bank.app.verifier, code_challenge_method=method)
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")


async def test_fapi2_par_without_duplicate_parameters(bank: Bank) -> None:
    assert "code" in await bank.answer(await bank.reference())
