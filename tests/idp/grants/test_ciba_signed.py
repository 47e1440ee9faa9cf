"""CIBA Core 1.0, section 7.1.1: requests behind people's backs that their client signed."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from joserfc import jws
from joserfc.jwk import ECKey, OctKey, RSAKey

from idp.protocol.assurance import ACR_TWO
from tests.clock import FakeClock
from tests.idp.account.conftest import Arrive
from tests.idp.grants.backchannel import answer, ask, begin, poll, till_of
from tests.idp.provider import SECRET, App, Provider
from tests.idp.signing_app import ALGORITHMS, public_jwks

KEY = ECKey.generate_key("P-256")
RSA = RSAKey.generate_key(2048)


@pytest.fixture
async def till(provider: Provider) -> App:
    return await till_of(provider, jwks=public_jwks(KEY, RSA), backchannel_authentication_request_signing_alg="ES256")


def signed(provider: Provider, key: Any = KEY, *, alg: str = "ES256", typ: str = "JWT", **changed: Any) -> str:
    """A request as the standard's example has it; a changed member of None is left out."""
    now = int(provider.parts.clock.timestamp())
    claims = {
        "iss": "till",
        "aud": provider.parts.issuer,
        "exp": now + 60,
        "nbf": now,
        "iat": now,
        "jti": "4LTCqACC2ESC5BWCnN3j58EnA",
        "scope": "openid profile",
        "login_hint": "mina",
        "binding_message": "W4SCT",
        **changed,
    }
    claims = {name: value for name, value in claims.items() if value is not None}
    return jws.serialize_compact({"alg": alg, "typ": typ}, msgspec.json.encode(claims), key, algorithms=ALGORITHMS)


async def test_what_is_signed_counts(provider: Provider, till: App, arrive: Arrive) -> None:
    mina = await arrive()
    begun = await begin(provider, till, request=signed(provider, requested_expiry=120))
    assert begun["expires_in"] == 120
    assert "W4SCT" in (await mina.get("/account/requests")).text
    await answer(mina)
    assert (await poll(provider, till, begun)).status_code == 200
    as_text = await begin(provider, till, request=signed(provider, requested_expiry="90", acr_values=ACR_TWO))
    assert as_text["expires_in"] == 90
    assert 'value="allow"' not in (await mina.get("/account/requests")).text


UNUSABLE: tuple[dict[str, Any], ...] = (
    {"iss": "another"},
    {"iss": None},
    {"client_id": "another"},
    {"aud": "https://elsewhere.example"},
    {"aud": None},
    {"exp": None},
    {"nbf": None},
    {"iat": None},
    {"iat": "now"},
    {"jti": None},
    {"jti": 7},
    {"sub": "till"},
    {"request": "a.b.c"},
    {"binding_message": True},
    {"login_hint": None},
    {"login_hint": ["mina"]},
    {"id_token_hint": "a.b.c"},
    {"requested_expiry": -1},
    {"requested_expiry": 1.5},
)


async def test_what_makes_it_unusable(provider: Provider, till: App, arrive: Arrive, clock: FakeClock) -> None:
    mina = await arrive()
    for changed in UNUSABLE:
        refused = await ask(provider, till, request=signed(provider, **changed))
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request"), changed
    sound = signed(provider)
    head, payload, _signature = sound.split(".")
    for token in (
        signed(provider, ECKey.generate_key("P-256")),
        signed(provider, RSA, alg="RS256"),
        signed(provider, OctKey.import_key(SECRET), alg="HS256"),
        signed(provider, typ="at+jwt"),
        f"{head}.{payload}.",
        f"eyJhbGciOiJub25lIn0.{payload}.",
        sound[:-4] + "AAAA",
        "a" * 20_000,
    ):
        assert (await ask(provider, till, request=token)).json()["error"] == "invalid_request"
    assert (await ask(provider, till)).json()["error"] == "invalid_request", "whoever signs signs every request"
    for beside in ("login_hint", "scope", "binding_message", "resource", "user_code"):
        refused = await ask(provider, till, request=sound, **{beside: "openid"})
        assert refused.json()["error"] == "invalid_request"
        assert beside in refused.json()["error_description"]
    clock.advance(60)
    assert (await ask(provider, till, request=sound)).json()["error"] == "invalid_request", "it has expired"
    assert "Nothing waits for you." in (await mina.get("/account/requests")).text


async def test_a_client_that_registered_no_algorithm_signs_nothing(provider: Provider) -> None:
    till = await till_of(provider, jwks=public_jwks(KEY))
    assert (await ask(provider, till, request=signed(provider))).json()["error"] == "invalid_request"
