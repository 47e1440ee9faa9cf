"""Client authentication, revocation, introspection, userinfo: what each tells whom."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import httpx2
import pytest

from idp.storage import refresh_families
from idp.tokens.refresh_family import token_hash
from tests.clock import FakeClock
from tests.idp.grants.programs import change
from tests.idp.provider import SECRET, App, Provider


async def _tokens(provider: Provider, app: App) -> dict[str, Any]:
    code = await provider.sign_in(provider.browser(), app, await provider.person(app.client_id))
    tokens: dict[str, Any] = (await provider.redeem(app, code)).json()
    return tokens


async def _send(provider: Provider, path: str, content: str, **headers: str) -> httpx2.Response:
    async with provider.client() as client:
        sent = {"content-type": "application/x-www-form-urlencoded", **headers}
        return await client.post(path, content=content, headers=sent)


def _basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    "authorization",
    [
        _basic("app:wrong"),
        _basic("nobody:" + SECRET),
        _basic("app:"),
        _basic("app"),
        "Basic !!!",
        "Basic /////w==",
        "Bearer x",
        _basic("app:" + "x" * 5000),
    ],
)
async def test_a_client_that_cannot_prove_itself(provider: Provider, authorization: str) -> None:
    await provider.register()
    answer = await _send(provider, "/token", "grant_type=refresh_token&refresh_token=x", authorization=authorization)
    assert answer.status_code == 401
    assert answer.json()["error"] == "invalid_client"
    assert answer.headers["www-authenticate"].startswith("Basic ")
    assert answer.headers["cache-control"] == "no-store"


async def test_the_registered_way_is_the_only_one(provider: Provider) -> None:
    await provider.register("basic")
    await provider.register("post", auth_method="client_secret_post")
    await provider.register("public", auth_method="none")
    body = "grant_type=refresh_token&refresh_token=x"
    secret = SECRET.replace(" ", "%20").replace(",", "%2C")
    for client_id, content, authorization, expected in (
        ("basic", body, _basic(f"basic:{SECRET}"), "invalid_grant"),
        ("post", f"{body}&client_id=post&client_secret={secret}", None, "invalid_grant"),
        ("public", f"{body}&client_id=public", None, "invalid_grant"),
        ("basic", f"{body}&client_id=basic&client_secret={secret}", None, "invalid_client"),
        ("basic", f"{body}&client_id=basic", None, "invalid_client"),
        ("post", body, _basic(f"post:{SECRET}"), "invalid_client"),
        ("public", f"{body}&client_id=public&client_secret=x", None, "invalid_client"),
        ("basic", f"{body}&client_id=public", _basic(f"basic:{SECRET}"), "invalid_request"),
        ("basic", f"{body}&client_secret={secret}", _basic(f"basic:{SECRET}"), "invalid_request"),
    ):
        headers = {"authorization": authorization} if authorization else {}
        answer = await _send(provider, "/token", content, **headers)
        assert answer.json()["error"] == expected, (client_id, content)


@pytest.mark.parametrize(
    ("content", "error"),
    [
        ("", "invalid_request"),
        ("grant_type=password&username=a&password=b", "unsupported_grant_type"),
        ("grant_type=refresh_token", "invalid_request"),
        ("grant_type=refresh_token&refresh_token=a&refresh_token=b", "invalid_request"),
        ("grant_type=refresh_token&refresh_token=%FF", "invalid_request"),
        ("a" * 70_000, "invalid_request"),
    ],
)
async def test_requests_that_cannot_be_read(provider: Provider, content: str, error: str) -> None:
    await provider.register()
    answer = await _send(provider, "/token", content, authorization=_basic(f"app:{SECRET}"))
    assert answer.status_code == 400
    assert answer.json()["error"] == error
    assert "=" not in answer.json()["error_description"], "what was sent is not said back"


async def test_only_forms_are_read(provider: Provider) -> None:
    async with provider.client() as client:
        answer = await client.post("/token", json={"grant_type": "refresh_token"})
    assert answer.json()["error"] == "invalid_request"


async def test_introspection_is_true_only_while_the_session_lives(provider: Provider, clock: FakeClock) -> None:
    app = await provider.register()
    tokens = await _tokens(provider, app)
    auth = httpx2.BasicAuth("app", SECRET)
    access = (await provider.post("/introspect", {"token": tokens["access_token"]}, auth)).json()
    refresh = (await provider.post("/introspect", {"token": tokens["refresh_token"]}, auth)).json()
    assert access["active"]
    assert access["client_id"] == "app"
    assert refresh["active"]
    assert refresh["sub"] == access["sub"]
    other = await provider.register("other")
    others = httpx2.BasicAuth(other.client_id, SECRET)
    assert (await provider.post("/introspect", {"token": tokens["refresh_token"]}, others)).json() == {"active": False}
    parts = provider.parts
    async with parts.database.begin() as tx:
        await parts.one_session.end(tx, access["sid"], "response", correlation_id="test")
    for token in (tokens["access_token"], tokens["refresh_token"], tokens["id_token"], "made up"):
        assert (await provider.post("/introspect", {"token": token}, auth)).json() == {"active": False}


async def test_an_access_token_is_over_exactly_at_its_time(provider: Provider, clock: FakeClock) -> None:
    app = await provider.register()
    tokens = await _tokens(provider, app)
    auth = httpx2.BasicAuth("app", SECRET)
    clock.advance(299)
    assert (await provider.post("/introspect", {"token": tokens["access_token"]}, auth)).json()["active"]
    clock.advance(1)
    assert not (await provider.post("/introspect", {"token": tokens["access_token"]}, auth)).json()["active"]


async def test_a_public_client_may_not_introspect(provider: Provider) -> None:
    app = await provider.register("public", auth_method="none")
    tokens = await _tokens(provider, app)
    form = {"client_id": "public", "token": tokens["access_token"]}
    assert (await provider.post("/introspect", form)).json()["error"] == "invalid_client"


async def test_userinfo_wants_one_good_access_token(provider: Provider) -> None:
    app = await provider.register()
    tokens = await _tokens(provider, app)
    async with provider.client() as client:
        bare = await client.get("/userinfo")
        assert bare.status_code == 401
        assert bare.headers["www-authenticate"] == 'Bearer realm="munjigi"'
        for token in (tokens["id_token"], tokens["refresh_token"], "x", tokens["access_token"][:-2] + "AA"):
            answer = await client.get("/userinfo", headers={"Authorization": f"Bearer {token}"})
            assert answer.status_code == 401
            assert 'error="invalid_token"' in answer.headers["www-authenticate"]
        good = {"Authorization": f"Bearer {tokens['access_token']}"}
        assert (await client.post("/userinfo", headers=good)).status_code == 200
        assert (await client.get("/userinfo", headers=good)).headers["cache-control"] == "no-store"
        in_query = await client.get(f"/userinfo?access_token={tokens['access_token']}")
        assert in_query.status_code == 401


async def test_the_tokens_of_a_client_that_is_switched_off_are_active_no_more(provider: Provider) -> None:
    app, asking = await provider.register(), await provider.register("asking")
    token = (await _tokens(provider, app))["access_token"]

    async def active() -> bool:
        return bool((await provider.post("/introspect", {"token": token}, provider.basic(asking))).json()["active"])

    assert await active()
    await change(provider, app, enabled=False)
    assert not await active()


async def test_introspection_of_a_refresh_token_waits_for_nobody(provider: Provider) -> None:
    """Not for a refresh or an end that holds its family just now, and it holds up neither."""
    app = await provider.register()
    token = (await _tokens(provider, app))["refresh_token"]
    async with provider.parts.database.begin() as refreshing:
        assert await refresh_families.present(refreshing, token_hash(token)) is not None
        async with asyncio.timeout(20):
            told = await provider.post("/introspect", {"token": token}, provider.basic(app))
    assert told.json()["active"]
