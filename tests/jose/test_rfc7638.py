"""RFC 7638: a key's name is its thumbprint, and nobody can give it another."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path

import pytest
from joserfc.jwk import RSAKey

from jose.keys import PublicKey, SigningKey

VECTOR = json.loads(Path(__file__).with_name("rfc7638_3_1.json").read_text())


def test_section_3_1():
    assert RSAKey.import_key(VECTOR["jwk"]).thumbprint() == VECTOR["thumbprint"]


def test_the_kid_is_the_hash_of_the_required_members_in_order():
    jwk = SigningKey.generate().public.jwk()
    canonical = json.dumps({name: jwk[name] for name in ("crv", "kty", "x", "y")}, separators=(",", ":"))
    digest = hashlib.sha256(canonical.encode()).digest()
    assert jwk["kid"] == base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def test_a_kid_that_a_jwk_claims_is_not_believed():
    jwk = SigningKey.generate().public.jwk()
    assert PublicKey({**jwk, "kid": "mine"}).kid == jwk["kid"]


@pytest.mark.parametrize("change", [{"kty": "oct"}, {"kty": "OKP"}, {"crv": "P-384"}, {"crv": "secp256k1"}])
def test_other_keys_are_refused(change):
    with pytest.raises(ValueError, match="P-256"):
        PublicKey({**SigningKey.generate().public.jwk(), **change})


def test_a_private_key_is_never_shown():
    key = SigningKey.generate()
    private = json.loads(key.private_bytes())["d"]
    assert private not in repr(key)
    assert private not in str(key.public.jwk())
    assert SigningKey.from_private_bytes(key.private_bytes()).kid == key.kid
