"""Tokens and keys of others: what is listed verifies, and nothing else does (RFC 8725)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from joserfc import jws
from joserfc.errors import SecurityWarning
from joserfc.jwk import ECKey, OctKey, RSAKey

from jose.foreign import MOST_KEYS, ForeignKeys, read
from jose.jws import InvalidToken, Refusal

EC = ECKey.generate_key("P-256", {"kid": "ec"})
RSA = RSAKey.generate_key(2048, {"kid": "rsa"})


def signed(key: Any, algorithm: str, **header: Any) -> str:
    protected = {"alg": algorithm, "typ": "secevent+jwt", "kid": key.kid, **header}
    return jws.serialize_compact(protected, b'{"a": 1}', key, algorithms=[algorithm])


def jwk(key: Any, **changed: Any) -> dict[str, Any]:
    made = {**key.as_dict(private=False), **changed}
    return {name: value for name, value in made.items() if value is not None}


def keys(*jwks: Any) -> ForeignKeys:
    return ForeignKeys.parse(json.dumps({"keys": jwks}).encode())


@pytest.mark.parametrize(("key", "algorithm"), [(EC, "ES256"), (RSA, "RS256"), (RSA, "PS256")])
def test_what_is_listed_verifies(key: Any, algorithm: str) -> None:
    token = read(signed(key, algorithm), expected_typ="secevent+jwt")
    found = keys(jwk(EC), jwk(RSA)).find(token.kid, token.algorithm)
    assert found is not None
    assert token.verified(found) == {"a": 1}


@pytest.mark.parametrize(
    "changed",
    [
        {"use": "enc"},
        {"key_ops": ["encrypt"]},
        {"key_ops": "verify"},
        {"alg": "ES384"},
        {"alg": "RS256"},
        {"kid": None},
        {"kid": 5},
        {"x": None},
        {"x": "AAAA"},
        {"crv": "P-384"},
        {"kty": "OKP"},
        {"kty": "oct", "k": "AAAA"},
    ],
)
def test_keys_that_are_left_out(changed: dict[str, Any]) -> None:
    assert keys(jwk(EC)).find("ec", "ES256") is not None
    assert keys(jwk(EC, **changed)).find("ec", "ES256") is None


def test_a_small_or_huge_modulus_is_left_out() -> None:
    with pytest.warns(SecurityWarning):
        small = RSAKey.generate_key(1024, {"kid": "rsa"}, auto_kid=False)
    assert keys(jwk(small)).find("rsa", "RS256") is None
    assert keys(jwk(RSA, n="/" * 4)).find("rsa", "RS256") is None
    assert keys(jwk(RSA, n="_" * 2000)).find("rsa", "RS256") is None


def test_a_key_that_names_its_algorithm_serves_no_other() -> None:
    assert keys(jwk(RSA, alg="PS256")).find("rsa", "PS256") is not None
    assert keys(jwk(RSA, alg="PS256")).find("rsa", "RS256") is None


def test_of_two_keys_of_one_name_the_first_counts() -> None:
    other = ECKey.generate_key("P-256", {"kid": "ec"})
    found = keys(jwk(EC), jwk(other)).find("ec", "ES256")
    assert found is not None
    assert read(signed(EC, "ES256"), expected_typ="secevent+jwt").verified(found) == {"a": 1}


@pytest.mark.parametrize(
    "document",
    [b"", b"[]", b"{}", b'{"keys": {}}', b"\xff", b"[" * 10_000, json.dumps({"keys": [{}] * (MOST_KEYS + 1)}).encode()],
)
def test_what_is_no_set(document: bytes) -> None:
    with pytest.raises(ValueError, match="not a JWK Set"):
        ForeignKeys.parse(document)


def test_odd_members_are_left_out() -> None:
    keys(None, 5, [], {}, {"kty": []}, {"kty": "EC", "kid": "x", "alg": {}})


@pytest.mark.parametrize(
    ("token", "refusal"),
    [
        ("", Refusal.MALFORMED),
        ("a.b", Refusal.MALFORMED),
        ("x" * 16_385, Refusal.MALFORMED),
        ("ä.b.c", Refusal.MALFORMED),
        ("e30.e30.e30", Refusal.MALFORMED),
    ],
)
def test_what_cannot_be_read(token: str, refusal: Refusal) -> None:
    with pytest.raises(InvalidToken) as refused:
        read(token, expected_typ="secevent+jwt")
    assert refused.value.refusal is refusal


def test_algorithms_that_are_not_listed() -> None:
    secret = OctKey.generate_key(256, {"kid": "oct"})
    with pytest.raises(InvalidToken) as refused:
        read(signed(secret, "HS256"), expected_typ="secevent+jwt")
    assert refused.value.refusal is Refusal.ALGORITHM


def test_a_key_of_another_kind_verifies_nothing() -> None:
    """An RSA key under the name that an ES256 token asks for."""
    token = read(signed(EC, "ES256"), expected_typ="secevent+jwt")
    assert keys(jwk(RSA, kid="ec")).find(token.kid, token.algorithm) is None
