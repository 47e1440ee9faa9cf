"""A person's access token that is revoked, end to end: how soon a gateway refuses it, and that it stays so (S4, S7)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx2
import pytest

from config.clock import SystemClock
from config.connections import open_database, open_valkey
from config.settings import Settings
from idp.clients.client import Client, hash_secret
from idp.storage import clients
from tests.gateway.house import GATEWAY, PROVIDER, RELAY, Browser, on_free_ports, people, running, shops
from tests.idp.provider import CALLBACK, SECRET, App

BOUND = 1.0
"""Seconds within which a revoked token is refused."""


class AtTheApp(Exception):
    """The browser was led back to the app, with a code."""


@dataclass
class Person(Browser):
    """A browser whose person signs in to an app that is elsewhere."""

    code: str = field(default="", init=False)

    def client(self, url: str) -> httpx2.AsyncClient:
        if url.startswith(CALLBACK):
            self.code = httpx2.URL(url).params["code"]
            raise AtTheApp
        return super().client(url)


@dataclass
class House:
    settings: Settings
    app: App
    auth: httpx2.BasicAuth
    tokens: dict[str, Any]

    async def post(self, path: str, **form: str) -> httpx2.Response:
        async with httpx2.AsyncClient(trust_env=False, base_url=self.settings.idp.issuer) as provider:
            return await provider.post(path, data=form, auth=self.auth)

    async def refresh(self) -> dict[str, Any]:
        self.tokens = (
            await self.post("/token", grant_type="refresh_token", refresh_token=self.tokens["refresh_token"])
        ).json()
        return self.tokens

    async def get(self, token: str) -> httpx2.Response:
        transport = httpx2.AsyncHTTPTransport(uds=self.settings.gateway.listen.removeprefix("unix:"))
        async with httpx2.AsyncClient(transport=transport, base_url="http://shop.localhost:8080") as through:
            return await through.get("/products", headers={"Authorization": f"Bearer {token}"})

    async def refused(self, token: str) -> float:
        """Seconds until it is."""
        since = time.monotonic()
        while (answer := await self.get(token)).status_code != 401:
            assert time.monotonic() - since < 5, answer.text
        assert 'error="invalid_token"' in answer.headers["www-authenticate"]
        return time.monotonic() - since


@pytest.fixture
async def house(settings: Settings) -> AsyncIterator[House]:
    there = on_free_ports(settings)
    await people(there)
    app = App()
    client = Client(
        client_id=app.client_id,
        name={"ko": "앱", "en": "the app"},
        auth_method="client_secret_basic",
        secret_hash=hash_secret(SECRET),
        redirect_uris=(CALLBACK,),
        post_logout_redirect_uris=(),
        grant_types=("authorization_code", "refresh_token"),
        scopes=("openid", "profile"),
    )
    database = open_database(there, "idp")
    async with database.begin() as tx:
        await clients.put(tx, client, SystemClock().now())
    await database.dispose()
    async with running(there, RELAY, PROVIDER, shops):
        person, auth = Person(there), httpx2.BasicAuth(app.client_id, SECRET)
        house = House(there, app, auth, {})
        with pytest.raises(AtTheApp):
            await person.sign_in(await person.go(there.idp.issuer + app.request()), "alice")
        await person.close()
        answer = await house.post(
            "/token",
            grant_type="authorization_code",
            code=person.code,
            redirect_uri=CALLBACK,
            code_verifier=app.verifier,
        )
        assert answer.status_code == 200, answer.text
        house.tokens = answer.json()
        yield house


async def eventually(house: House, token: str) -> int:
    """What the gateway says once it may believe anything: 503 while nobody vouches for sessions."""
    since = time.monotonic()
    while (answer := await house.get(token)).status_code == 503:
        assert time.monotonic() - since < 5, answer.text
        await asyncio.sleep(0.02)
    return answer.status_code


async def test_it_is_refused_within_the_bound_and_ever_after(house: House) -> None:
    """By a gateway that starts later, and after Valkey lost everything, too; other tokens of its session are not."""
    one, other = house.tokens["access_token"], (await house.refresh())["access_token"]
    async with running(house.settings, GATEWAY):
        assert [await eventually(house, token) for token in (one, other)] == [200, 200]
        assert (await house.post("/revoke", token=one)).status_code == 200
        assert await house.refused(one) < BOUND
        assert (await house.get(other)).status_code == 200
    valkey = open_valkey(house.settings)
    await valkey.flushall()
    await valkey.aclose()
    async with running(house.settings, GATEWAY):
        assert [await eventually(house, token) for token in (one, other)] == [401, 200]
        assert (await house.post("/revoke", token=house.tokens["refresh_token"])).status_code == 200
        assert await house.refused(other) < BOUND
