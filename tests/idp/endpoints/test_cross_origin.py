"""Which endpoints a browser lets a script of another origin read (Fetch, section 3.2: the CORS protocol)."""

from __future__ import annotations

import httpx2
import pytest
from starlette.responses import Response

from idp.endpoints.cross_origin import CrossOrigin
from idp.routes import TABLE
from tests.idp.provider import Provider

APP = "https://app.example"
OPEN = {
    "/.well-known/openid-configuration",
    "/.well-known/oauth-authorization-server",
    "/jwks",
    "/par",
    "/token",
    "/userinfo",
    "/revoke",
}
PREFLIGHT = {
    "Origin": APP,
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization",
}


async def send(provider: Provider, method: str, path: str, **headers: str) -> httpx2.Response:
    async with provider.client() as client:
        return await client.request(method, path, headers={"Origin": APP, **headers})


@pytest.mark.parametrize("path", sorted(OPEN))
async def test_what_a_browser_app_needs_is_readable_errors_included(provider: Provider, path: str) -> None:
    asked = await send(provider, "OPTIONS", path, **PREFLIGHT)
    assert (asked.status_code, asked.content) == (204, b"")
    assert "Authorization" in asked.headers["access-control-allow-headers"]
    for answer in (asked, await send(provider, "GET", path), await send(provider, "POST", path)):
        assert answer.headers.get_list("access-control-allow-origin") == ["*"]
        assert "access-control-allow-credentials" not in answer.headers


async def test_nothing_else_is(provider: Provider) -> None:
    closed = sorted({path for path, _, _ in TABLE} - OPEN)
    assert {"/authorize", "/sign-in", "/introspect", "/session/status", "/account"} <= set(closed)
    for path in closed:
        for answer in (await send(provider, "OPTIONS", path, **PREFLIGHT), await send(provider, "GET", path)):
            assert "access-control-allow-origin" not in answer.headers, path


async def test_an_options_that_is_no_preflight_is_not_one(provider: Provider) -> None:
    assert (await send(provider, "OPTIONS", "/token")).status_code == 405


async def answers(app: CrossOrigin, method: str, path: str) -> httpx2.Response:
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="https://id.example") as client:
        return await client.request(method, path, headers={"Origin": APP, **PREFLIGHT})


@pytest.mark.parametrize(("path", "methods"), [("/register", "POST"), ("/register/one", "GET, PUT, DELETE")])
async def test_apps_in_browsers_register_where_clients_register_themselves(path: str, methods: str) -> None:
    inner = Response("inner")
    asked = await answers(CrossOrigin(inner, registration=True), "OPTIONS", path)
    assert (asked.status_code, asked.headers["access-control-allow-methods"]) == (204, methods)
    assert "Authorization" in asked.headers["access-control-allow-headers"]
    told = await answers(CrossOrigin(inner, registration=True), methods.split(",")[0], path)
    assert (told.text, told.headers["access-control-allow-origin"]) == ("inner", "*")
    for method in ("OPTIONS", "POST"):
        closed = await answers(CrossOrigin(inner, registration=False), method, path)
        assert closed.text == "inner"
        assert "access-control-allow-origin" not in closed.headers
    beside = await answers(CrossOrigin(inner, registration=True), "OPTIONS", "/registered")
    assert "access-control-allow-origin" not in beside.headers
