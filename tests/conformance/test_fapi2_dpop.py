"""`fapi2-security-profile-final-test-plan`: the modules about DPoP."""

from __future__ import annotations

from typing import Any

import pytest

from tests.clock import FakeClock
from tests.conformance.bank import Bank
from tests.idp.keys import Key, rsa_key
from tests.idp.provider import Provider


@pytest.fixture
async def bank(provider: Provider, clock: FakeClock) -> Bank:
    clock.advance(42)
    return await Bank(provider).registered()


def at(bank: Bank, seconds: int) -> int:
    return int(bank.provider.parts.clock.timestamp()) + seconds


async def test_fapi2_check_dpop_proof_nbf_exp(bank: Bank) -> None:
    said = {"nbf": at(bank, 0), "exp": at(bank, 300)}
    tokens = (await bank.redeem(await bank.code(), **said)).json()
    assert (await bank.resource(tokens["access_token"], **said)).status_code == 200


@pytest.mark.parametrize("seconds", [-10, 10])
async def test_fapi2_ensure_dpop_proof_with_iat_10_seconds_before_or_after_succeeds(bank: Bank, seconds: int) -> None:
    code = await bank.code()
    bank.provider.parts.clock.advance(10)  # type: ignore[attr-defined]  # a proof of before the memory began is refused
    answer = await bank.redeem(code, iat=at(bank, seconds))
    assert answer.status_code == 200, answer.text
    assert (await bank.resource(answer.json()["access_token"], iat=at(bank, seconds))).status_code == 200


async def test_fapi2_ensure_mismatched_dpop_jkt_fails(bank: Bank) -> None:
    refused = await bank.push(prove=True, dpop_jkt=Key().thumbprint)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("named", [True, False])
async def test_fapi2_ensure_token_endpoint_fails_with_mismatched_dpop_proof_or_dpop_jkt(
    bank: Bank, named: bool
) -> None:
    jkt = {"dpop_jkt": bank.tokens_key.thumbprint} if named else {}
    code = await bank.code(prove=not named, **jkt)
    refused = await bank.with_key(Key()).redeem(code)
    assert refused.status_code == 400
    assert refused.json()["error"] in ("invalid_grant", "invalid_dpop_proof")


@pytest.mark.parametrize("named", [True, False])
async def test_fapi2_ensure_dpop_auth_code_binding_and_dpop_proof_at_par_endpoint_binding_success(
    bank: Bank, named: bool
) -> None:
    jkt = {"dpop_jkt": bank.tokens_key.thumbprint} if named else {}
    assert (await bank.redeem(await bank.code(prove=not named, **jkt))).status_code == 200


HEADERS: tuple[dict[str, Any], ...] = ({"typ": None}, {"typ": "jwt"}, {"jwk": None}, {"alg": None}, {"alg": "none"})
CLAIMS: tuple[dict[str, Any], ...] = (
    {"jti": None},
    {"htm": None},
    {"htu": None},
    {"iat": None},
    {"ath": None},
    {"ath": "not the hash of it"},
    {"method": "PUT"},
    {"address": "http://localhost:9000/elsewhere"},
    {"iat": 3600},
    {"iat": -3600},
)


async def test_fapi2_dpop_negative_tests(bank: Bank) -> None:
    token = (await bank.tokens())["access_token"]
    assert (await bank.resource(token)).status_code == 200
    assert (await bank.resource(token, proofs=2)).status_code == 401
    assert (await bank.resource(token, proofs=0)).status_code == 401
    for header in HEADERS:
        assert (await bank.resource(token, header=header)).status_code == 401, header
    for said in CLAIMS:
        moved = {name: at(bank, value) if isinstance(value, int) else value for name, value in said.items()}
        assert (await bank.resource(token, **moved)).status_code == 401, said
    private = {**bank.tokens_key.jwk, "d": "AAAA"}
    assert (await bank.resource(token, header={"jwk": private})).status_code == 401
    assert (await bank.resource(token, header={"jwk": Key().jwk})).status_code == 401
    assert (await bank.with_key(Key()).resource(token)).status_code == 401
    assert (await bank.resource(token, scheme="Bearer")).status_code == 401

    ignored = "http://localhost:9000/userinfo?a=b#c"
    assert (await bank.resource(token, address=ignored)).status_code == 200
    assert (await bank.resource(token, address="HTTP://LOCALHOST:9000/userinfo")).status_code == 200
    assert (await bank.resource(token, jti="used twice")).status_code == 200
    assert (await bank.resource(token, jti="used twice")).status_code == 401
    assert (await bank.resource(token, header={"more": "x"}, more="x")).status_code == 200


async def test_fapi2_dpop_negative_tests_rs256(bank: Bank) -> None:
    """FAPI 2.0 Security Profile, section 5.4: PS256, not RS256, with the same key."""
    bank.tokens_key = key = rsa_key(algorithm="PS256")
    token = (await bank.tokens())["access_token"]
    assert (await bank.resource(token)).status_code == 200
    key.algorithm = "RS256"
    assert (await bank.resource(token)).status_code == 401
    refused = await bank.redeem(await bank.code())
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_dpop_proof")
