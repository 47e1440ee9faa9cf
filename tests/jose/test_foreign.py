"""Tokens and keys of others: what is listed verifies, and nothing else does (RFC 8725)."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from joserfc import jws
from joserfc.errors import SecurityWarning
from joserfc.jwk import ECKey, OctKey, RSAKey

from jose.foreign import MOST_KEYS, ForeignKey, ForeignToken, UnknownKey, read_jwks, usable
from jose.jws import InvalidToken, Refusal

EC = ECKey.generate_key("P-256", {"kid": "ec"})
RSA = RSAKey.generate_key(2048, {"kid": "rsa"})


def signed(key: Any, algorithm: str, **header: Any) -> str:
    protected = {"alg": algorithm, "typ": "secevent+jwt", "kid": key.kid, **header}
    return jws.serialize_compact(protected, b'{"a": 1}', key, algorithms=[algorithm])


def jwk(key: Any, **changed: Any) -> dict[str, Any]:
    made = {**key.as_dict(private=False), **changed}
    return {name: value for name, value in made.items() if value is not None}


def by_hand(**header: Any) -> str:
    """A token that no library would make."""
    encoded = base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=").decode()
    return f"{encoded}.e30.AAAA"


def keys(*jwks: Any) -> tuple[ForeignKey, ...]:
    return usable(read_jwks(json.dumps({"keys": jwks}).encode()))


@pytest.mark.parametrize(("key", "algorithm"), [(EC, "ES256"), (RSA, "RS256"), (RSA, "PS256")])
def test_what_is_listed_verifies(key: Any, algorithm: str) -> None:
    token = ForeignToken(signed(key, algorithm))
    token.check_signature(keys(jwk(EC), jwk(RSA)))
    assert (token.claims, token.typ) == ({"a": 1}, "secevent+jwt")


@pytest.mark.parametrize(
    "changed",
    [
        {"use": "enc"},
        {"key_ops": ["encrypt"]},
        {"key_ops": "verify"},
        {"alg": "ES384"},
        {"alg": "RS256"},
        {"alg": {}},
        {"x": None},
        {"x": "AAAA"},
        {"crv": "P-384"},
        {"kty": "OKP"},
        {"kty": "oct", "k": "AAAA"},
        {"kty": []},
        {"d": "AAAA"},
    ],
)
def test_keys_that_are_left_out(changed: dict[str, Any]) -> None:
    assert [key.kid for key in keys(jwk(EC))] == ["ec"]
    assert keys(jwk(EC, **changed)) == ()


def test_a_small_or_huge_modulus_is_left_out() -> None:
    with pytest.warns(SecurityWarning):
        small = RSAKey.generate_key(1024, {"kid": "rsa"}, auto_kid=False)
    assert keys(jwk(small)) == keys(jwk(RSA, n="/" * 4)) == keys(jwk(RSA, n="_" * 2000)) == ()


def test_a_key_that_names_its_algorithm_serves_no_other() -> None:
    [key] = keys(jwk(RSA, alg="PS256"))
    ForeignToken(signed(RSA, "PS256")).check_signature([key])
    with pytest.raises(InvalidToken) as refused:
        ForeignToken(signed(RSA, "RS256")).check_signature([key])
    assert refused.value.refusal is Refusal.UNKNOWN_KEY


def test_a_name_is_a_hint() -> None:
    other, nameless = ECKey.generate_key("P-256", {"kid": "ec"}), jwk(EC, kid=None)
    for known in (keys(jwk(other), jwk(EC)), keys(nameless), keys(jwk(EC, kid=5))):
        ForeignToken(signed(EC, "ES256")).check_signature(known)
    for known, refusal in ((keys(jwk(other)), Refusal.SIGNATURE), (keys(jwk(EC, kid="x")), Refusal.UNKNOWN_KEY)):
        with pytest.raises(InvalidToken) as refused:
            ForeignToken(signed(EC, "ES256")).check_signature(known)
        assert refused.value.refusal is refusal
        assert isinstance(refused.value, UnknownKey) is (refusal is Refusal.UNKNOWN_KEY)


@pytest.mark.parametrize(
    "document",
    [b"", b"[]", b"{}", b'{"keys": {}}', b"\xff", b"[" * 10_000, json.dumps({"keys": [{}] * (MOST_KEYS + 1)}).encode()],
)
def test_what_is_no_set(document: bytes) -> None:
    with pytest.raises(ValueError, match="not a JWK Set"):
        read_jwks(document)


def test_odd_members_are_left_out() -> None:
    assert keys(None, 5, [], {}, {"kty": []}, {"kty": "EC", "kid": "x", "alg": {}}) == ()


@pytest.mark.parametrize(
    ("token", "refusal"),
    [
        ("", Refusal.MALFORMED),
        ("a.b", Refusal.MALFORMED),
        ("x" * 16_385, Refusal.MALFORMED),
        ("ä.b.c", Refusal.MALFORMED),
        ("e30.e30.e30", Refusal.MALFORMED),
        (by_hand(alg="ES256", crit=["x"], x=1), Refusal.CRITICAL),
        (by_hand(alg=["ES256"]), Refusal.ALGORITHM),
    ],
)
def test_what_cannot_be_read(token: str, refusal: Refusal) -> None:
    with pytest.raises(InvalidToken) as refused:
        ForeignToken(token)
    assert refused.value.refusal is refusal


def test_algorithms_that_are_not_listed() -> None:
    secret = OctKey.generate_key(256, {"kid": "oct"})
    for token, listed in ((signed(secret, "HS256"), ("HS256",)), (signed(EC, "ES256"), ("RS256",))):
        with pytest.raises(InvalidToken) as refused:
            ForeignToken(token, algorithms=listed)
        assert refused.value.refusal is Refusal.ALGORITHM


def test_a_key_of_another_kind_verifies_nothing() -> None:
    """An RSA key under the name that an ES256 token asks for."""
    [key] = keys(jwk(RSA, kid="ec"))
    assert not key.verifies(ForeignToken(signed(EC, "ES256")))
