"""A relying app that registered more than a secret: keys of its own, and what its requests must be like."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx2
import msgspec
from joserfc import jws
from joserfc.jwk import ECKey, RSAKey

from idp.clients.client import AuthMethod
from idp.clients.metadata import ClientMetadata
from idp.storage import clients
from tests.idp.provider import CALLBACK, App, Provider

ALGORITHMS = ["ES256", "PS256", "RS256", "HS256"]


async def register_with(
    provider: Provider, client_id: str = "app", *, auth_method: AuthMethod = "client_secret_basic", **metadata: Any
) -> App:
    """Register an app with these members of its metadata."""
    app = await provider.register(client_id, auth_method=auth_method)
    async with provider.parts.database.begin() as tx:
        client = await clients.find(tx, client_id)
        assert client is not None
        changed = replace(client, metadata=ClientMetadata(**metadata))
        await clients.put(tx, changed, provider.parts.clock.now())
    provider.parts.clients.on_reset()
    return app


def public_jwks(*keys: ECKey | RSAKey) -> dict[str, list[dict[str, object]]]:
    """What the app registers of its keys."""
    return {"keys": [{**key.as_dict(private=False), "kid": key.thumbprint()} for key in keys]}


def request_object(
    provider: Provider,
    app: App,
    key: ECKey | RSAKey,
    *,
    alg: str = "ES256",
    header: dict[str, Any] | None = None,
    **changed: Any,
) -> str:
    """A signed authorization request; a changed member of None is left out."""
    now = int(provider.parts.clock.timestamp())
    claims = {
        "iss": app.client_id,
        "aud": provider.parts.issuer,
        "exp": now + 60,
        "nbf": now,
        **parameters_of(app),
        **changed,
    }
    claims = {name: value for name, value in claims.items() if value is not None}
    protected = {"alg": alg, "typ": "oauth-authz-req+jwt", "kid": key.thumbprint(), **(header or {})}
    protected = {name: value for name, value in protected.items() if value is not None}
    return jws.serialize_compact(protected, msgspec.json.encode(claims), key, algorithms=ALGORITHMS)


def parameters_of(app: App, **changed: str | None) -> dict[str, str]:
    """The parameters of the app's authorization request."""
    return dict(parse_qsl(urlsplit(app.request(**changed)).query))


async def push(provider: Provider, app: App, **changed: str | None) -> httpx2.Response:
    """Push the app's authorization request."""
    auth = httpx2.BasicAuth(app.client_id, app.secret) if app.secret else None
    return await provider.post("/par", parameters_of(app, **changed), auth)


def redeemed_at(app: App, reference: str, **more: str) -> str:
    """The address of an authorization request by reference."""
    query = httpx2.QueryParams({"client_id": app.client_id, "request_uri": reference, **more})
    return f"/authorize?{query}"


def told(response: httpx2.Response) -> dict[str, str]:
    """What a redirect to the app tells it; it goes there and nowhere else."""
    location = response.headers["location"]
    assert location.startswith(CALLBACK + "?"), location
    return dict(parse_qsl(urlsplit(location).query))
