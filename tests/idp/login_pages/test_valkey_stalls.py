"""A live store that neither answers nor breaks off holds nothing that PostgreSQL has committed, and no login's row."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import text

from config.connections import Valkey
from idp.storage import sessions
from tests.clock import FakeClock
from tests.idp.conftest import OpenDatabase
from tests.idp.letters import letters
from tests.idp.login_pages.test_sign_in import PASSWORD, app, hidden, open_sign_in, person, sign_in
from tests.idp.login_pages.test_takeover import at_takeover
from tests.idp.provider import CALLBACK, App, Provider

__all__ = ["app"]

PATIENCE = 4
"""Seconds: a client of the store gives up after five."""
FOREVER = 60_000
"""Milliseconds: longer than any test waits."""


@asynccontextmanager
async def stalled(valkey: Valkey) -> AsyncIterator[None]:
    """Whoever writes to the store, or runs a script in it, waits."""
    await valkey.execute_command("CLIENT", "PAUSE", FOREVER, "WRITE")
    try:
        yield
    finally:
        await valkey.execute_command("CLIENT", "UNPAUSE")


async def somebody_waits(valkey: Valkey) -> None:
    """Return once somebody has asked the store in vain."""
    async with asyncio.timeout(20):
        while True:
            if (await valkey.info("clients"))["blocked_clients"]:
                return
            await asyncio.sleep(0.01)


async def test_a_committed_takeover_is_answered(provider: Provider, app: App, clock: FakeClock, valkey: Valkey) -> None:
    user = await person(provider)
    await sign_in(provider, app)
    second = provider.browser("10.0.0.2")
    page = await at_takeover(provider, second, app)
    form = {"hop": hidden(page), "session": hidden(page, "session"), "choice": "take_over"}
    async with stalled(valkey), asyncio.timeout(PATIENCE):
        await second.follow(await second.post("/takeover", form))
    assert second.address.startswith(CALLBACK)
    assert second.query()["code"]
    async with provider.parts.database.connect() as tx:
        live = await sessions.live_of(tx, user, clock.now())
    assert live is not None
    assert live.sid != hidden(page, "session")


async def test_a_code_that_cannot_be_counted_holds_no_login(
    provider: Provider, app: App, valkey: Valkey, database: OpenDatabase
) -> None:
    await person(provider)
    await sign_in(provider, app)
    second = provider.browser("10.0.0.2")
    page = await open_sign_in(second, app)
    form = {"hop": hidden(page), "failures": "0", "login": "mina", "password": PASSWORD}
    hop = await second.post("/sign-in", form)
    dispatched = await second.get(hop.headers["location"])  # to the page of the factor, which mails the code
    async with stalled(valkey):
        asking = asyncio.create_task(second.follow(dispatched))
        await somebody_waits(valkey)
        async with database("owner").begin() as tx:
            held = await tx.execute(text("SELECT id FROM idp.login FOR UPDATE NOWAIT"))
            assert len(held.all()) == 1
        assert not asking.done()
    shown = await asking
    assert shown.status_code == 200
    assert "@mail.example" in shown.text
    mailed = [letter for letter in await letters(provider.parts.settings) if letter.kind == "sign_in_code"]
    assert len(mailed) == 1
