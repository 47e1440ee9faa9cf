"""Clients that prove themselves, and their tokens, by keys: registered at a test's provider."""

from __future__ import annotations

from typing import Any

import httpx2

from config.settings import Settings
from idp.clients.client import AuthMethod, Client, hash_secret
from idp.clients.metadata import ClientMetadata
from idp.storage import clients
from tests.idp.keys import Key
from tests.idp.provider import CALLBACK, SECRET, App, Provider

WITH_SECRET = ("client_secret_basic", "client_secret_post")
TOKEN = "http://localhost:9000/token"
USERINFO = "http://localhost:9000/userinfo"


def changed(settings: Settings, **idp: Any) -> Settings:
    """The settings of a test, with other ones of the identity provider."""
    return settings.model_copy(update={"idp": settings.idp.model_copy(update=idp)})


async def register(provider: Provider, client_id: str, auth_method: AuthMethod, **metadata: Any) -> App:
    client = Client(
        client_id=client_id,
        name={"ko": "앱", "en": "the app"},
        auth_method=auth_method,
        secret_hash=hash_secret(SECRET) if auth_method in WITH_SECRET else None,
        redirect_uris=(CALLBACK,),
        post_logout_redirect_uris=(),
        grant_types=("authorization_code", "refresh_token"),
        scopes=("openid", "profile"),
        metadata=ClientMetadata(**metadata),
    )
    async with provider.parts.database.begin() as tx:
        await clients.put(tx, client, provider.parts.clock.now())
    return App(client_id, SECRET if auth_method in WITH_SECRET else None)


async def ask(
    provider: Provider, path: str, form: dict[str, str], app: App | None = None, **headers: str
) -> httpx2.Response:
    """Post a form; with an `app`, its secret by HTTP Basic or its bare name."""
    auth = None
    if app is not None and app.secret:
        auth = httpx2.BasicAuth(app.client_id, app.secret)
    elif app is not None:
        form = {"client_id": app.client_id, **form}
    async with provider.client() as client:
        return await client.post(path, data=form, auth=auth, headers=headers)


async def code(provider: Provider, app: App, name: str = "mina", **parameters: str) -> str:
    """A code of somebody who signs in."""
    return await provider.sign_in(provider.browser(), app, await provider.person(name), **parameters)


def redemption(app: App, code: str) -> dict[str, str]:
    return {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": CALLBACK,
        "code_verifier": app.verifier,
    }


def renewal(tokens: dict[str, Any]) -> dict[str, str]:
    return {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}


def proof(provider: Provider, key: Key, **said: Any) -> str:
    """A proof for the token endpoint, now."""
    return key.proof("POST", TOKEN, provider.parts.clock.timestamp(), **said)
