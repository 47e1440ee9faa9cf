"""RFC 7515, RFC 7519, RFC 8725: what is verified, and at which moment it stops being true."""

from __future__ import annotations

import base64
import hmac
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws as joserfc_jws
from joserfc.jwk import ECKey

from jose import jws
from jose.jws import InvalidToken, Refusal
from jose.keys import KeyRing, SigningKey

RFC7515_A3 = json.loads(Path(__file__).with_name("rfc7515_a3.json").read_text())
KEY = SigningKey(ECKey.import_key(RFC7515_A3["jwk"]))
OTHER = SigningKey.generate()
RING = KeyRing.of(KEY)
NOW = 1_795_338_000.0
CLAIMS = {"iss": "urn:i", "aud": "urn:a", "iat": NOW, "exp": NOW + 60, "sub": "minji"}
EXPECTED = {"expected_typ": "at+jwt", "expected_issuer": "urn:i", "expected_audience": "urn:a"}


def verify(token, now=NOW, keys=RING):
    return jws.verify(token, keys, **EXPECTED, now=now)


def signed(claims=CLAIMS, header=None, key=KEY):
    """A token with any header at all, truly signed."""
    header = {"alg": "ES256", "typ": "at+jwt", "kid": key.kid} if header is None else header
    signing_input = b".".join(
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (header, claims)
    )
    algorithm = joserfc_jws.JWSRegistry.algorithms["ES256"]
    signature = base64.urlsafe_b64encode(algorithm.sign(signing_input, key.key)).rstrip(b"=")
    return (signing_input + b"." + signature).decode()


def refusal(token, **kwargs):
    with pytest.raises(InvalidToken) as refused:
        verify(token, **kwargs)
    return refused.value.refusal


def test_rfc7515_appendix_a_3():
    """The RFC's token has a sound signature, and lacks nearly everything else that is demanded here."""
    sound = joserfc_jws.deserialize_compact(RFC7515_A3["token"], KEY.public.key, algorithms=["ES256"])
    assert json.loads(sound.payload) == RFC7515_A3["claims"]
    assert refusal(RFC7515_A3["token"]) is Refusal.TYPE
    changed = RFC7515_A3["token"][:-4] + "AAAA"
    assert not joserfc_jws.validate_compact(
        joserfc_jws.extract_compact(changed.encode()), KEY.public.key, algorithms=["ES256"]
    )


def test_what_is_signed_is_verified():
    token = jws.sign(KEY, CLAIMS, typ="at+jwt")
    assert verify(token) == CLAIMS
    assert verify(token, keys={KEY.kid: KEY.public}) == CLAIMS


@pytest.mark.parametrize("now", [NOW + 60, NOW + 60.001, NOW + 3600])
def test_rfc7519_4_1_4_expired_on_or_after_exp(now):
    assert refusal(signed(), now=now) is Refusal.EXPIRED


@pytest.mark.parametrize("now", [NOW, NOW + 59.999])
def test_rfc7519_4_1_4_sound_before_exp(now):
    assert verify(signed(), now=now)["sub"] == "minji"


@pytest.mark.parametrize("name", ["iat", "nbf"])
def test_rfc7519_4_1_5_not_before(name):
    ahead = signed({**CLAIMS, name: NOW + 10})
    assert refusal(ahead, now=NOW + 4.999) is Refusal.NOT_YET
    assert verify(ahead, now=NOW + 5)


@pytest.mark.parametrize("name", ["exp", "iat"])
def test_missing_moments(name):
    assert refusal(signed({k: v for k, v in CLAIMS.items() if k != name})) is Refusal.CLAIMS


@pytest.mark.parametrize("value", ["1795338060", True, None, [], {}])
@pytest.mark.parametrize("name", ["exp", "iat", "nbf"])
def test_moments_that_are_no_numbers(name, value):
    assert refusal(signed({**CLAIMS, name: value})) is Refusal.CLAIMS


@pytest.mark.parametrize("value", ["nan", "inf"])
def test_moments_that_are_no_json_numbers(value):
    assert refusal(signed({**CLAIMS, "exp": float(value)})) is Refusal.CLAIMS


@pytest.mark.parametrize("issuer", [None, "", "urn:i/", "URN:I", ["urn:i"]])
def test_issuer(issuer):
    assert refusal(signed({**CLAIMS, "iss": issuer})) is Refusal.ISSUER


@pytest.mark.parametrize("audience", [None, "", "urn:a/", "urn:b", [], ["urn:b"], {"urn:a": 1}, "xurn:a"])
def test_audience(audience):
    assert refusal(signed({**CLAIMS, "aud": audience})) is Refusal.AUDIENCE


def test_rfc7519_4_1_3_one_of_several_audiences():
    assert verify(signed({**CLAIMS, "aud": ["urn:b", "urn:a"]}))


HEADER = {"alg": "ES256", "typ": "at+jwt", "kid": KEY.kid}


@pytest.mark.parametrize("typ", ["JWT", "at", "", None, 7, "munjigi-assertion+jwt", "text/at+jwt"])
def test_rfc8725_3_11_type(typ):
    assert refusal(signed(header={**HEADER, "typ": typ})) is Refusal.TYPE


@pytest.mark.parametrize("typ", ["at+jwt", "AT+JWT", "application/at+jwt"])
def test_rfc7515_4_1_9_a_type_is_a_media_type(typ):
    assert verify(signed(header={**HEADER, "typ": typ}))


@pytest.mark.parametrize("algorithm", ["none", "None", "HS256", "ES384", "RS256", "es256", "", None])
def test_rfc8725_3_1_algorithm(algorithm):
    assert refusal(signed(header={**HEADER, "alg": algorithm})) in {Refusal.ALGORITHM, Refusal.MALFORMED}


def test_a_public_key_is_no_secret_for_a_mac():
    header = {**HEADER, "alg": "HS256"}
    signing_input = signed(header=header).rpartition(".")[0]
    mac = hmac.digest(KEY.public.key.as_pem(private=False), signing_input.encode(), "sha256")
    token = f"{signing_input}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"
    assert refusal(token) is Refusal.ALGORITHM


@pytest.mark.parametrize("crit", [["b64"], ["exp"], [], "x"])
def test_rfc7515_4_1_11_critical(crit):
    assert refusal(signed(header={**HEADER, "crit": crit, "b64": True})) is Refusal.CRITICAL


def test_an_unknown_key_is_told_apart():
    assert refusal(signed(key=OTHER)) is Refusal.UNKNOWN_KEY
    assert refusal(signed(header={"alg": "ES256", "typ": "at+jwt"})) is Refusal.UNKNOWN_KEY


def test_another_keys_signature_under_a_known_kid():
    assert refusal(signed(header=HEADER, key=OTHER)) is Refusal.SIGNATURE


@pytest.mark.parametrize(
    "member",
    [{"jwk": OTHER.public.jwk()}, {"jku": "https://evil.example/jwks"}, {"x5u": "https://evil.example/x5u"}],
)
def test_keys_that_a_token_brings_along_are_never_used(member):
    assert refusal(signed(header={**HEADER, **member}, key=OTHER)) in {Refusal.SIGNATURE, Refusal.MALFORMED}
    unnamed = {"alg": "ES256", "typ": "at+jwt", **member}
    assert refusal(signed(header=unnamed, key=OTHER)) is Refusal.UNKNOWN_KEY


@pytest.mark.parametrize(
    "token", ["", ".", "..", "a.b.c", "a.b.c.d", "é.é.é", "x" * 20_000, "e30.e30.", "bnVsbA.e30.AA"]
)
def test_malformed(token):
    assert refusal(token) in {Refusal.MALFORMED, Refusal.ALGORITHM}


@given(st.integers(0, 10_000), st.integers(0, 63))
def test_any_other_character_anywhere_breaks_it(place, character):
    token = signed()
    place %= len(token)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    changed = token[:place] + alphabet[character] + token[place + 1 :]
    if changed != token:
        with pytest.raises(InvalidToken):
            verify(changed)


def test_claims_that_are_no_object():
    assert refusal(signed(["x"])) is Refusal.CLAIMS
