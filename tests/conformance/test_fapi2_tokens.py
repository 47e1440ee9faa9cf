"""`fapi2-security-profile-final-test-plan`: the token endpoint, client assertions, codes, refresh tokens."""

from __future__ import annotations

from typing import Any

import pytest

from idp.clients.metadata import ClientMetadata
from tests.clock import FakeClock
from tests.conformance.bank import BY_CERTIFICATE, Bank
from tests.idp.endpoints.test_dpop import claims
from tests.idp.keyed import TOKEN, redemption, renewal
from tests.idp.keys import Key, rsa_key
from tests.idp.provider import App, Provider


def by_assertion(bank: Bank) -> None:
    """Modules that the plan has for `private_key_jwt` alone."""
    if bank.auth in BY_CERTIFICATE:
        pytest.skip("not applicable to this variant of the plan")


async def test_fapi2_ensure_client_id_in_token_endpoint(bank: Bank) -> None:
    """The code of one client with the proof of another, and a name that is not the proof's."""
    code = await bank.code()
    other = await bank.another()
    assert (await other.redeem(code)).json()["error"] == "invalid_grant"
    named = {**redemption(bank.app, code), "client_id": "another"}
    refused = await bank.post("/token", named, shown={**bank.assertion(), "client_id": "another"})
    assert refused.json()["error"] in ("invalid_request", "invalid_client")
    assert (await bank.redeem(code)).status_code == 200


async def test_fapi2_ensure_holder_of_key_required(bank: Bank) -> None:
    code = await bank.code()
    without = await bank.redeem(code, prove=False, certified=False)
    assert without.status_code in (400, 401)
    assert without.json()["error"] in ("invalid_request", "invalid_client", "invalid_dpop_proof")
    tokens = (await bank.redeem(code)).json()
    bound = {"dpop": "jkt", "mtls": "x5t#S256"}[bank.bound]
    assert bound in claims(tokens["access_token"])["cnf"]
    assert (await bank.resource(tokens["access_token"], scheme="Bearer", certified=False)).status_code == 401


async def test_fapi2_ensure_authorization_code_is_bound_to_client(bank: Bank) -> None:
    code, other = await bank.code(), await bank.another()
    refused = await other.redeem(code)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")


async def test_fapi2_attempt_reuse_authorization_code_after_one_second(bank: Bank, clock: FakeClock) -> None:
    code = await bank.code()
    token = (await bank.redeem(code)).json()["access_token"]
    clock.advance(1)
    again = await bank.redeem(code)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    assert (await bank.resource(token)).status_code == 401


async def test_fapi2_attempt_to_use_expired_auth_code(bank: Bank, clock: FakeClock) -> None:
    code = await bank.code()
    clock.advance(60)
    late = await bank.redeem(code)
    assert (late.status_code, late.json()["error"]) == (400, "invalid_grant")


async def test_fapi2_par_ensure_pkce_code_verifier_required(bank: Bank) -> None:
    form = redemption(bank.app, await bank.code())
    form.pop("code_verifier")
    assert (await bank.post("/token", form)).status_code == 400


async def test_fapi2_par_incorrect_pkce_code_verifier_rejected(bank: Bank) -> None:
    form = {**redemption(bank.app, await bank.code()), "code_verifier": "x" * 43}
    refused = await bank.post("/token", form)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")


async def test_fapi2_ensure_client_assertion_in_token_endpoint(bank: Bank) -> None:
    code = await bank.code()
    refused = await bank.redeem(code, shown={"client_id": bank.app.client_id}, certified=False)
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")


@pytest.mark.parametrize(
    "said",
    [
        {"exp": -300, "iat": -330},
        {"sub": None},
        {"iss": None},
        {"jti": None},
        {"nbf": 61},
        {"iat": 61},
        {"aud": "https://other.example"},
        {"aud": TOKEN},
        {"aud": "http://localhost:9000/par"},
        {"aud": ["http://localhost:9000/par"]},
        {"aud": ["http://localhost:9000"]},
    ],
)
async def test_fapi2_client_assertions_that_fail(bank: Bank, said: dict[str, Any]) -> None:
    """ensure-client-assertion-with-exp-is-5-minutes-in-past, -wrong-aud, -no-sub; par-ensure-jwt-client-assertion-with-
    iat-nbf-over-60-seconds-in-the-future; par-endpoint-as-audience, -as-array-audience; par-token-endpoint-as-audience.
    """
    by_assertion(bank)
    now = int(bank.provider.parts.clock.timestamp())
    moved = {name: value + now if isinstance(value, int) else value for name, value in said.items()}
    for path, form in (("/par", bank.parameters()), ("/token", redemption(bank.app, "a code"))):
        refused = await bank.post(path, form, shown=bank.assertion(**moved), prove=path == "/token")
        assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client"), path


@pytest.mark.parametrize("name", ["iat", "nbf"])
async def test_fapi2_par_ensure_jwt_client_assertion_with_iat_nbf_8_seconds_in_the_future_is_accepted(
    bank: Bank, name: str
) -> None:
    by_assertion(bank)
    ahead = int(bank.provider.parts.clock.timestamp()) + 8
    shown = bank.assertion(**{name: ahead})
    assert (await bank.post("/par", bank.parameters(), shown=shown, prove=False)).status_code == 201


async def test_fapi2_ensure_signed_client_assertion_with_rs256_fails(provider: Provider, clock: FakeClock) -> None:
    clock.advance(42)
    for algorithm, status in (("PS256", 201), ("RS256", 401)):
        bank = Bank(provider, app=App(f"bank-{algorithm}", None), own=rsa_key(algorithm=algorithm))
        bank.own.kid = "own"
        await bank.registered()
        assert (await bank.push()).status_code == status, algorithm


async def test_fapi2_refresh_token(bank: Bank) -> None:
    tokens = await bank.tokens()
    other = await bank.another()
    stolen = await other.post("/token", renewal(tokens))
    assert (stolen.status_code, stolen.json()["error"]) == (400, "invalid_grant")
    for _ in range(2):  # it is not rotated (FAPI 2.0 Security Profile, section 5.3.2.1, item 10)
        answer = await bank.post("/token", renewal(tokens))
        assert answer.status_code == 200, answer.text
        renewed = answer.json()
        assert renewed.get("refresh_token", tokens["refresh_token"]) == tokens["refresh_token"]
        assert (await bank.resource(renewed["access_token"])).status_code == 200


async def test_fapi2_refresh_with_another_key(bank: Bank) -> None:
    """A confidential client's refresh token is bound to the client; tokens that come of it are to the key proven."""
    if bank.bound != "dpop":
        pytest.skip("not applicable to this variant of the plan")
    tokens, other = await bank.tokens(), Key()
    renewed = (await bank.with_key(other).post("/token", renewal(tokens))).json()
    assert claims(renewed["access_token"])["cnf"] == {"jkt": other.thumbprint}
    assert (await bank.resource(renewed["access_token"])).status_code == 401


async def test_nobody_under_the_profile_does_without_pkce(bank: Bank) -> None:
    """Were it registered so, by whatever way: the authorization endpoint does not follow."""
    assert ClientMetadata().code_protection == "pkce"
    await bank.registered(code_protection="optional")
    assert (await bank.push(code_challenge=None, code_challenge_method=None)).json()["error"] == "invalid_request"
