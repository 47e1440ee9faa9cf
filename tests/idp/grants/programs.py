"""Programs that ask for themselves, for the tests of the grants."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from joserfc import jwt
from joserfc.jwk import KeySet

from idp.clients.client import Client
from idp.storage import clients
from tests.idp.provider import App, Provider


async def change(provider: Provider, app: App, **changed: Any) -> Client:
    """Change what is registered of a client, without telling anybody."""
    parts = provider.parts
    async with parts.database.begin() as tx:
        client = await clients.find(tx, app.client_id)
        assert client is not None
        client = replace(client, **changed)
        await clients.put(tx, client, parts.clock.now())
    parts.clients.on_event("client", {"client_id": app.client_id})
    return client


async def program(
    provider: Provider, client_id: str = "reporter", *, scopes: tuple[str, ...] = ("reports", "openid"), **changed: Any
) -> App:
    """A confidential client that may ask for itself."""
    app = await provider.register(client_id)
    await change(provider, app, grant_types=("client_credentials",), scopes=scopes, **changed)
    return app


def claims(provider: Provider, token: str) -> dict[str, Any]:
    """What a token says, its signature verified."""
    keys = KeySet.import_key_set(provider.parts.keys.ring().jwks())
    return dict(jwt.decode(token, keys, algorithms=["ES256"]).claims)
