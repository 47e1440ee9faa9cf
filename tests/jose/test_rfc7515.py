"""RFC 7515, appendix A: what RS256 makes (A.2), and what is not signed at all (A.5). A.3 is in test_jws."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from joserfc import jws as joserfc_jws
from joserfc.jwk import RSAKey

from jose import jws
from jose.jws import InvalidToken, Refusal
from jose.keys import ALGORITHMS, RS256, KeyRing, SigningKey

A2 = json.loads(Path(__file__).with_name("rfc7515_a2.json").read_text())
KEY = SigningKey(RSAKey.import_key(A2["jwk"]))
UNSECURED = "eyJhbGciOiJub25lIn0." + A2["token"].split(".")[1] + "."


def refusal(token: str) -> Refusal:
    with pytest.raises(InvalidToken) as refused:
        jws.verify(
            token,
            KeyRing.of(SigningKey.generate(), KEY),
            expected_typ="JWT",
            expected_issuer="joe",
            expected_audience="",
            now=1_300_819_000,
            algorithms=ALGORITHMS,
        )
    return refused.value.refusal


def test_appendix_a_2_is_verified():
    sound = joserfc_jws.deserialize_compact(A2["token"], KEY.public.key, algorithms=[RS256])
    assert json.loads(sound.payload) == A2["claims"]
    assert (KEY.algorithm, KEY.public.jwk()["alg"]) == (RS256, RS256)


def test_appendix_a_2_is_made_again():
    payload = joserfc_jws.extract_compact(A2["token"].encode()).payload
    assert joserfc_jws.serialize_compact({"alg": RS256}, payload, KEY.key, algorithms=[RS256]) == A2["token"]


def test_appendix_a_2_lacks_what_is_demanded_here():
    assert refusal(A2["token"]) is Refusal.TYPE


def test_appendix_a_5_is_refused():
    assert refusal(UNSECURED) is Refusal.ALGORITHM
