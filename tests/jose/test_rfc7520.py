"""RFC 7520: what of its signatures is made here (4.1), and that the rest is refused; whose keys are taken."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from joserfc import jws as joserfc_jws
from joserfc.jwk import RSAKey

from jose import foreign, jws
from jose.foreign import ForeignToken
from jose.jws import InvalidToken, Refusal
from jose.keys import ALGORITHMS, RS256, PublicKey, SigningKey

VECTORS = json.loads(Path(__file__).with_name("rfc7520.json").read_text())
KEY = SigningKey(RSAKey.import_key(VECTORS["rsa_jwk"]))
KID = "bilbo.baggins@hobbiton.example"


def test_section_4_1_is_verified_and_made_again():
    sound = joserfc_jws.deserialize_compact(VECTORS["4_1"], KEY.public.key, algorithms=[RS256])
    assert sound.payload.decode().startswith("It’s a dangerous business, Frodo")
    header = {"alg": RS256, "kid": KID}
    assert joserfc_jws.serialize_compact(header, sound.payload, KEY.key, algorithms=[RS256]) == VECTORS["4_1"]


@pytest.mark.parametrize(
    ("section", "refusal"),
    [
        ("4_1", Refusal.TYPE),
        ("4_2", Refusal.ALGORITHM),  # PS384
        ("4_3", Refusal.ALGORITHM),  # ES512
        ("4_4", Refusal.ALGORITHM),  # HS256
        ("4_5", Refusal.ALGORITHM),  # HS256, and what it signs stands elsewhere
        ("4_6", Refusal.MALFORMED),  # the header is in part, in 4.7 wholly, not signed
        ("4_6_flattened", Refusal.MALFORMED),
        ("4_7", Refusal.MALFORMED),
        ("4_7_flattened", Refusal.MALFORMED),
        ("4_8", Refusal.MALFORMED),  # several signatures
    ],
)
def test_section_4_is_no_token_of_ours(section, refusal):
    with pytest.raises(InvalidToken) as refused:
        jws.verify(
            VECTORS[section],
            {KID: KEY.public},
            expected_typ="JWT",
            expected_issuer="",
            expected_audience="",
            now=0,
            algorithms=ALGORITHMS,
        )
    assert refused.value.refusal is refusal


@pytest.mark.parametrize(
    ("section", "refusal"),
    [
        ("4_1", Refusal.CLAIMS),  # words, no claims
        *((section, Refusal.ALGORITHM) for section in ("4_2", "4_3", "4_4", "4_5")),
        *((section, Refusal.MALFORMED) for section in ("4_6", "4_6_flattened", "4_7", "4_7_flattened", "4_8")),
    ],
)
def test_section_4_is_no_token_of_others_either(section, refusal):
    with pytest.raises(InvalidToken) as refused:
        ForeignToken(VECTORS[section], algorithms=("PS384", "ES512", "HS256", *foreign.ALGORITHMS))
    assert refused.value.refusal is refusal


def test_section_3_of_the_cookbooks_keys_one_is_taken_of_others():
    taken = foreign.usable([VECTORS[section] for section in ("3_1", "3_2", "3_3", "3_4", "3_5", "3_6")])
    assert [(key.kty, key.kid) for key in taken] == [("RSA", KID)], "public, of a kind and size that is taken: 3.3"
    assert taken[0].thumbprint == KEY.kid


def test_section_3_1_a_key_on_another_curve_is_not_taken():
    with pytest.raises(ValueError, match="P-256"):
        PublicKey(VECTORS["ec_jwk"])


def test_section_3_3_the_public_half_is_what_is_published():
    jwk = PublicKey(VECTORS["rsa_jwk"]).jwk()
    assert jwk.keys() == {"kty", "n", "e", "kid", "use", "alg"}
    assert (jwk["n"], jwk["e"]) == (VECTORS["rsa_jwk"]["n"], VECTORS["rsa_jwk"]["e"])
    assert jwk["kid"] != KID, "a name that a JWK gives itself is not believed"
