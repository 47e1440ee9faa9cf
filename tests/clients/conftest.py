"""An identity provider that listens on a port of its own, as `munjigi idp` serves it, and a person who may sign in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from config.clock import SystemClock
from config.connections import open_database
from config.settings import Settings
from idp.app import serve
from idp.clients.client import AuthMethod, Client, hash_secret
from idp.credentials.password import PasswordPool
from idp.storage import clients, passwords
from tests.clients.app import CALLBACK, LEFT, PASSWORD, PERSON, SECRET
from tests.house import free_port
from tests.idp.people import add_person


@pytest.fixture
async def issuer(settings: Settings) -> AsyncIterator[str]:
    """Where it listens; `app` is registered there with a secret, `spa` without one."""
    port = free_port()
    listen = f"127.0.0.1:{port}"
    found = f"http://localhost:{port}"
    own = settings.model_copy(update={"idp": settings.idp.model_copy(update={"listen": listen, "issuer": found})})
    await _fill(own)
    ready, stop = asyncio.Event(), asyncio.Event()
    serving = asyncio.create_task(serve(own, ready.set, stop))
    await asyncio.wait_for(ready.wait(), 20)
    yield found
    stop.set()
    await serving


async def _fill(settings: Settings) -> None:
    now, pool = SystemClock().now(), PasswordPool(1)
    database = open_database(settings, "idp")
    try:
        async with database.begin() as tx:
            await clients.put(tx, _client("app", "client_secret_basic"), now)
            await clients.put(tx, _client("spa", "none"), now)
            person = await add_person(tx, PERSON)
            await passwords.put_password(tx, person.id, await pool.hash(PASSWORD), now)
    finally:
        pool.close()
        await database.dispose()


def _client(client_id: str, auth_method: AuthMethod) -> Client:
    return Client(
        client_id=client_id,
        name={"ko": "앱", "en": "the app"},
        auth_method=auth_method,
        secret_hash=None if auth_method == "none" else hash_secret(SECRET),
        redirect_uris=(CALLBACK,),
        post_logout_redirect_uris=(LEFT,),
        grant_types=("authorization_code", "refresh_token"),
        scopes=("openid", "profile"),
    )
