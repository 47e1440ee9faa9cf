"""Clients that registered themselves and that nobody uses are swept, each with its record; all others stay."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import text

from config.connections import Valkey
from config.settings import Settings
from idp.clients.client import Client
from idp.clients.register import hash_token
from idp.clients.registration import STRANGER, read_registration
from idp.sessions.one_session import Began
from idp.storage import client_register, session_clients
from idp.sweeper import FORGET_EVERY, build_sweeper
from tests.clock import FakeClock
from tests.idp.conftest import OpenDatabase
from tests.idp.people import beginning
from tests.idp.provider import CALLBACK, App, Provider

KEPT = timedelta(days=90)


async def add(provider: Provider, clock: FakeClock, client_id: str, *, by_itself: bool = True) -> Client:
    asked: Mapping[str, object] = {"redirect_uris": [CALLBACK], "token_endpoint_auth_method": "none"}
    client = read_registration(asked, STRANGER, client_id=client_id)
    async with provider.parts.database.begin() as tx:
        assert await client_register.add(tx, client, hash_token(client_id) if by_itself else None, clock.now())
    return client


async def test_what_nobody_uses_goes_and_is_on_record(
    settings: Settings, provider: Provider, database: OpenDatabase, valkey: Valkey, clock: FakeClock
) -> None:
    names = ("unused", "used", "changed", "asked")
    clients = {name: await add(provider, clock, name) for name in names}
    await add(provider, clock, "vouched", by_itself=False)
    owner, sweeper = database("owner"), build_sweeper(settings, database("worker"), valkey, clock)

    async def rows(statement: str) -> list[Any]:
        async with owner.connect() as tx:
            return list(await tx.execute(text(statement)))

    async def left() -> set[str]:
        await sweeper.step()
        return {row.client_id for row in await rows("SELECT client_id FROM idp.client")}

    assert {*names, "vouched"} <= await left()
    clock.advance(KEPT.total_seconds())  # to the moment: not longer ago than that
    user = await provider.person()
    async with provider.parts.database.begin() as tx:
        began = await provider.parts.one_session.begin(tx, beginning(user, clock))
        assert isinstance(began, Began)
        await session_clients.joined(tx, began.session.sid, "used", clock.now())
        await client_register.change(tx, clients["changed"], hash_token("changed"), clock.now())
    assert {*names, "vouched"} <= await left()

    clock.advance(FORGET_EVERY.total_seconds())
    await provider.browser().get(App("asked", None).request())
    assert await left() & {*names, "vouched"} == {"used", "changed", "asked", "vouched"}
    [record] = await rows("SELECT * FROM audit.record WHERE kind = 'client_removed'")
    assert (record.subject, record.actor) == ("unused", "sweeper")
    assert record.details == {"why": "not used for 90 days"}
    [event] = await rows("SELECT payload FROM events.outbox WHERE topic = 'client' AND key = 'unused'")
    assert event.payload == {"client_id": "unused"}

    clock.advance(KEPT.total_seconds() + settings.session.absolute_lifetime + 1)
    assert await left() & {*names, "vouched"} == {"vouched"}
