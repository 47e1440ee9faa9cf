"""The app: a page, a way in, a way out, an ear for the end of a session elsewhere, and what a shop's API says."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any
from urllib.parse import urlsplit

import httpx2
from authlib.integrations.starlette_client import OAuth, OAuthError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from examples.relying_app.backchannel import LogoutTokens, NoLogoutToken, UnknownKey
from examples.relying_app.browser_session import BrowserSession
from examples.relying_app.page import orders_page, page

UNAUTHORIZED = 401
SHOP = "http://shop.localhost:8080"


def relying_app(
    *,
    issuer: str,
    client_id: str,
    client_secret: str,
    origin: str,
    shop: str = SHOP,
    transport: Any = None,
    shop_transport: Any = None,
) -> BrowserSession:
    """The app at `origin`; the transports stand in for the network in tests.

    `shop` is the API of the shop: its origin, and the identifier that tokens for it are asked for by (RFC 8707).
    """
    logout_tokens = LogoutTokens(issuer, client_id)
    asking: ContextVar[dict[str, Any]] = ContextVar("asking")

    async def renewed(token: dict[str, Any], **_old: str) -> None:
        asking.get().update(token)

    munjigi = OAuth(update_token=lambda _name, token, **old: renewed(token, **old)).register(
        "munjigi",
        client_id=client_id,
        client_secret=client_secret,
        server_metadata_url=f"{issuer}/.well-known/openid-configuration",
        client_kwargs={
            "scope": "openid profile email",
            "code_challenge_method": "S256",
            **({"transport": transport} if transport is not None else {}),
        },
    )

    async def home(request: Request) -> Response:
        token = request.session.get("token")
        if token is None:
            return HTMLResponse(page(None, notice=request.session.pop("notice", None)))
        person = await _who(token)
        if person is None:
            request.session.clear()
            request.session["notice"] = "Your session has ended. Sign in again."
            return RedirectResponse("/", 303)
        return HTMLResponse(page({**token["userinfo"], **person}, notice=request.session.pop("notice", None)))

    async def _who(token: dict[str, Any]) -> dict[str, Any] | None:
        """Whom the provider names; None once the session has ended. An old access token is renewed first."""
        asking.set(token)
        try:
            metadata = await munjigi.load_server_metadata()
            answer = await munjigi.get(metadata["userinfo_endpoint"], token=token)
        except OAuthError:
            return None
        if answer.status_code == UNAUTHORIZED:
            return None
        answer.raise_for_status()
        person: dict[str, Any] = answer.json()
        return person

    async def sign_in(request: Request) -> Response:
        request.session.pop("asked_for", None)
        response: Response = await munjigi.authorize_redirect(request, f"{origin}/callback")
        return response

    async def orders(request: Request) -> Response:
        """What the person ordered at the shop; with a token for the shop alone, which the person allows."""
        if "token" not in request.session:
            return RedirectResponse("/", 303)
        token = request.session.get("shop_token")
        if token is not None:
            ordered = await _ordered(token)
            if ordered is not None:
                return HTMLResponse(orders_page(ordered))
            del request.session["shop_token"]
        request.session["asked_for"] = "shop_token"
        response: Response = await munjigi.authorize_redirect(
            request, f"{origin}/callback", scope="openid orders.read", resource=shop, prompt="consent"
        )
        return response

    async def _ordered(token: dict[str, Any]) -> list[Any] | None:
        """What the shop answers; None where it does not take the token any more. It is asked on this machine, since not
        every resolver knows names under localhost."""
        there = urlsplit(shop)
        async with httpx2.AsyncClient(transport=shop_transport, trust_env=False) as http:
            answer = await http.get(
                f"{there.scheme}://127.0.0.1:{there.port}/api/orders",
                headers={"Host": there.netloc, "Authorization": f"Bearer {token['access_token']}"},
            )
        if answer.status_code == UNAUTHORIZED:
            return None
        answer.raise_for_status()
        found: list[Any] = answer.json()["orders"]
        return found

    async def callback(request: Request) -> Response:
        kept = request.session.pop("asked_for", "token")
        try:
            request.session[kept] = dict(await munjigi.authorize_access_token(request))
            if kept == "shop_token":
                return RedirectResponse("/orders", 303)
        except OAuthError as error:
            request.session["notice"] = f"Nothing came of it: {error.description or error.error}."
        return RedirectResponse("/", 303)

    async def sign_out(request: Request) -> Response:
        token = request.session.pop("token", None)
        request.session.pop("shop_token", None)
        if token is None:
            return RedirectResponse("/", 303)
        response: Response = await munjigi.logout_redirect(
            request, f"{origin}/", id_token_hint=token["id_token"], client_id=client_id
        )
        response.status_code = 303
        return response

    async def backchannel_logout(request: Request) -> Response:
        """The provider itself calls, not a browser: forget every session that the token names."""
        form = await request.form()
        token = str(form.get("logout_token", ""))
        try:
            try:
                ended = logout_tokens.verify(token, await munjigi.fetch_jwk_set())
            except UnknownKey:
                ended = logout_tokens.verify(token, await munjigi.fetch_jwk_set(force=True))
        except NoLogoutToken:
            return JSONResponse({"error": "invalid_request"}, 400, {"Cache-Control": "no-store"})
        app.drop(lambda kept: _is_of(kept, ended), "Your session has ended elsewhere. Sign in again.")
        return Response(status_code=200, headers={"Cache-Control": "no-store"})

    app = BrowserSession(
        Starlette(
            routes=[
                Route("/", home),
                Route("/sign-in", sign_in),
                Route("/callback", callback),
                Route("/orders", orders),
                Route("/sign-out", sign_out, methods=["POST"]),
                Route("/backchannel-logout", backchannel_logout, methods=["POST"]),
            ]
        )
    )
    return app


def _is_of(kept: dict[str, Any], ended: dict[str, Any]) -> bool:
    """Whether what is remembered of a browser is of the session that ended: by `sid`, or without one by `sub`."""
    person = kept.get("token", {}).get("userinfo", {})
    name = "sid" if "sid" in ended else "sub"
    return bool(person.get(name) == ended[name])
