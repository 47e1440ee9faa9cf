"""RFC 8725, sections 2.1, 3.1 and 3.2: the key decides the algorithm, and the caller which it takes; a token never."""

from __future__ import annotations

import base64
import hmac
import json

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from joserfc.jwk import ECKey, RSAKey

from jose import jws
from jose.jws import InvalidToken, Refusal
from jose.keys import ALGORITHMS, ES256, RS256, KeyRing, PublicKey, SigningKey
from tests.keys import rsa_key

NOW = 1_795_338_000.0
CLAIMS = {"iss": "urn:i", "aud": "urn:a", "iat": NOW, "exp": NOW + 60}
EC, OTHER_EC = SigningKey.generate(), SigningKey.generate()
KEYS = {ES256: EC, RS256: rsa_key()}
RING = KeyRing.of(EC, KEYS[RS256])
both = pytest.mark.parametrize("algorithm", ALGORITHMS)


def encoded(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


def unsigned(header: dict[str, object]) -> str:
    return ".".join(encoded(json.dumps(part).encode()) for part in (header, CLAIMS))


def header_of(key: SigningKey, **more: object) -> dict[str, object]:
    return {"alg": key.algorithm, "typ": "JWT", "kid": key.kid, **more}


def raw_signature(key: SigningKey, message: bytes) -> bytes:
    """By the key itself, whatever a header says."""
    private = key.key.private_key
    if key.algorithm == RS256:
        return private.sign(message, padding.PKCS1v15(), hashes.SHA256())
    r, s = decode_dss_signature(private.sign(message, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def signed(header: dict[str, object], key: SigningKey) -> str:
    message = unsigned(header)
    return f"{message}.{encoded(raw_signature(key, message.encode()))}"


def verify(token: str, algorithms=ALGORITHMS, now: float = NOW, keys=RING) -> dict[str, object]:
    return jws.verify(
        token,
        keys,
        expected_typ="JWT",
        expected_issuer="urn:i",
        expected_audience="urn:a",
        now=now,
        algorithms=algorithms,
    )


def refusal(token: str, **how) -> Refusal:
    with pytest.raises(InvalidToken) as refused:
        verify(token, **how)
    return refused.value.refusal


@both
def test_what_is_signed_is_verified(algorithm):
    assert verify(jws.sign(KEYS[algorithm], CLAIMS, typ="JWT")) == CLAIMS
    assert verify(signed(header_of(KEYS[algorithm]), KEYS[algorithm])) == CLAIMS


def test_who_says_nothing_takes_es256_alone():
    token = jws.sign(KEYS[RS256], CLAIMS, typ="JWT")
    assert refusal(token, algorithms=(ES256,)) is Refusal.ALGORITHM
    with pytest.raises(InvalidToken) as refused:
        jws.verify(token, RING, expected_typ="JWT", expected_issuer="urn:i", expected_audience="urn:a", now=NOW)
    assert refused.value.refusal is Refusal.ALGORITHM
    assert refusal(jws.sign(EC, CLAIMS, typ="JWT"), algorithms=(RS256,)) is Refusal.ALGORITHM


def test_a_token_cannot_say_that_its_key_is_of_another_kind():
    """RS256 with the kid of an ES256 key, signed by either; and the reverse."""
    for named in KEYS.values():
        for signer in KEYS.values():
            other = RS256 if named.algorithm == ES256 else ES256
            token = signed({"alg": other, "typ": "JWT", "kid": named.kid}, signer)
            assert refusal(token) is Refusal.ALGORITHM


def test_a_caller_who_takes_one_algorithm_is_not_given_a_key_of_the_other():
    token = signed({"alg": ES256, "typ": "JWT", "kid": KEYS[RS256].kid}, EC)
    assert refusal(token, algorithms=(ES256,)) is Refusal.ALGORITHM


@both
@pytest.mark.parametrize(
    "alg", ["none", "None", "nOnE", "", None, 0, [], {}, ["ES256"], "HS256", "PS256", "ES384", "RS512"]
)
def test_no_other_algorithm_is_taken(algorithm, alg):
    key = KEYS[algorithm]
    token = signed(header_of(key, alg=alg), key)
    assert refusal(token) in {Refusal.ALGORITHM, Refusal.MALFORMED}
    assert refusal(token.rpartition(".")[0] + ".") in {Refusal.ALGORITHM, Refusal.MALFORMED}


@both
def test_a_public_key_is_no_secret_for_a_mac(algorithm):
    key = KEYS[algorithm].public
    message = unsigned({"alg": "HS256", "typ": "JWT", "kid": key.kid})
    for secret in (key.key.as_pem(private=False), key.key.as_der(private=False), json.dumps(key.jwk()).encode()):
        token = f"{message}.{encoded(hmac.digest(secret, message.encode(), 'sha256'))}"
        assert refusal(token) is Refusal.ALGORITHM


@both
@pytest.mark.parametrize("member", ["jwk", "jku", "x5c", "x5u"])
def test_a_key_that_a_token_brings_along_is_never_used(algorithm, member):
    other = OTHER_EC if algorithm == ES256 else SigningKey(RSAKey.generate_key(2048))
    brought = {
        "jwk": other.public.jwk(),
        "jku": "https://evil.example/jwks",
        "x5c": [base64.b64encode(other.public.key.as_der(private=False)).decode()],
        "x5u": "https://evil.example/cert",
    }[member]
    named = signed(header_of(KEYS[algorithm], **{member: brought}), other)
    assert refusal(named) in {Refusal.SIGNATURE, Refusal.MALFORMED}
    unknown = signed({**header_of(other), member: brought}, other)
    assert refusal(unknown) in {Refusal.UNKNOWN_KEY, Refusal.MALFORMED}
    # nor does a sound token fall for it: what it brings is not looked at
    sound = signed(header_of(KEYS[algorithm], jku="https://evil.example/jwks"), KEYS[algorithm])
    assert verify(sound) == CLAIMS


@both
def test_critical_headers_are_refused(algorithm):
    key = KEYS[algorithm]
    assert refusal(signed(header_of(key, crit=["exp"], exp=NOW), key)) is Refusal.CRITICAL


@both
def test_wrong_types_are_refused(algorithm):
    key = KEYS[algorithm]
    for typ in ("at+jwt", "", None, "logout+jwt"):
        assert refusal(signed(header_of(key, typ=typ), key)) is Refusal.TYPE


@both
def test_expired_exactly_now(algorithm):
    token = jws.sign(KEYS[algorithm], CLAIMS, typ="JWT")
    assert verify(token, now=NOW + 59.999) == CLAIMS
    assert refusal(token, now=NOW + 60) is Refusal.EXPIRED


@both
@pytest.mark.parametrize("length", [0, 1, 32, 63, -1])
def test_truncated_signatures(algorithm, length):
    key = KEYS[algorithm]
    message = unsigned(header_of(key))
    signature = raw_signature(key, message.encode())
    assert refusal(f"{message}.{encoded(signature[:length])}") in {Refusal.SIGNATURE, Refusal.MALFORMED}
    assert refusal(f"{message}.{encoded(signature + b'0')}") in {Refusal.SIGNATURE, Refusal.MALFORMED}


def test_rfc7518_3_4_a_der_signature_is_none():
    message = unsigned(header_of(EC))
    der = EC.key.private_key.sign(message.encode(), ec.ECDSA(hashes.SHA256()))
    assert refusal(f"{message}.{encoded(der)}") is Refusal.SIGNATURE


@pytest.mark.parametrize("r_and_s", [bytes(64), bytes(32) + b"\1" * 32, b"\xff" * 64])
def test_signatures_that_no_key_makes(r_and_s):
    assert refusal(f"{unsigned(header_of(EC))}.{encoded(r_and_s)}") is Refusal.SIGNATURE


def test_rfc7518_3_5_another_padding_is_another_signature():
    key = KEYS[RS256]
    message = unsigned(header_of(key))
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
    signature = key.key.private_key.sign(message.encode(), pss, hashes.SHA256())
    assert refusal(f"{message}.{encoded(signature)}") is Refusal.SIGNATURE


@both
def test_a_kid_that_is_no_name_is_nobodys(algorithm):
    key = KEYS[algorithm]
    for kid in (None, 7, ["x"], "../../etc/passwd", "' OR 1=1", key.kid + " "):
        assert refusal(signed(header_of(key, kid=kid), key)) in {Refusal.UNKNOWN_KEY, Refusal.MALFORMED}


@pytest.mark.parametrize("size", [512, 1024, 2047, 8193, 1 << 20])
def test_rfc7518_3_3_an_rsa_key_of_another_size_is_not_taken(size):
    modulus = ((1 << size) - 1).to_bytes((size + 7) // 8, "big")
    with pytest.raises(ValueError, match="size"):
        PublicKey({"kty": "RSA", "n": encoded(modulus), "e": "AQAB"})


def test_a_ring_signs_by_each_algorithm():
    assert (RING.active, RING.signer(ES256), RING.signer(RS256)) == (EC, EC, KEYS[RS256])
    with pytest.raises(LookupError):
        KeyRing.of(EC).signer(RS256)
    assert {jwk["alg"] for jwk in RING.jwks()["keys"]} == set(ALGORITHMS)
    for jwk in RING.jwks()["keys"]:
        assert not jwk.keys() & {"d", "p", "q", "dp", "dq", "qi"}


@both
def test_a_private_key_survives_its_bytes_and_shows_none_of_them(algorithm):
    key = KEYS[algorithm]
    again = SigningKey.from_private_bytes(key.private_bytes())
    assert (again.kid, again.algorithm) == (key.kid, algorithm)
    assert verify(jws.sign(again, CLAIMS, typ="JWT")) == CLAIMS
    assert json.loads(key.private_bytes())["d"] not in repr(key)


def test_a_new_rsa_key_has_the_strength_of_p_256():
    assert rsa_key().key.private_key.key_size == 3072
    assert isinstance(EC.key, ECKey)
