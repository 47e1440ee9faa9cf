"""An organisation's identity provider of the tests: OpenID Connect over a real socket, and lies when it is told to."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote, urlencode, urlsplit

import msgspec
from joserfc import jws
from joserfc.jwk import ECKey, RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from config.clock import Clock
from config.serving import serve_application
from tests.house import free_port

CLIENT = "munjigi at acme"
SECRET = "a secret: of + the upstream"
Key = ECKey | RSAKey


def new_key(algorithm: str = "ES256") -> Key:
    return ECKey.generate_key("P-256") if algorithm == "ES256" else RSAKey.generate_key(2048)


@dataclass
class Upstream:
    """One provider, and how it behaves."""

    port: int
    clock: Clock
    client: str = CLIENT
    secret: str = SECRET
    algorithm: str = "ES256"
    key: Key = field(default_factory=new_key)
    kid: str = "first"
    metadata: dict[str, Any] = field(default_factory=dict)
    """What its discovery document says otherwise; None leaves a member out."""
    claims: dict[str, Any] = field(default_factory=dict)
    """What its ID tokens say otherwise; None leaves a claim out."""
    told: dict[str, Any] = field(default_factory=lambda: {"name": "Mina Kim"})
    """What its userinfo endpoint says."""
    sign: Callable[[dict[str, Any]], str] | None = None
    """Signs ID tokens otherwise than by its key."""
    token_answer: Callable[[], Response] | None = None
    asked: list[str] = field(default_factory=list)
    """Paths, in the order in which they were asked for."""
    questions: dict[str, dict[str, str]] = field(default_factory=dict)
    """Authorization requests by the code that they were answered with."""
    hangs: asyncio.Event | None = None
    """While it is there, nothing is answered before it is set."""

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def question(self, address: str) -> dict[str, str]:
        """The parameters of an authorization request that a browser was sent with."""
        assert address.startswith(f"{self.issuer}/authorize?"), address
        return dict(parse_qsl(urlsplit(address).query))

    def answer(self, address: str, **more: str) -> str:
        """Where the browser is sent back to by whoever is asked: to the redirect URI, with a code."""
        question, code = self.question(address), secrets.token_urlsafe(16)
        self.questions[code] = question
        parameters = {"code": code, "state": question["state"], "iss": self.issuer, **more}
        return f"{question['redirect_uri']}?{urlencode(parameters)}"

    def rotate(self, kid: str = "second") -> None:
        """Another key signs from now on, and no other one verifies."""
        self.key, self.kid = new_key(self.algorithm), kid

    def jwk(self) -> dict[str, Any]:
        return {**self.key.as_dict(private=False), "kid": self.kid, "use": "sig", "alg": self.algorithm}

    async def discovery(self, request: Request) -> Response:
        await self._heard(request)
        document = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "id_token_signing_alg_values_supported": ["ES256", "RS256", "PS256"],
            "authorization_response_iss_parameter_supported": True,
            **self.metadata,
        }
        return JSONResponse({name: value for name, value in document.items() if value is not None})

    async def jwks(self, request: Request) -> Response:
        await self._heard(request)
        return JSONResponse({"keys": [self.jwk()]})

    async def token(self, request: Request) -> Response:
        await self._heard(request)
        form = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
        if self.token_answer is not None:
            return self.token_answer()
        question = self.questions.pop(form.get("code", ""), None)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        if (
            question is None
            or not self._is_client(request, form)
            or form["grant_type"] != "authorization_code"
            or form["redirect_uri"] != question["redirect_uri"]
            or question["code_challenge_method"] != "S256"
            or challenge.rstrip(b"=").decode() != question["code_challenge"]
        ):
            return JSONResponse({"error": "invalid_grant"}, 400)
        access_token = secrets.token_urlsafe(16)
        half = hashlib.sha256(access_token.encode()).digest()[:16]
        now = int(self.clock.timestamp())
        claims = {
            "iss": self.issuer,
            "sub": "u-1",
            "aud": self.client,
            "iat": now,
            "exp": now + 300,
            "auth_time": now,
            "nonce": question["nonce"],
            "at_hash": base64.urlsafe_b64encode(half).rstrip(b"=").decode(),
            **self.claims,
        }
        said = {name: value for name, value in claims.items() if value is not None}
        signed = self.sign(said) if self.sign is not None else self.signed(said)
        return JSONResponse({"access_token": access_token, "token_type": "Bearer", "id_token": signed})

    async def userinfo(self, request: Request) -> Response:
        await self._heard(request)
        if not request.headers.get("authorization", "").startswith("Bearer "):
            return Response(status_code=401)
        return JSONResponse({"sub": self.claims.get("sub", "u-1"), **self.told})

    def signed(self, claims: dict[str, Any], **header: Any) -> str:
        """A token by its own key."""
        said = {"alg": self.algorithm, "kid": self.kid, "typ": "JWT", **header}
        return jws.serialize_compact(said, msgspec.json.encode(claims), self.key, algorithms=[said["alg"]])

    def _is_client(self, request: Request, form: dict[str, str]) -> bool:
        given = request.headers.get("authorization", "").removeprefix("Basic ")
        if given:
            name, _, secret = base64.b64decode(given).decode().partition(":")
            return (unquote(name), unquote(secret)) == (self.client, self.secret)
        return (form.get("client_id"), form.get("client_secret")) == (self.client, self.secret)

    async def _heard(self, request: Request) -> None:
        self.asked.append(request.url.path)
        if self.hangs is not None:
            await self.hangs.wait()


@asynccontextmanager
async def running_upstream(clock: Clock) -> AsyncIterator[Upstream]:
    upstream = Upstream(free_port(), clock)
    app = Starlette(
        routes=[
            Route("/.well-known/openid-configuration", upstream.discovery),
            Route("/jwks", upstream.jwks),
            Route("/token", upstream.token, methods=["POST"]),
            Route("/userinfo", upstream.userinfo),
        ]
    )
    ready, stop = asyncio.Event(), asyncio.Event()
    serving = asyncio.create_task(serve_application(app, f"127.0.0.1:{upstream.port}", ready=ready.set, stop=stop))
    await asyncio.wait_for(ready.wait(), 10)
    try:
        yield upstream
    finally:
        if upstream.hangs is not None:
            upstream.hangs.set()
        stop.set()
        await serving
