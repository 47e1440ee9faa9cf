"""From the authorization request to tokens and back out, through the whole provider on real engines."""

from __future__ import annotations

import httpx2
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata
from authlib.oidc.discovery import OpenIDProviderMetadata
from joserfc import jwt
from joserfc.jwk import KeySet
from sqlalchemy import text

from idp.protocol.id_token import at_hash
from tests.clock import FakeClock
from tests.idp.conftest import OpenDatabase
from tests.idp.people import BEGUN
from tests.idp.provider import AFTER_LOGOUT, CALLBACK, Provider


async def test_the_whole_flow(provider: Provider, clock: FakeClock, database: OpenDatabase) -> None:
    app, user, browser = await provider.register(), await provider.person(), provider.browser()
    await browser.follow(await browser.get(app.request()))
    assert browser.address.startswith("http://localhost:9000/sign-in?hop=")
    await provider.prove(browser, user)
    assert browser.address.startswith(CALLBACK)
    answer = browser.query()
    assert answer["state"] == "a state"
    assert answer["iss"] == "http://localhost:9000"  # RFC 9207

    response = await provider.redeem(app, answer["code"])
    assert response.status_code == 200
    assert response.headers["cache-control"] == "no-store"
    tokens = response.json()
    assert tokens["token_type"] == "Bearer"
    assert tokens["expires_in"] == 300

    async with provider.client() as client:
        keys = KeySet.import_key_set((await client.get("/jwks")).json())
        userinfo = await client.get("/userinfo", headers={"Authorization": f"Bearer {tokens['access_token']}"})
    access = jwt.decode(tokens["access_token"], keys, algorithms=["ES256"])
    assert access.header["typ"] == "at+jwt"  # RFC 9068, section 2.1
    assert access.claims["aud"] == "urn:munjigi:services"
    assert access.claims["client_id"] == "app"
    assert access.claims["sub"] == str(user)
    assert access.claims["roles"] == ["customer"]
    assert access.claims["exp"] - access.claims["iat"] == 300
    assert len(access.claims["sid"]) == 22
    assert access.claims["device"]["trust"] == "unknown"
    assert access.claims["acr"] == "urn:munjigi:acr:1"
    identity = jwt.decode(tokens["id_token"], keys, algorithms=["ES256"]).claims
    assert identity["aud"] == "app"
    assert identity["nonce"] == "a nonce"
    assert identity["at_hash"] == at_hash(tokens["access_token"])
    assert identity["sid"] == access.claims["sid"]
    assert identity["auth_time"] == int(clock.timestamp())
    assert userinfo.json() == {
        "sub": str(user),
        "name": "Mina",
        "preferred_username": "mina",
        "locale": "ko",
        "updated_at": int(BEGUN.timestamp()),
    }

    refreshed = await provider.refresh(app, tokens["refresh_token"])
    assert refreshed.status_code == 200
    assert refreshed.json()["refresh_token"] != tokens["refresh_token"]

    await browser.get(
        f"/end-session?id_token_hint={tokens['id_token']}&post_logout_redirect_uri={AFTER_LOGOUT}&state=x"
    )
    assert "__Host-munjigi-session" not in browser.cookies
    assert (await provider.refresh(app, refreshed.json()["refresh_token"])).json()["error"] == "invalid_grant"

    async with database("owner").connect() as tx:
        rows = (await tx.execute(text("SELECT kind, sid, correlation_id FROM audit.record ORDER BY 1"))).all()
    assert [row.kind for row in rows] == [
        "code_issued",
        "session_began",
        "session_ended",
        "sign_out",
        "token_issued",
        "token_refreshed",
        "token_refused",
    ]
    assert {row.sid for row in rows if row.kind != "token_refused"} == {identity["sid"]}
    assert all(len(row.correlation_id) == 16 for row in rows)


async def test_a_browser_with_a_session_joins_it(provider: Provider) -> None:
    """S1: another relying app gets a code of the same session, without a question."""
    app, other, user = await provider.register(), await provider.register("other"), await provider.person()
    browser = provider.browser()
    first = (await provider.redeem(app, await provider.sign_in(browser, app, user))).json()
    await browser.follow(await browser.get(other.request()))
    assert browser.address.startswith(CALLBACK)
    second = (await provider.redeem(other, browser.query()["code"])).json()
    assert await _sid(provider, app, first) == await _sid(provider, other, second)


async def _sid(provider: Provider, app: object, tokens: dict[str, str]) -> object:
    auth = httpx2.BasicAuth("app", "a secret of 256 bits, let us say")
    answer = (await provider.post("/introspect", {"token": tokens["access_token"]}, auth)).json()
    assert answer["active"]
    return answer["sid"]


async def test_metadata_satisfy_another_implementation(provider: Provider) -> None:
    async with provider.client() as client:
        document = (await client.get("/.well-known/openid-configuration")).json()
        assert (await client.get("/.well-known/oauth-authorization-server")).json() == document
    for address in ("issuer", "authorization_endpoint", "token_endpoint", "jwks_uri", "end_session_endpoint"):
        assert document[address].startswith("http://localhost:9000")
    document = {
        name: value.replace("http://localhost:9000", "https://id.example") if isinstance(value, str) else value
        for name, value in document.items()
    }
    AuthorizationServerMetadata(document).validate()
    OpenIDProviderMetadata(document).validate()
