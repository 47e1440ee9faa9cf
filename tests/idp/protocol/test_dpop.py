"""Proofs of a key: the examples of RFC 9449, and everything that must be refused."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st

from idp.protocol.dpop import MAX_AGE, Fault, InvalidProof, check_proof
from idp.protocol.dpop_nonce import LIFETIME, STEP, Nonces
from jose.foreign import AHEAD
from tests.idp.keys import Key, rsa_key

RFC = json.loads((Path(__file__).parent / "vectors" / "rfc9449.json").read_text())
ADDRESS = "https://id.example/token"
NOW = 1_800_000_000.0
KEY = Key()
WEAK = rsa_key(1024)
STRONG = rsa_key()


def check(text: str, **changed: Any) -> Any:
    return check_proof(text, **{"method": "POST", "addresses": (ADDRESS,), "now": NOW, **changed})


@pytest.mark.parametrize("section", RFC["proofs"])
def test_the_examples_of_rfc_9449(section: str) -> None:
    example = RFC["proofs"][section]
    asked: dict[str, Any] = {
        "method": example["method"],
        "addresses": (example["address"],),
        "access_token": example["access_token"],
    }
    proof = check_proof(example["proof"], now=example["iat"] + 1, **asked)
    assert (proof.jkt, proof.jti, proof.made_at) == (RFC["jkt"], example["jti"], example["iat"])
    with pytest.raises(InvalidProof) as refused:
        check_proof(example["proof"], now=example["iat"] + MAX_AGE, **asked)
    assert refused.value.fault is Fault.TIME
    head, body, signature = example["proof"].split(".")
    with pytest.raises(InvalidProof):
        check_proof(f"{head}.{body}.{'A' * len(signature)}", now=example["iat"], **asked)


@pytest.mark.parametrize("key", [KEY, STRONG], ids=["ES256", "PS256"])
def test_a_sound_proof(key: Key) -> None:
    proof = check(key.proof("POST", ADDRESS, NOW, nonce="n"))
    assert (proof.jkt, proof.nonce, proof.good_until) == (key.thumbprint, "n", NOW + MAX_AGE)


def forged(**header: Any) -> Callable[[], str]:
    return lambda: KEY.proof("POST", ADDRESS, NOW, header=header)


def said(**claims: Any) -> Callable[[], str]:
    return lambda: KEY.proof("POST", ADDRESS, NOW, **claims)


def _unsigned() -> str:
    head, body, _ = KEY.proof("POST", ADDRESS, NOW, header={"alg": "none"}).split(".")
    return f"{head}.{body}."


def _by_shared_secret() -> str:
    """Signed by an HMAC whose key is the public one: what a library that trusts `alg` would take."""
    return KEY.proof("POST", ADDRESS, NOW, header={"alg": "HS256"})


@pytest.mark.parametrize(
    ("make", "fault"),
    [
        (lambda: "", Fault.MALFORMED),
        (lambda: "a.b", Fault.MALFORMED),
        (lambda: "ä" * 9, Fault.MALFORMED),
        (lambda: "a" * 20_000, Fault.MALFORMED),
        (_unsigned, Fault.MALFORMED),
        (_by_shared_secret, Fault.MALFORMED),
        (forged(alg="ES384"), Fault.MALFORMED),
        (lambda: rsa_key(algorithm="RS256").proof("POST", ADDRESS, NOW), Fault.MALFORMED),
        (forged(crit=["x"]), Fault.MALFORMED),
        (forged(b64=False), Fault.MALFORMED),
        (forged(typ="JWT"), Fault.TYPE),
        (forged(typ=None), Fault.TYPE),
        (forged(jwk=None), Fault.KEY),
        (forged(jwk="x"), Fault.KEY),
        (forged(jwk={**KEY.jwk, "d": "AAAA"}), Fault.KEY),
        (forged(jwk={"kty": "oct", "k": "AAAA"}), Fault.KEY),
        (forged(jwk={**KEY.jwk, "y": KEY.jwk["x"]}), Fault.KEY),
        (forged(jwk={**KEY.jwk, "x": 5}), Fault.KEY),
        (forged(jwk={**KEY.jwk, "use": "enc"}), Fault.KEY),
        (forged(jwk=Key(ec.generate_private_key(ec.SECP384R1())).jwk), Fault.KEY),
        (forged(jwk=Key().jwk), Fault.SIGNATURE),
        (forged(jwk=STRONG.jwk), Fault.SIGNATURE),
        (lambda: WEAK.proof("POST", ADDRESS, NOW), Fault.KEY),
        (lambda: STRONG.proof("POST", ADDRESS, NOW, header={"jwk": {**STRONG.jwk, "e": "Aw"}}), Fault.KEY),
        (lambda: STRONG.proof("POST", ADDRESS, NOW, header={"alg": "ES256"}), Fault.SIGNATURE),
        (said(jti=None), Fault.CLAIMS),
        (said(jti=""), Fault.CLAIMS),
        (said(jti=5), Fault.CLAIMS),
        (said(jti="j" * 257), Fault.CLAIMS),
        (said(iat=None), Fault.CLAIMS),
        (said(iat=True), Fault.CLAIMS),
        (said(iat=10**400), Fault.MALFORMED),
        (said(iat="1800000000"), Fault.CLAIMS),
        (said(htm=None), Fault.CLAIMS),
        (said(htu=None), Fault.CLAIMS),
        (said(nonce=5), Fault.CLAIMS),
        (said(htm="GET"), Fault.METHOD),
        (said(htm="post"), Fault.METHOD),
        (said(htu="https://id.example/tokens"), Fault.ADDRESS),
        (said(htu="https://id.example.evil/token"), Fault.ADDRESS),
        (said(htu="http://id.example/token"), Fault.ADDRESS),
        (said(htu="https://id.example:444/token"), Fault.ADDRESS),
        (said(htu="/token"), Fault.ADDRESS),
        (said(iat=NOW - MAX_AGE), Fault.TIME),
        (said(iat=NOW + AHEAD + 1), Fault.TIME),
    ],
)
def test_what_proves_nothing(make: Callable[[], str], fault: Fault) -> None:
    with pytest.raises(InvalidProof) as refused:
        check(make())
    assert refused.value.fault is fault


def test_a_proof_for_a_resource_is_about_its_token() -> None:
    assert check(KEY.proof("POST", ADDRESS, NOW, token="a token"), access_token="a token").jkt == KEY.thumbprint
    for other in (KEY.proof("POST", ADDRESS, NOW, token="another"), KEY.proof("POST", ADDRESS, NOW)):
        with pytest.raises(InvalidProof) as refused:
            check(other, access_token="a token")
        assert refused.value.fault is Fault.TOKEN


def test_the_address_may_be_written_in_other_ways() -> None:
    for htu in ("HTTPS://ID.example:443/token", f"{ADDRESS}?a=b#c", "https://id.example/x/../%74oken"):
        assert check(KEY.proof("POST", htu, NOW)).jkt == KEY.thumbprint


@settings(deadline=None)
@given(st.text(max_size=300))
def test_nothing_that_strangers_send_breaks_it(text: str) -> None:
    with pytest.raises(InvalidProof):
        check(text)


@settings(deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["typ", "alg", "jwk", "kid", "crit"]), st.from_type(type(None)) | st.integers() | st.text()
    )
)
def test_no_header_breaks_it(header: dict[str, Any]) -> None:
    head = base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=").decode()
    with pytest.raises(InvalidProof):
        check(f"{head}.e30.AAAA")


def test_nonces_are_ours_and_of_now() -> None:
    nonces = Nonces(b"k" * 32)
    nonce = nonces.issue(NOW)
    assert nonces.accepts(nonce, NOW)
    assert nonces.accepts(nonce, NOW + LIFETIME)
    assert not nonces.accepts(nonce, NOW + LIFETIME + STEP)
    assert nonces.accepts(nonce, NOW - STEP)
    assert not nonces.accepts(nonce, NOW - 2 * STEP)
    assert not Nonces(b"l" * 32).accepts(nonce, NOW)
    assert Nonces(b"k" * 32).accepts(nonce, NOW), "another node has the same key"
    for forged_nonce in ("", "a", "ä", nonce[:-1], nonce[:-2] + "AA", "A" * len(nonce), nonce * 2):
        assert not nonces.accepts(forged_nonce, NOW)
    assert "kkk" not in repr(nonces)
