"""ID tokens by the algorithm that a client wants, access tokens by ES256 alone, and who reads either back."""

from __future__ import annotations

from typing import Any

import pytest

from config.entropy import SystemEntropy
from idp.clients.subject_identifiers import SubjectIdentifiers
from idp.endpoints.id_token_hints import IdTokenHints
from idp.protocol import access_token, id_token
from idp.protocol.pairwise import PairwiseSubjects
from idp.tokens.issue import Audience, Mint, Subject
from jose import jws
from jose.jws import InvalidToken, Refusal
from jose.keys import ALGORITHMS, ES256, RS256, Algorithm, KeyRing, SigningKey
from tests.clock import FakeClock
from tests.keys import rsa_key

ISSUER = "https://id.example"
RING = KeyRing.of(SigningKey.generate(), rsa_key())
NOW = FakeClock().timestamp()
SUBJECT = Subject(
    sub="mina", sid="s" * 22, org="o", roles=(), amr=("pwd",), acr="urn:munjigi:acr:1",
    authenticated_at=FakeClock().now(), device_id="", device_trust="unknown", claims={},
)  # fmt: skip


def issued(algorithm: Algorithm | None, ring: KeyRing = RING) -> dict[str, str]:
    wanted: dict[str, Any] = {} if algorithm is None else {"id_token_signed_response_alg": algorithm}
    mint = Mint(ISSUER, lambda: ring, SystemEntropy(), access_token_lifetime=300)
    answer = mint.issue(SUBJECT, Audience(client_id="app", scope=("openid",), **wanted), NOW)
    return {name: str(value) for name, value in answer.items()}


def read(token: str, audience: str, typ: str, algorithm: Algorithm) -> dict[str, object]:
    return jws.verify(
        token,
        RING,
        expected_typ=typ,
        expected_issuer=ISSUER,
        expected_audience=audience,
        now=NOW,
        algorithms=(algorithm,),
    )


@pytest.mark.parametrize(("wanted", "algorithm"), [(None, ES256), (ES256, ES256), (RS256, RS256)])
def test_an_id_token_by_the_algorithm_that_its_client_wants(wanted: Algorithm | None, algorithm: Algorithm) -> None:
    tokens = issued(wanted)
    claims = read(tokens["id_token"], "app", id_token.TYP, algorithm)
    assert claims["sub"] == "mina"
    assert claims["at_hash"] == id_token.at_hash(tokens["access_token"])
    assert read(tokens["access_token"], access_token.AUDIENCE, access_token.TYP, ES256)["sub"] == "mina"


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_hint_of_either_algorithm_is_read(algorithm: Algorithm) -> None:
    hints = IdTokenHints(ISSUER, lambda: RING, SubjectIdentifiers(PairwiseSubjects(b"a secret")))
    found = hints.read(issued(algorithm)["id_token"])
    assert found is not None
    assert (found.sub, found.client_id) == ("mina", "app")
    others = KeyRing.of(SigningKey.generate(), SigningKey.generate(RS256))
    assert hints.read(issued(algorithm, others)["id_token"]) is None


def test_an_access_token_is_never_rs256() -> None:
    claims = {"iss": ISSUER, "aud": access_token.AUDIENCE, "iat": NOW, "exp": NOW + 1}
    token = jws.sign(rsa_key(), claims, typ=access_token.TYP)
    with pytest.raises(InvalidToken) as refused:
        read(token, access_token.AUDIENCE, access_token.TYP, ES256)
    assert refused.value.refusal is Refusal.ALGORITHM
