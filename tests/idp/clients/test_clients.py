"""Clients: kept as they are, cached until an event says otherwise, shipped with a secret of their own."""

from __future__ import annotations

import stat
from dataclasses import replace

import msgspec
import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from config.recollection import LONGEST, UNVOUCHED
from config.settings import Settings
from events.lease import Lease
from idp import demo
from idp.clients.cache import ClientCache
from idp.clients.client import Client, hash_secret
from idp.storage import clients, resource_servers
from tests.clock import FakeClock
from tests.idp.conftest import OpenDatabase

CLIENT = Client(
    client_id="app",
    name={"ko": "앱", "en": "app"},
    auth_method="client_secret_basic",
    secret_hash=hash_secret("secret"),
    redirect_uris=("https://app.example/callback",),
    post_logout_redirect_uris=(),
    grant_types=("authorization_code",),
    scopes=("openid",),
)


async def test_a_client_is_kept_as_it_is(database: OpenDatabase, clock: FakeClock) -> None:
    async with database("idp").begin() as tx:
        assert await clients.find(tx, "app") is None
        assert await clients.put(tx, CLIENT, clock.now())
        assert await clients.find(tx, "app") == CLIENT
        assert not await clients.put(tx, CLIENT, clock.now())
        changed = replace(CLIENT, auth_method="none", secret_hash=None)
        assert await clients.put(tx, changed, clock.now())
        assert await clients.find(tx, "app") == changed


async def test_a_confidential_client_has_a_secret_and_a_public_one_none(
    database: OpenDatabase, clock: FakeClock
) -> None:
    for wrong in (replace(CLIENT, secret_hash=None), replace(CLIENT, auth_method="none")):
        with pytest.raises(IntegrityError):
            async with database("idp").begin() as tx:
                await clients.put(tx, wrong, clock.now())


def test_secrets_are_compared() -> None:
    assert CLIENT.has_secret("secret")
    assert not CLIENT.has_secret("Secret")
    assert not replace(CLIENT, secret_hash=None).has_secret("secret")


async def test_the_cache_believes_until_an_event_or_its_time(database: OpenDatabase, clock: FakeClock) -> None:
    idp = database("idp")
    lease = Lease(1.0)
    lease.renew(0.0, wall=0.0, monotonic=clock.monotonic() + 3600)
    cache = ClientCache(clients, idp, clock, lease)
    assert await cache.find("app") is None
    async with idp.begin() as tx:
        await clients.put(tx, CLIENT, clock.now())
    assert await cache.find("app") == CLIENT  # that there was none is not remembered
    changed = replace(CLIENT, scopes=("openid", "email"))
    async with idp.begin() as tx:
        await clients.put(tx, changed, clock.now())
    assert await cache.find("app") == CLIENT
    cache.on_event("client", {"client_id": "another"})
    assert await cache.find("app") == CLIENT
    cache.on_event("client", {"client_id": "app"})
    assert await cache.find("app") == changed
    async with idp.begin() as tx:
        await clients.put(tx, CLIENT, clock.now())
    clock.advance(LONGEST)
    assert await cache.find("app") == CLIENT
    async with idp.begin() as tx:
        await clients.put(tx, changed, clock.now())
    cache.on_reset()
    assert await cache.find("app") == changed
    async with idp.begin() as tx:
        await clients.put(tx, CLIENT, clock.now())
    assert await cache.find("app") == changed
    lease.drop(clock.monotonic())
    clock.advance(UNVOUCHED)
    assert await cache.find("app") == CLIENT, "nobody vouches that a change would have been told"


async def test_the_shipped_clients_load_twice(settings: Settings, database: OpenDatabase) -> None:
    await demo.load(settings)
    secret = demo.client_secret(settings, "demo-app")
    await demo.load(settings)
    assert demo.client_secret(settings, "demo-app") == secret
    file = settings.secrets / "demo-app-client.secret"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    async with database("idp").connect() as tx:
        for client_id, name in (("munjigi-gateway", "gateway"), ("demo-app", "demo-app")):
            client = await clients.find(tx, client_id)
            assert client is not None
            assert client.has_secret(demo.client_secret(settings, name))
    async with database("owner").connect() as tx:
        rows = await tx.execute(text("SELECT payload FROM events.outbox WHERE topic = 'client' ORDER BY id"))
        assert [row.payload["client_id"] for row in rows] == ["munjigi-gateway", "demo-app"]


async def test_the_shipped_apis_are_described_once_wherever_the_gateway_is(
    settings: Settings, database: OpenDatabase
) -> None:
    async def described() -> dict[str, list[str]]:
        async with database("idp").connect() as tx:
            found = await resource_servers.described(tx)
        return {one.identifier: [scope.name for scope in one.scopes] for one in found}

    names = ["orders.read", "orders.write"]
    for _ in range(2):
        await demo.load(settings)
        assert await described() == {"http://shop.localhost:8080": names}
    moved = settings.gateway.model_copy(update={"listen": "127.0.0.1:8081"})
    await demo.load(settings.model_copy(update={"gateway": moved}))
    assert await described() == {"http://shop.localhost:8081": names}


async def test_a_client_is_not_shipped_with_an_address_that_may_not_be(
    settings: Settings, database: OpenDatabase, clock: FakeClock
) -> None:
    shipped = msgspec.convert(
        {
            "client_id": "app",
            "name": {"ko": "앱", "en": "app"},
            "auth_method": "client_secret_basic",
            "secret": "app",
            "redirect_uris": ["http://app.example/"],
            "post_logout_redirect_uris": [],
            "grant_types": [],
            "scopes": [],
        },
        demo.ShippedClient,
    )
    with pytest.raises(ValueError, match=r"http://app.example/"):
        async with database("idp").begin() as tx:
            await demo.register(tx, settings, shipped, clock.now())
