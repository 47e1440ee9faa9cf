"""An open page of the account hears of requests as they come, are answered and run out, and of nobody else's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import msgspec
import pytest
from sqlalchemy import text
from starlette.types import Message

from idp.endpoints.account.requests_watch import MOST
from idp.sweeper import build_sweeper
from tests.clock import FakeClock
from tests.idp.account.conftest import Arrive, Resident
from tests.idp.conftest import OpenDatabase
from tests.idp.grants.backchannel import answer, begin, till_of
from tests.idp.provider import App, Provider

Tell = Callable[[], Awaitable[None]]
SOON = 5.0


@pytest.fixture
async def till(provider: Provider) -> App:
    return await till_of(provider)


@pytest.fixture
def tell(provider: Provider, database: OpenDatabase) -> Tell:
    """What the relay does: take what waits in the outbox to every process."""

    async def tell() -> None:
        query = text("DELETE FROM events.outbox WHERE topic IN ('request', 'session') RETURNING id, topic, payload")
        async with database("owner").begin() as tx:
            rows = sorted((await tx.execute(query)).all())
        for row in rows:
            provider.parts.requests_watch.on_event(row.topic, row.payload)

    return tell


class Stream:
    """What a page hears."""

    def __init__(self) -> None:
        self.status = 0
        self.events: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()
        self.over = asyncio.Event()

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            return
        for block in message.get("body", b"").decode().split("\n\n"):
            lines = dict(line.split(": ", 1) for line in block.splitlines() if line.startswith(("event: ", "data: ")))
            if "event" in lines:
                self.events.put_nowait((lines["event"], msgspec.json.decode(lines["data"])))
        if not message.get("more_body"):
            self.over.set()

    async def heard(self) -> tuple[str, Any]:
        return await asyncio.wait_for(self.events.get(), SOON)

    async def waiting(self) -> int:
        """How many requests it is told of."""
        name, told = await self.heard()
        assert name == "requests"
        return len(told["waiting"])


@asynccontextmanager
async def listening(person: Resident) -> AsyncIterator[Stream]:
    """A page of theirs that listens."""
    stream, leaves = Stream(), asyncio.Event()

    async def receive() -> Message:
        await leaves.wait()
        return {"type": "http.disconnect"}

    cookie = "; ".join(f"{name}={value}" for name, value in person.browser.cookies.items())
    path = "/account/requests/events"
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(b"host", b"localhost:9000"), (b"cookie", cookie.encode())],
        "client": ("127.0.0.1", 50000),
        "server": ("localhost", 9000),
    }
    serving = asyncio.create_task(person.provider.app(scope, receive, stream.send))
    try:
        yield stream
    finally:
        leaves.set()
        await asyncio.wait_for(serving, SOON)


async def test_an_open_page_is_told_of_what_comes_and_of_what_is_answered(
    provider: Provider, till: App, arrive: Arrive, tell: Tell
) -> None:
    mina, other = await arrive(), await arrive("jun", address="203.0.113.8")
    async with listening(mina) as page, listening(other) as others:
        assert await page.waiting() == await others.waiting() == 0
        begun = await begin(provider, till)
        assert begun["auth_req_id"]
        await tell()
        assert await page.waiting() == 1
        await begin(provider, till, login_hint="nobody at all")
        await answer(mina)
        await tell()
        assert await page.waiting() == 0
        assert others.events.empty(), "nobody hears of somebody else's"


async def test_what_waits_already_is_told_at_once_and_what_runs_out_in_time(
    provider: Provider, till: App, arrive: Arrive, tell: Tell, database: OpenDatabase, clock: FakeClock
) -> None:
    mina = await arrive()
    await begin(provider, till, requested_expiry="60")
    await tell()
    async with listening(mina) as page:
        assert await page.waiting() == 1
        clock.advance(60)
        await build_sweeper(provider.parts.settings, database("worker"), provider.parts.valkey, clock).step()
        await tell()
        assert await page.waiting() == 0


async def test_the_stream_ends_with_the_session(
    provider: Provider, till: App, arrive: Arrive, tell: Tell, database: OpenDatabase
) -> None:
    mina = await arrive()
    async with listening(mina) as page:
        assert await page.waiting() == 0
        session = await mina.session()
        assert session is not None
        async with provider.parts.database.begin() as tx:
            await provider.parts.one_session.end(tx, session.sid, "administrator", correlation_id="test")
        await tell()
        assert await page.heard() == ("ended", {})
        await asyncio.wait_for(page.over.wait(), SOON)
    async with listening(mina) as page:
        await asyncio.wait_for(page.over.wait(), SOON)
    assert page.status == 401


async def test_listening_is_no_activity(provider: Provider, arrive: Arrive, clock: FakeClock) -> None:
    mina = await arrive()
    before = await mina.session()
    clock.advance(100)
    async with listening(mina) as page:
        assert await page.waiting() == 0
    after = await mina.session()
    assert before is not None
    assert after is not None
    assert after.idle_expires_at == before.idle_expires_at


async def test_few_pages_of_one_person_listen_and_all_are_let_go(provider: Provider, arrive: Arrive) -> None:
    mina = await arrive()
    async with AsyncExitStack() as stack:
        pages = [await stack.enter_async_context(listening(mina)) for _ in range(MOST)]
        for page in pages:
            assert await page.waiting() == 0
        async with listening(mina) as more:
            await asyncio.wait_for(more.over.wait(), SOON)
        assert more.status == 204, "which tells an EventSource not to come back"
        provider.parts.requests_watch.close()
        for page in pages:
            await asyncio.wait_for(page.over.wait(), SOON)


async def test_whoever_missed_something_looks_again(provider: Provider, till: App, arrive: Arrive) -> None:
    mina = await arrive()
    async with listening(mina) as page:
        assert await page.waiting() == 0
        await begin(provider, till)
        provider.parts.requests_watch.on_reset()
        assert await page.waiting() == 1
