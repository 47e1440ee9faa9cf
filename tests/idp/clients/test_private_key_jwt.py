"""`private_key_jwt`: RFC 7523, section 3, and everything that must be refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from idp.clients.client import Client
from idp.clients.metadata import ClientMetadata
from idp.clients.private_key_jwt import LONGEST, Assertion, check_assertion
from jose.foreign import ForeignKey, ForeignToken
from jose.jws import InvalidToken, Refusal
from tests.idp.keys import Key, rsa_key

ISSUER, TOKEN = "https://id.example", "https://id.example/token"
NOW = 1_800_000_000.0
KEY = Key(kid="one")
RSA = rsa_key()


def client(**metadata: Any) -> Client:
    return Client(
        client_id="app",
        name={"en": "the app"},
        auth_method="private_key_jwt",
        secret_hash=None,
        redirect_uris=(),
        post_logout_redirect_uris=(),
        grant_types=("client_credentials",),
        scopes=(),
        metadata=ClientMetadata(**metadata),
    )


def check(text: str, *keys: Key, **metadata: Any) -> Assertion:
    known = [ForeignKey(key.registered) for key in keys or (KEY,)]
    return check_assertion(ForeignToken(text), known, client(**metadata), issuer=ISSUER, addresses=(TOKEN,), now=NOW)


def made(key: Key = KEY, audience: Any = ISSUER, client_id: str = "app", **said: Any) -> str:
    return key.assertion(client_id, audience, NOW, **said)["client_assertion"]


@pytest.mark.parametrize("audience", [ISSUER, TOKEN, [ISSUER], ["https://other.example", TOKEN]])
def test_it_is_meant_for_us(audience: Any) -> None:
    assert check(made(audience=audience)).good_until == NOW + 60


@pytest.mark.parametrize("key", [RSA, rsa_key(algorithm="RS256")], ids=["PS256", "RS256"])
def test_rsa_serves_as_well(key: Key) -> None:
    assert check(made(key), KEY, key)
    assert check(made(key), key, token_endpoint_auth_signing_alg=key.algorithm)


def test_a_library_that_says_an_hour_gets_five_minutes() -> None:
    assert check(made(exp=NOW + 3600)).good_until == NOW + LONGEST
    with pytest.raises(InvalidToken) as refused:
        check(made(exp=NOW + 3600, iat=NOW - LONGEST))
    assert refused.value.refusal is Refusal.EXPIRED


def test_without_iat_it_is_as_old_as_its_exp_allows() -> None:
    found = check(made(iat=None, exp=NOW + 60))
    assert (found.made_at, found.good_until) == (NOW + 60 - LONGEST, NOW + 60)
    with pytest.raises(InvalidToken):
        check(made(iat=None, exp=NOW + LONGEST + 11))


def said(**claims: Any) -> Callable[[], str]:
    return lambda: made(**claims)


@pytest.mark.parametrize(
    ("make", "refusal"),
    [
        (said(iss="other"), Refusal.ISSUER),
        (said(sub="other"), Refusal.ISSUER),
        (said(sub=None), Refusal.ISSUER),
        (said(client_id="other"), Refusal.ISSUER),
        (said(audience="https://other.example"), Refusal.AUDIENCE),
        (said(audience="https://id.example/"), Refusal.AUDIENCE),
        (said(audience=[]), Refusal.AUDIENCE),
        (said(audience=[[ISSUER]]), Refusal.AUDIENCE),
        (said(audience={"x": ISSUER}), Refusal.AUDIENCE),
        (said(aud=None), Refusal.AUDIENCE),
        (said(exp=None), Refusal.CLAIMS),
        (said(exp="soon"), Refusal.CLAIMS),
        (said(exp=NOW), Refusal.EXPIRED),
        (said(exp=NOW - 1), Refusal.EXPIRED),
        (said(iat=NOW + 11), Refusal.NOT_YET),
        (said(nbf=NOW + 11), Refusal.NOT_YET),
        (said(iat="now"), Refusal.CLAIMS),
        (said(exp=10**400), Refusal.CLAIMS),
        (said(iat=-(10**400)), Refusal.CLAIMS),
        (said(jti=None), Refusal.CLAIMS),
        (said(jti=""), Refusal.CLAIMS),
        (said(jti="j" * 257), Refusal.CLAIMS),
        (said(header={"alg": "none"}), Refusal.ALGORITHM),
        (said(header={"alg": "HS256"}), Refusal.ALGORITHM),
        (said(header={"alg": None}), Refusal.MALFORMED),
        (said(header={"crit": ["x"]}), Refusal.CRITICAL),
        (said(header={"typ": "dpop+jwt"}), Refusal.TYPE),
        (said(header={"typ": "at+jwt"}), Refusal.TYPE),
        (said(header={"typ": "oauth-authz-req+jwt"}), Refusal.TYPE),
        (said(header={"kid": "two"}), Refusal.UNKNOWN_KEY),
        (lambda: made(Key(kid="one")), Refusal.SIGNATURE),
        (lambda: made(Key()), Refusal.UNKNOWN_KEY),
        (lambda: made(RSA), Refusal.UNKNOWN_KEY),
        (said(header={"jwk": Key().jwk, "kid": "none"}), Refusal.UNKNOWN_KEY),
    ],
)
def test_what_proves_nothing(make: Callable[[], str], refusal: Refusal) -> None:
    with pytest.raises(InvalidToken) as refused:
        check(make())
    assert refused.value.refusal is refusal


def test_the_registered_algorithm_is_the_only_one() -> None:
    with pytest.raises(InvalidToken) as refused:
        check(made(), KEY, token_endpoint_auth_signing_alg="PS256")
    assert refused.value.refusal is Refusal.ALGORITHM


@pytest.mark.parametrize("audience", [TOKEN, [ISSUER], [ISSUER, TOKEN]])
def test_fapi_2_takes_the_issuer_alone(audience: Any) -> None:
    assert check(made(), profile="fapi2")
    with pytest.raises(InvalidToken) as refused:
        check(made(audience=audience), profile="fapi2")
    assert refused.value.refusal is Refusal.AUDIENCE
