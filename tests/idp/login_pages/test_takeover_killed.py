"""`kill -9` of the identity provider at each step of a takeover: exactly one session lives, and nothing is half done.

The process is held at a known statement by PostgreSQL itself: a trigger that waits for an advisory lock which the test
holds. No line of the product knows of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
import pytest
from sqlalchemy import text

from config.connections import Database
from config.settings import Settings
from idp.storage import sessions
from tests.clock import FakeClock
from tests.idp.browser import Browser
from tests.idp.conftest import OpenDatabase
from tests.idp.letters import mailed_code
from tests.idp.login_pages.test_sign_in import app, hidden, open_sign_in, person, submit
from tests.idp.node import Node, nodes
from tests.idp.provider import CALLBACK, App, Provider
from tests.idp.sessions.test_one_session import assert_one_session_per_user

__all__ = ["app"]

pytestmark = pytest.mark.proof

LOCK = 4242
FAULT_POINTS = {
    "the choice": "BEFORE UPDATE ON idp.login FOR EACH ROW WHEN (NEW.takes_over)",
    "before the end": "BEFORE UPDATE ON idp.session FOR EACH ROW WHEN (NEW.ended_at IS NOT NULL)",
    "between the end and the beginning": "BEFORE INSERT ON idp.session FOR EACH ROW",
    "before the code": "BEFORE INSERT ON idp.authorization_code FOR EACH ROW",
    "at the commit": "AFTER INSERT ON idp.session DEFERRABLE INITIALLY DEFERRED FOR EACH ROW",
}
"""Where the process is held, as triggers; at the last one it is within COMMIT."""


@pytest.fixture
def clock() -> object:
    """The nodes go by the real one."""
    from config.clock import SystemClock

    return SystemClock()


@asynccontextmanager
async def held_at(owner: Database, trigger: str) -> AsyncIterator[None]:
    """Whoever comes to this statement waits for as long as the context lasts."""
    constraint = "CONSTRAINT" if "DEFERRABLE" in trigger else ""
    async with owner.begin() as tx:
        await tx.execute(
            text(
                "CREATE FUNCTION idp.held() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS "
                f"$$ BEGIN PERFORM pg_advisory_xact_lock({LOCK}); RETURN NEW; END $$"
            )
        )
        await tx.execute(text(f"CREATE {constraint} TRIGGER held {trigger} EXECUTE FUNCTION idp.held()"))
    table = trigger.split(" ON ")[1].split()[0]
    async with owner.connect() as holding:
        await holding.execute(text(f"SELECT pg_advisory_lock({LOCK})"))
        try:
            yield
        finally:
            await holding.execute(text(f"SELECT pg_advisory_unlock({LOCK})"))
    async with owner.begin() as tx:
        await tx.execute(text(f"DROP TRIGGER held ON {table}"))
        await tx.execute(text("DROP FUNCTION idp.held()"))


async def _until(owner: Database, question: str) -> None:
    async with asyncio.timeout(30):
        while True:
            async with owner.connect() as tx:
                if (await tx.execute(text(question))).scalar_one():
                    return
            await asyncio.sleep(0.01)


HELD = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory')"
NOBODY_LEFT = (
    "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() "
    "AND usename = 'munjigi_idp' AND application_name = 'munjigi-idp' AND state <> 'idle')"
)


async def _at_takeover(provider: Provider, browser: Browser, app: App) -> httpx2.Response:
    page = await submit(browser, await open_sign_in(browser, app))
    if "@mail.example" in page.text:
        form = {"hop": hidden(page), "code": await mailed_code(provider.parts.settings)}
        page = await browser.follow(await browser.post("/factor", form))
    assert "You are signed in somewhere else" in page.text
    return page


async def _take_over(browser: Browser, page: httpx2.Response) -> None:
    form = {"hop": hidden(page), "session": hidden(page, "session"), "choice": "take_over"}
    await browser.follow(await browser.post("/takeover", form))


async def _killed(node: Node, taking: asyncio.Task[None]) -> None:
    node.kill()
    with pytest.raises(httpx2.TransportError):
        await taking


async def _afterwards(provider: Provider, node: Node, app: App, database: OpenDatabase, user: object) -> None:
    """The history is sound, and the person gets on: a node that starts anew lets them take over what lives."""
    before = await assert_one_session_per_user(database, user)  # type: ignore[arg-type] # the person's id
    node.start()
    browser = node.browser()
    try:
        page = await _at_takeover(provider, browser, app)
        await _take_over(browser, page)
        assert browser.address.startswith(CALLBACK)
        assert "code" in browser.query()
    finally:
        await browser.close()
    assert await assert_one_session_per_user(database, user) == before + 1  # type: ignore[arg-type] # the person's id


@pytest.mark.parametrize("point", FAULT_POINTS)
async def test_killed_within_the_transaction(
    settings: Settings, provider: Provider, app: App, database: OpenDatabase, point: str, clock: FakeClock
) -> None:
    user, owner = await person(provider), database("owner")
    with nodes(settings, 1) as (node,):
        first, second = node.browser(), node.browser()
        await submit(first, await open_sign_in(first, app))
        assert first.address.startswith(CALLBACK)
        async with owner.connect() as tx:
            old = await sessions.live_of(tx, user, clock.now())
        assert old is not None
        page = await _at_takeover(provider, second, app)
        async with held_at(owner, FAULT_POINTS[point]):
            taking = asyncio.create_task(_take_over(second, page))
            await _until(owner, HELD)
            async with owner.connect() as tx:
                assert await sessions.live_of(tx, user, clock.now()) == old  # nobody sees what is not committed
            await _killed(node, taking)
        await _until(owner, NOBODY_LEFT)
        async with owner.connect() as tx:
            live = await sessions.live_of(tx, user, clock.now())
        assert live is not None
        if point == "at the commit":  # PostgreSQL had been told to commit: it did, although nobody heard of it
            assert live.sid != old.sid
        else:
            assert live == old
        for browser in (first, second):
            await browser.close()
        await _afterwards(provider, node, app, database, user)


async def test_killed_after_the_commit_and_before_the_answer(
    settings: Settings, provider: Provider, app: App, database: OpenDatabase, clock: FakeClock
) -> None:
    user, owner = await person(provider), database("owner")
    with nodes(settings, 1) as (node,):
        first, second = node.browser(), node.browser()
        await submit(first, await open_sign_in(first, app))
        async with owner.connect() as tx:
            old = await sessions.live_of(tx, user, clock.now())
        assert old is not None
        page = await _at_takeover(provider, second, app)
        async with held_at(owner, FAULT_POINTS["at the commit"]):
            taking = asyncio.create_task(_take_over(second, page))
            await _until(owner, HELD)
            node.freeze()  # PostgreSQL was told to commit, and does; nobody is there to hear of it
        await _until(owner, f"SELECT ended_at IS NOT NULL FROM idp.session WHERE sid = '{old.sid}'")
        assert not taking.done()
        await _killed(node, taking)
        assert "__Host-munjigi-session" not in second.cookies
        for browser in (first, second):
            await browser.close()
        await _afterwards(provider, node, app, database, user)
