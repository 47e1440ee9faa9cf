"""ID tokens, userinfo and introspection, signed as a client registered; read as a client reads them, by `/jwks`."""

from __future__ import annotations

import json

import pytest
from joserfc import jws
from joserfc.jwk import KeySet

from idp.clients.metadata import ClientMetadata
from jose.keys import ALGORITHMS, Algorithm
from tests.clock import FakeClock
from tests.idp.login_pages.test_sign_in import person, sign_in
from tests.idp.provider import App, Provider

INTROSPECTION = "application/token-introspection+jwt"


async def tokens(provider: Provider, app: App) -> dict[str, str]:
    browser = await sign_in(provider, app)
    return (await provider.redeem(app, browser.query()["code"])).json()


async def read(provider: Provider, token: str, algorithm: Algorithm, typ: str) -> dict[str, object]:
    """The payload, verified with the key that the header names."""
    async with provider.client() as client:
        keys = KeySet.import_key_set((await client.get("/jwks")).json())
    read = jws.deserialize_compact(token, keys, algorithms=[algorithm])
    assert read.headers()["typ"] == typ
    return json.loads(read.payload)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
async def test_id_tokens(provider: Provider, algorithm: Algorithm) -> None:
    user = await person(provider)
    app = await provider.register(metadata=ClientMetadata(id_token_signed_response_alg=algorithm))
    given = await tokens(provider, app)
    assert (await read(provider, given["id_token"], algorithm, "JWT"))["sub"] == str(user)
    assert (await read(provider, given["access_token"], "ES256", "at+jwt"))["sub"] == str(user)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
async def test_userinfo_for_whoever_registered_it(provider: Provider, algorithm: Algorithm) -> None:
    user = await person(provider)
    app = await provider.register(metadata=ClientMetadata(userinfo_signed_response_alg=algorithm))
    given = await tokens(provider, app)
    async with provider.client() as client:
        answer = await client.get("/userinfo", headers={"Authorization": f"Bearer {given['access_token']}"})
    assert answer.headers["content-type"] == "application/jwt"
    assert answer.headers["cache-control"] == "no-store"
    claims = await read(provider, answer.text, algorithm, "JWT")
    assert (claims["sub"], claims["iss"], claims["aud"]) == (str(user), provider.parts.issuer, "app")
    assert "exp" not in claims  # so that nobody takes it for an ID token


@pytest.mark.parametrize("algorithm", [None, "RS256"])
async def test_introspection_for_whoever_accepts_nothing_else(
    provider: Provider, clock: FakeClock, algorithm: Algorithm | None
) -> None:
    await person(provider)
    app = await provider.register(metadata=ClientMetadata(introspection_signed_response_alg=algorithm))
    given = await tokens(provider, app)
    asked = {"Accept": INTROSPECTION}
    async with provider.client() as client:
        for token, active in ((given["access_token"], True), (given["refresh_token"], True), ("unknown", False)):
            plain = await client.post("/introspect", data={"token": token}, auth=provider.basic(app))
            answer = await client.post("/introspect", data={"token": token}, auth=provider.basic(app), headers=asked)
            assert answer.headers["content-type"] == INTROSPECTION
            claims = await read(provider, answer.text, algorithm or "ES256", "token-introspection+jwt")
            assert claims == {
                "iss": provider.parts.issuer,
                "aud": "app",
                "iat": int(clock.timestamp()),
                "token_introspection": plain.json(),
            }
            assert plain.json()["active"] is active


async def test_a_signed_introspection_is_no_token(provider: Provider) -> None:
    await person(provider)
    app = await provider.register()
    given = await tokens(provider, app)
    async with provider.client() as client:
        signed = await client.post(
            "/introspect",
            data={"token": given["access_token"]},
            auth=provider.basic(app),
            headers={"Accept": INTROSPECTION},
        )
        answer = await client.get("/userinfo", headers={"Authorization": f"Bearer {signed.text}"})
    assert answer.status_code == 401
