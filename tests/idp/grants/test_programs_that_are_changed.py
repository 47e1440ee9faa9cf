"""A program that is switched off, removed, or given another secret: the tokens that it has die with it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from config.entropy import SystemEntropy
from idp.every_client import EveryClient
from idp.registrars import registrar
from idp.storage import machine_sessions
from tests.idp.grants.programs import program
from tests.idp.provider import App, Provider

Act = Callable[[EveryClient, str], Awaitable[object]]


def every(provider: Provider) -> EveryClient:
    parts = provider.parts
    acts = registrar(parts.settings, parts.clock, SystemEntropy())
    return EveryClient(parts.database, parts.valkey, acts, parts.clock, frozenset())


async def lives(provider: Provider, app: App) -> bool:
    async with provider.parts.database.connect() as tx:
        return await machine_sessions.live_of(tx, app.client_id) is not None


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
