"""A program that is switched off, removed, or given another secret: the tokens that it has die with it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from config.entropy import SystemEntropy
from config.replays import Replays
from idp.clients.client import Client
from idp.clients.metadata import ClientMetadata
from idp.every_client import EveryClient
from idp.registrars import registrar
from idp.storage import client_register, clients, machine_sessions
from tests.clock import FakeClock
from tests.idp.grants.programs import change, program
from tests.idp.keys import Key
from tests.idp.provider import App, Provider

Act = Callable[[EveryClient, str], Awaitable[object]]


def every(provider: Provider) -> EveryClient:
    parts = provider.parts
    acts = registrar(parts.settings, parts.clock, SystemEntropy())
    return EveryClient(parts.database, parts.valkey, acts, parts.clock, frozenset())


async def lives(provider: Provider, app: App) -> bool:
    async with provider.parts.database.connect() as tx:
        return await machine_sessions.lock_live(tx, app.client_id) is not None


@pytest.mark.parametrize(
    "act",
    [
        lambda acts, client_id: acts.switch(client_id, "a test", enabled=False),
        lambda acts, client_id: acts.new_secret(client_id, "a test"),
        lambda acts, client_id: acts.remove(client_id, "a test"),
    ],
    ids=["switched off", "another secret", "removed"],
)
async def test_its_session_ends(provider: Provider, act: Act) -> None:
    app = await program(provider)
    given = await provider.token(app, grant_type="client_credentials")
    assert given.status_code == 200
    assert await lives(provider, app)
    await act(every(provider), app.client_id)
    assert not await lives(provider, app)


async def test_another_name_ends_nothing(provider: Provider) -> None:
    app = await program(provider)
    assert (await provider.token(app, grant_type="client_credentials")).status_code == 200
    acts = every(provider)
    await acts.switch(app.client_id, "a test", enabled=True)
    assert await lives(provider, app)


async def known_now(provider: Provider, app: App) -> Client:
    async with provider.parts.database.connect() as tx:
        client = await clients.find(tx, app.client_id)
    assert client is not None
    return client


@pytest.mark.parametrize("begun", [False, True], ids=["not begun anew", "begun anew"])
async def test_a_node_that_has_not_heard_of_it_gives_the_old_secret_nothing(provider: Provider, *, begun: bool) -> None:
    app = await program(provider)
    assert (await provider.token(app, grant_type="client_credentials")).status_code == 200
    await every(provider).new_secret(app.client_id, "a test")
    if begun:
        now = await known_now(provider, app)
        async with provider.parts.database.begin() as tx:
            assert await provider.parts.machines.join(tx, now.client_id, now.proof) is not None
    assert (await provider.token(app, grant_type="client_credentials")).status_code == 401


async def test_nor_does_it_give_old_keys_anything(provider: Provider, clock: FakeClock) -> None:
    app, old, new = await program(provider), Key(), Key()
    keyed: dict[str, Any] = {"auth_method": "private_key_jwt", "secret_hash": None}
    await change(provider, app, **keyed, metadata=ClientMetadata(jwks={"keys": [old.registered]}))
    await Replays(provider.parts.valkey, "assertion").begin(provider.parts.clock.timestamp() - 60)
    clock.advance(42)

    async def asked(key: Key) -> int:
        proof = key.assertion(app.client_id, provider.parts.issuer, provider.parts.clock.timestamp())
        return (await provider.post("/token", {"grant_type": "client_credentials", **proof})).status_code

    assert await asked(old) == 200
    async with provider.parts.database.begin() as tx:  # this node has not heard of it yet
        client = await clients.find(tx, app.client_id)
        assert client is not None
        changed = replace(client, metadata=ClientMetadata(jwks={"keys": [new.registered]}))
        await clients.put(tx, changed, provider.parts.clock.now())
    assert await asked(old) == 401


async def test_another_name_in_its_certificate_ends_it(provider: Provider) -> None:
    app = await program(provider)
    assert (await provider.token(app, grant_type="client_credentials")).status_code == 200
    by_name: dict[str, Any] = {"auth_method": "tls_client_auth", "secret_hash": None}
    client = await change(provider, app, **by_name, metadata=ClientMetadata(tls_client_auth_san_dns="old.example"))
    parts = provider.parts
    other = replace(client, metadata=ClientMetadata(tls_client_auth_san_dns="new.example"))
    acts = registrar(parts.settings, parts.clock, SystemEntropy())
    async with parts.database.begin() as tx:
        claimed = await client_register.find(tx, app.client_id, claim=True)
        assert claimed is not None
        await acts.change(tx, claimed, other, parts.clock.now())
    assert not await lives(provider, app)
