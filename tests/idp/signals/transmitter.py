"""A transmitter of the tests: a real HTTP server that publishes keys, holds events to be polled, and pushes them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx2
import msgspec
from joserfc import jws
from joserfc.jwk import ECKey, RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from config.clock import Clock
from config.serving import serve_application
from idp.sessions.received.security_event import EventKind
from tests.house import free_port

CAEP = "https://schemas.openid.net/secevent/caep/event-type/"
ASSURANCE = f"{CAEP}assurance-level-change"
Key = ECKey | RSAKey


@dataclass
class Transmitter:
    """Signs, publishes, pushes, and is polled."""

    port: int
    clock: Clock
    audience: str = "urn:example:munjigi"
    token: str = ""
    """What it shows with a push."""
    algorithm: str = "ES256"
    key: Key = field(default_factory=lambda: ECKey.generate_key("P-256", {"kid": "one"}))
    published: list[Key] | None = None
    """None: the key that it signs with."""
    held: dict[str, str] = field(default_factory=dict)
    """What waits to be polled."""
    errors: dict[str, dict[str, str]] = field(default_factory=dict)
    asked: list[dict[str, Any]] = field(default_factory=list)
    """Every poll."""
    authorizations: list[str | None] = field(default_factory=list)
    fetches: int = 0
    jwks_status: int = 200
    poll_status: int = 200

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def claims(self, kind: str, said: object, subject: object, **changed: object) -> dict[str, object]:
        claims = {
            "iss": self.issuer,
            "aud": self.audience,
            "iat": int(self.clock.timestamp()),
            "jti": uuid4().hex,
            "sub_id": subject,
            "events": {kind: said},
            **changed,
        }
        return {name: value for name, value in claims.items() if value is not None}

    def token_of(self, claims: object, **header: object) -> str:
        protected = {"alg": self.algorithm, "typ": "secevent+jwt", "kid": self.key.kid, **header}
        protected = {name: value for name, value in protected.items() if value is not None}
        return jws.serialize_compact(
            protected, msgspec.json.encode(claims), self.key, algorithms=[str(protected["alg"])]
        )

    def revoked(self, subject: object, **changed: object) -> str:
        """A `session-revoked` of now."""
        said = {"event_timestamp": int(self.clock.timestamp())}
        return self.token_of(self.claims(EventKind.SESSION_REVOKED, said, subject, **changed))

    async def push(self, address: str, token: str | bytes, **headers: str | None) -> httpx2.Response:
        sent = {
            "Content-Type": "application/secevent+jwt",
            "Accept": "application/json",
            "Authorization": f"Bearer {self.token}",
            **headers,
        }
        async with httpx2.AsyncClient(trust_env=False) as http:
            return await http.post(
                address, content=token, headers={name: value for name, value in sent.items() if value is not None}
            )

    async def jwks(self, _request: Request) -> Response:
        self.fetches += 1
        keys = self.published if self.published is not None else [self.key]
        return JSONResponse({"keys": [key.as_dict(private=False) for key in keys]}, status_code=self.jwks_status)

    async def poll(self, request: Request) -> Response:
        """RFC 8936, section 2."""
        asked = msgspec.json.decode(await request.body())
        self.asked.append(asked)
        self.authorizations.append(request.headers.get("authorization"))
        if self.poll_status != 200:
            return Response(status_code=self.poll_status)
        self.errors.update(asked.get("setErrs", {}))
        for jti in [*asked["ack"], *asked.get("setErrs", {})]:
            self.held.pop(jti, None)
        given = dict(list(self.held.items())[: asked["maxEvents"]])
        return JSONResponse({"sets": given, "moreAvailable": len(given) < len(self.held)})


@asynccontextmanager
async def transmitting(clock: Clock, **values: Any) -> AsyncIterator[Transmitter]:
    """One that listens on loopback."""
    transmitter = Transmitter(free_port(), clock, **values)
    app = Starlette(routes=[Route("/jwks", transmitter.jwks), Route("/poll", transmitter.poll, methods=["POST"])])
    async with served(app, transmitter.port):
        yield transmitter


@asynccontextmanager
async def served(app: Any, port: int) -> AsyncIterator[None]:
    """Any application, on a port of loopback."""
    ready, stop = asyncio.Event(), asyncio.Event()
    serving = asyncio.create_task(serve_application(app, f"127.0.0.1:{port}", ready=ready.set, stop=stop))
    await asyncio.wait_for(ready.wait(), 10)
    try:
        yield
    finally:
        stop.set()
        await serving
