"""RFC 7515, appendix A: what verifies here (A.2, A.3), and what does not (A.1, A.4 to A.7). More of A.3: test_jws."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from joserfc import jws as joserfc_jws
from joserfc.jwk import ECKey, OctKey, RSAKey

from jose import jws
from jose.foreign import ForeignKey, ForeignToken, usable
from jose.jws import InvalidToken, Refusal
from jose.keys import ALGORITHMS, RS256, KeyRing, SigningKey

A2 = json.loads(Path(__file__).with_name("rfc7515_a2.json").read_text())
A3 = json.loads(Path(__file__).with_name("rfc7515_a3.json").read_text())
REFUSED = json.loads(Path(__file__).with_name("rfc7515_refused.json").read_text())
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


def published(jwk: dict[str, str]) -> dict[str, str]:
    """The public half, as its owner shows it."""
    return {name: value for name, value in jwk.items() if name in {"kty", "crv", "x", "y", "n", "e"}}


@pytest.mark.parametrize("vector", [A2, A3], ids=["A.2", "A.3"])
def test_what_others_sign_as_in_appendices_a_2_and_a_3_is_taken(vector: dict[str, Any]) -> None:
    token = ForeignToken(vector["token"])
    token.check_signature([ForeignKey(published(vector["jwk"]))])
    assert (token.claims, token.moment("exp")) == (vector["claims"], 1_300_819_380.0)
    head, body, signature = vector["token"].split(".")
    for forged in (f"{head}.{body}.{'A' * len(signature)}", f"{head}.{body[:-4]}fQAA.{signature}"):
        with pytest.raises(InvalidToken):
            ForeignToken(forged).check_signature([ForeignKey(published(vector["jwk"]))])


def test_the_keys_of_a_2_and_a_3_do_not_stand_for_each_other() -> None:
    for token, key in ((A2, A3), (A3, A2)):
        with pytest.raises(InvalidToken) as refused:
            ForeignToken(token["token"]).check_signature([ForeignKey(published(key["jwk"]))])
        assert refused.value.refusal is Refusal.UNKNOWN_KEY


@pytest.mark.parametrize("appendix", ["a_1", "a_4"])
def test_a_1_and_a_4_are_sound_and_of_algorithms_that_are_not_taken(appendix: str) -> None:
    vector = REFUSED[appendix]
    algorithm = {"a_1": "HS256", "a_4": "ES512"}[appendix]
    key = {"a_1": OctKey, "a_4": ECKey}[appendix].import_key(vector["jwk"])
    joserfc_jws.deserialize_compact(vector["token"], key, algorithms=[algorithm])
    assert refusal(vector["token"]) is Refusal.ALGORITHM
    with pytest.raises(InvalidToken) as refused:
        ForeignToken(vector["token"], algorithms=(algorithm,))
    assert refused.value.refusal is Refusal.ALGORITHM
    assert usable([vector["jwk"]]) == ()


def test_a_5_is_nobodys() -> None:
    with pytest.raises(InvalidToken) as refused:
        ForeignToken(UNSECURED, algorithms=("none", *ALGORITHMS))
    assert refused.value.refusal is Refusal.ALGORITHM


@pytest.mark.parametrize("appendix", ["a_6", "a_7"])
def test_a_6_and_a_7_other_serializations_are_not_read(appendix: str) -> None:
    assert refusal(REFUSED[appendix]) is Refusal.MALFORMED
    with pytest.raises(InvalidToken) as refused:
        ForeignToken(REFUSED[appendix])
    assert refused.value.refusal is Refusal.MALFORMED
