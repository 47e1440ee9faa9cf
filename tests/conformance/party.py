"""The client that the suite plays against a provider, and its browser."""

from __future__ import annotations

import base64
import hashlib
import html
import re
import secrets
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import httpx2
from joserfc import jwt
from joserfc.jwk import KeySet

from idp.clients.client import AuthMethod, Client, hash_secret
from idp.clients.metadata import ClientMetadata
from idp.storage import clients
from tests.idp.browser import Browser
from tests.idp.keyed import WITH_SECRET
from tests.idp.provider import AFTER_LOGOUT, CALLBACK, SECRET, App, Provider

SCOPES = ("openid", "profile", "email", "address", "phone")
_SIGN_IN = "http://localhost:9000/sign-in?hop="


async def registered(
    provider: Provider,
    client_id: str = "party",
    *,
    auth_method: AuthMethod = "client_secret_basic",
    redirect_uris: tuple[str, ...] = (CALLBACK,),
    backchannel_logout_uri: str | None = None,
    **metadata: Any,
) -> App:
    """A client as a tester has it registered by an administrator."""
    client = Client(
        client_id=client_id,
        name={"en": "the party"},
        auth_method=auth_method,
        secret_hash=hash_secret(SECRET) if auth_method in WITH_SECRET else None,
        redirect_uris=redirect_uris,
        post_logout_redirect_uris=(AFTER_LOGOUT,),
        grant_types=("authorization_code", "refresh_token"),
        scopes=SCOPES,
        backchannel_logout_uri=backchannel_logout_uri,
        metadata=ClientMetadata(**{"id_token_signed_response_alg": "RS256", **metadata}),
    )
    async with provider.parts.database.begin() as tx:
        await clients.put(tx, client, provider.parts.clock.now())
    provider.parts.clients.on_reset()
    return App(client_id, SECRET)


@dataclass
class Party:
    """One client, one browser, one person. Its requests have no PKCE, as those of the suite."""

    provider: Provider
    app: App
    browser: Browser
    user: UUID
    mode: str | None = None
    """`response_mode` of its requests."""
    asked: bool = False
    """Whether the person had to sign in for the latest answer."""
    request: dict[str, str] = field(default_factory=dict)
    """The latest one."""

    @classmethod
    async def of(cls, provider: Provider, mode: str | None = None, **registration: Any) -> Party:
        app = await registered(provider, code_protection="optional", **registration)
        return cls(provider, app, provider.browser(), await provider.person(), mode)

    async def second(self, client_id: str = "second") -> Party:
        """Another client with the same browser."""
        app = await registered(self.provider, client_id, code_protection="optional")
        return replace(self, app=app, request={})

    def parameters(self, **changed: str | None) -> dict[str, str]:
        made: dict[str, str | None] = {
            "response_type": "code",
            "client_id": self.app.client_id,
            "redirect_uri": CALLBACK,
            "scope": "openid",
            "state": secrets.token_urlsafe(8),
            "nonce": secrets.token_urlsafe(8),
            "response_mode": self.mode,
            **changed,
        }
        return {name: value for name, value in made.items() if value is not None}

    async def ask(self, *, post: bool = False, **changed: str | None) -> httpx2.Response:
        """Send an authorization request; the page or answer where the browser comes to a halt."""
        self.request = self.parameters(**changed)
        if post:
            response = await self.browser.post("/authorize", self.request)
        else:
            response = await self.browser.get("/authorize?" + urlencode(self.request))
        return await self.browser.follow(response)

    async def authorize(self, *, post: bool = False, **changed: str | None) -> dict[str, str]:
        """What the client is answered; the person signs in where they are asked to."""
        page = await self.ask(post=post, **changed)
        self.asked = self.browser.address.startswith(_SIGN_IN)
        if self.asked:
            page = await self.provider.prove(self.browser, self.user)
        told = self.told(page)
        assert told.get("state") == self.request.get("state")
        assert told["iss"] == self.provider.parts.issuer
        return told

    def told(self, page: httpx2.Response) -> dict[str, str]:
        """What the client is told, in the mode that it asked for and in no other."""
        if self.mode != "form_post":
            assert self.browser.address.startswith(CALLBACK), page.text
            return self.browser.query()
        assert re.findall(r"<form method=\"post\" action=\"([^\"]+)\"", page.text) == [CALLBACK], page.text
        hidden = re.findall(r"<input type=\"hidden\" name=\"([^\"]+)\" value=\"([^\"]*)\">", page.text)
        return {name: html.unescape(value) for name, value in hidden}

    async def code(self, **changed: str | None) -> str:
        told = await self.authorize(**changed)
        assert "error" not in told, told
        return told["code"]

    async def redeem(self, code: str, **more: str) -> httpx2.Response:
        return await self.provider.token(
            self.app, grant_type="authorization_code", code=code, redirect_uri=CALLBACK, **more
        )

    async def tokens(self, **changed: str | None) -> dict[str, Any]:
        """All of it: the request, the code, the tokens, and the ID token looked at."""
        answer = await self.redeem(await self.code(**changed))
        assert answer.status_code == 200, answer.text
        assert answer.headers["cache-control"] == "no-store"
        tokens: dict[str, Any] = answer.json()
        assert tokens["token_type"].lower() == "bearer"
        tokens["claims"] = await self.id_token(tokens["id_token"])
        digest = hashlib.sha256(tokens["access_token"].encode()).digest()[:16]
        at_hash = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        assert tokens["claims"].get("at_hash", at_hash) == at_hash
        return tokens

    async def id_token(self, token: str, alg: str = "RS256") -> dict[str, Any]:
        """The claims of an ID token of the latest request, validated as OpenID Connect Core 1.0, 3.1.3.7 says."""
        read = jwt.decode(token, await self.jwks(), algorithms=[alg])
        now = self.provider.parts.clock.timestamp()
        assert (read.header["alg"], "kid" in read.header) == (alg, True)
        claims: dict[str, Any] = read.claims
        assert claims["iss"] == self.provider.parts.issuer
        assert claims["aud"] in (self.app.client_id, [self.app.client_id])
        assert claims["iat"] <= now < claims["exp"]
        assert claims.get("nonce") == self.request.get("nonce")
        assert 0 < len(claims["sub"]) <= 255
        return claims

    async def jwks(self) -> KeySet:
        async with self.provider.client() as http:
            return KeySet.import_key_set((await http.get("/jwks")).json())

    async def userinfo(self, token: str, method: str = "GET") -> httpx2.Response:
        """With the token in the header."""
        async with self.provider.client() as http:
            return await http.request(method, "/userinfo", headers={"Authorization": f"Bearer {token}"})

    async def shown(self, **changed: str | None) -> dict[str, Any]:
        """The claims of userinfo after a login."""
        tokens = await self.tokens(**changed)
        answer = await self.userinfo(tokens["access_token"])
        assert answer.status_code == 200, answer.text
        claims: dict[str, Any] = answer.json()
        assert claims["sub"] == tokens["claims"]["sub"]
        return claims
