"""The shape of tokens: RFC 9068, section 2.2, and OpenID Connect Core 1.0, section 2; `acr` from `amr`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from idp.protocol import access_token, id_token, scopes
from idp.protocol.assurance import ACR_ONE, ACR_TWO, ACR_VALUES, acr, assurance, demanded_assurance

VECTOR = json.loads((Path(__file__).parent / "vectors" / "oidc_core_at_hash.json").read_text())

COMMON: dict[str, Any] = {
    "issuer": "https://id.example",
    "subject": "user",
    "client_id": "app",
    "sid": "s" * 22,
    "acr": ACR_ONE,
    "amr": ("pwd",),
    "auth_time": 90,
    "issued_at": 100,
    "expires_at": 400,
}


def test_at_hash_of_the_specification() -> None:
    assert id_token.at_hash(VECTOR["access_token"]) == VECTOR["at_hash"]


def test_the_access_token_has_what_rfc_9068_demands() -> None:
    person = access_token.of_person(
        org="o", roles=("r",), acr=ACR_ONE, amr=("pwd",), auth_time=90, device_id="", device_trust="unknown"
    )
    common = {name: value for name, value in COMMON.items() if name not in person}
    claims = access_token.claims(**common, scope=("openid",), jti="j", person=person)
    assert {"iss", "exp", "aud", "sub", "client_id", "iat", "jti"} <= claims.keys()
    assert {"auth_time", "acr", "amr"} <= claims.keys()
    assert claims["scope"] == "openid"
    assert access_token.TYP == "at+jwt"


def test_an_id_token_cannot_be_overwritten_by_what_is_known_of_a_person() -> None:
    claims = id_token.claims(
        **COMMON, access_token="a", nonce=None, person={"sub": "other", "iss": "other", "name": "Mina"}
    )
    assert claims["sub"] == "user"
    assert claims["iss"] == "https://id.example"
    assert claims["name"] == "Mina"
    assert "nonce" not in claims


@pytest.mark.parametrize(
    ("amr", "level"),
    [((), 0), (("pwd",), 1), (("pwd", "otp", "mfa"), 2), (("swk", "user", "mfa"), 2), (("hwk", "user", "mfa"), 3)],
)
def test_assurance(amr: tuple[str, ...], level: int) -> None:
    assert assurance(amr) == level
    assert acr(amr) == ("", *ACR_VALUES)[level]


def test_of_several_acr_values_the_least_satisfies() -> None:
    assert demanded_assurance([ACR_TWO]) == 2
    assert demanded_assurance([ACR_TWO, ACR_ONE]) == 1
    assert demanded_assurance(["urn:somebody:else"]) == 0


def test_scopes_show_what_is_theirs() -> None:
    person = {"name": "Mina", "email": None, "locale": "ko", "secret": "x"}
    assert scopes.visible(person, ("openid",)) == {}
    assert scopes.visible(person, ("openid", "profile", "email")) == {"name": "Mina", "locale": "ko"}
