"""The workers of sessions on real engines: activity reaches the idle clock, what expired ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import text

from config import key_space
from config.connections import Database, Transaction, Valkey
from config.entropy import SystemEntropy
from config.sections.engines import Role
from config.settings import Settings
from idp.clients.client import Client
from idp.sessions.activity import ASK_AGAIN, HeldActivity
from idp.sessions.delivery import KEPT, Delivery, Recipient
from idp.sessions.not_me import LIFETIME, NotMe
from idp.sessions.one_session import Began
from idp.sessions.session import ON_ITS_WAY, Session
from idp.sessions.workers import GROUP, ActivityWorker, serve_activity
from idp.storage import clients, deliveries, not_me_links
from idp.storage import sessions as storage
from idp.sweeper import build_sweeper
from idp.sweeper import serve as serve_sweeper
from tests.clock import FakeClock
from tests.idp.people import TIMES, add_person, beginning, one_session

OpenDatabase = Callable[[Role], Database]


async def begin(idp: Database, clock: FakeClock, name: str = "mina") -> Session:
    async with idp.begin() as tx:
        user = (await add_person(tx, name)).id
        outcome = await one_session(clock).begin(tx, beginning(user, clock))
    assert isinstance(outcome, Began)
    return outcome.session


async def tell(valkey: Valkey, sid: str, at: datetime) -> None:
    """What a gateway writes."""
    await valkey.xadd(key_space.ACTIVITY_STREAM, {"sid": sid, "at": str(int(at.timestamp() * 1000))})


async def now_is(idp: Database, sid: str) -> Session:
    async with idp.connect() as tx:
        found = await storage.find(tx, sid)
    assert found is not None
    return found


async def unfinished(valkey: Valkey) -> int:
    return int((await valkey.xpending(key_space.ACTIVITY_STREAM, GROUP))["pending"])


@pytest.fixture
async def worker(database: OpenDatabase, valkey: Valkey, clock: FakeClock) -> ActivityWorker:
    made = ActivityWorker(database("worker"), valkey, one_session(clock), clock)
    await made.open()
    return made


async def test_activity_moves_the_idle_limit_to_the_moment_it_happened(
    database: OpenDatabase, valkey: Valkey, clock: FakeClock, worker: ActivityWorker
) -> None:
    idp = database("idp")
    session = await begin(idp, clock)
    clock.advance(300)
    happened = clock.now() - timedelta(seconds=2)
    await tell(valkey, session.sid, happened - timedelta(seconds=60))
    await tell(valkey, session.sid, happened)
    await worker.step(block=1)
    after = await now_is(idp, session.sid)
    assert after.idle_expires_at == happened + TIMES.idle_timeout
    assert after.version == 2
    assert await unfinished(valkey) == 0
    assert await valkey.xlen(key_space.ACTIVITY_STREAM) == 0
    async with database("owner").connect() as tx:
        told = (await tx.execute(text("SELECT payload FROM events.outbox ORDER BY id DESC LIMIT 1"))).scalar_one()
    assert (told["version"], told["idle_expires_at"]) == (2, after.idle_expires_at.timestamp())


async def test_a_small_step_is_held_and_written_in_time(
    database: OpenDatabase, valkey: Valkey, clock: FakeClock, worker: ActivityWorker
) -> None:
    idp = database("idp")
    session = await begin(idp, clock)
    clock.advance(5)
    happened = clock.now()
    await tell(valkey, session.sid, happened)
    await worker.step(block=1)
    assert (await now_is(idp, session.sid)).version == 1
    assert await unfinished(valkey) == 1
    clock.advance(20)
    await worker.step(block=1)
    assert (await now_is(idp, session.sid)).idle_expires_at == happened + TIMES.idle_timeout
    assert await unfinished(valkey) == 0


async def test_what_a_worker_that_died_held_is_written_by_the_next(
    database: OpenDatabase, valkey: Valkey, clock: FakeClock, worker: ActivityWorker
) -> None:
    idp = database("idp")
    session = await begin(idp, clock)
    clock.advance(5)
    happened = clock.now()
    await tell(valkey, session.sid, happened)
    await worker.step(block=1)
    assert await unfinished(valkey) == 1
    clock.advance(60)
    following = ActivityWorker(database("worker"), valkey, one_session(clock), clock)
    await following.open()
    await following.step(block=1)
    assert (await now_is(idp, session.sid)).version == 1
    clock.advance(20)
    await following.step(block=1)
    assert (await now_is(idp, session.sid)).idle_expires_at == happened + TIMES.idle_timeout
    assert await unfinished(valkey) == 0


async def test_near_the_end_every_step_is_written(
    database: OpenDatabase, valkey: Valkey, clock: FakeClock, worker: ActivityWorker
) -> None:
    idp = database("idp")
    session = await begin(idp, clock)
    clock.advance(TIMES.idle_timeout.total_seconds() - 180)
    early = session.created_at + timedelta(seconds=1)
    await tell(valkey, session.sid, early)
    await worker.step(block=1)
    assert (await now_is(idp, session.sid)).idle_expires_at == early + TIMES.idle_timeout


async def test_an_act_just_before_the_limit_is_not_lost(
    settings: Settings, database: OpenDatabase, valkey: Valkey, clock: FakeClock, worker: ActivityWorker
) -> None:
    """A gateway answered that it counts; the news of it comes a moment after the limit, and after a sweep."""
    idp = database("idp")
    session, idle = await begin(idp, clock), await begin(idp, clock, "jun")
    sweeper = build_sweeper(settings, database("worker"), valkey, clock)
    clock.advance(TIMES.idle_timeout.total_seconds() - 0.2)
    acted = clock.now()
    await tell(valkey, session.sid, acted)
    clock.advance(0.25)
    assert await sweeper.step() == 0
    await worker.step(block=1)
    after = await now_is(idp, session.sid)
    assert after.ended_at is None
    assert after.idle_expires_at == acted + TIMES.idle_timeout
    clock.advance(ON_ITS_WAY.total_seconds() - 0.05)  # and whoever did nothing is over
    assert await sweeper.step() == 1
    assert (await now_is(idp, idle.sid)).ended_at == idle.idle_expires_at


async def test_activity_of_nobody_and_of_the_dead_is_let_go(
    database: OpenDatabase, valkey: Valkey, clock: FakeClock, worker: ActivityWorker
) -> None:
    idp = database("idp")
    session = await begin(idp, clock)
    async with idp.begin() as tx:
        await one_session(clock).end(tx, session.sid, "sign_out", correlation_id="test")
    ended = await now_is(idp, session.sid)
    clock.advance(60)
    await tell(valkey, session.sid, clock.now())
    await tell(valkey, "x" * 22, clock.now())
    await valkey.xadd(key_space.ACTIVITY_STREAM, {"sid": "y" * 22, "at": "yesterday"})
    await valkey.xadd(key_space.ACTIVITY_STREAM, {"who": "knows"})
    await worker.step(block=1)
    assert await now_is(idp, session.sid) == ended
    assert await unfinished(valkey) == 0


async def test_the_sweeper_ends_by_idleness_and_by_the_absolute_limit(
    settings: Settings, database: OpenDatabase, valkey: Valkey, clock: FakeClock
) -> None:
    idp = database("idp")
    idle, busy = await begin(idp, clock), await begin(idp, clock, "jun")
    sweeper = build_sweeper(settings, database("worker"), valkey, clock)
    while clock.now() < busy.absolute_expires_at - timedelta(minutes=20):
        clock.advance(20 * 60)
        async with database("worker").begin() as tx:
            await one_session(clock).touch(tx, busy.sid, clock.now())
    assert await sweeper.step() == 1
    clock.advance(20 * 60)
    assert await sweeper.step() == 1
    ends = [await now_is(idp, one.sid) for one in (idle, busy)]
    assert [one.end_reason for one in ends] == ["idle", "absolute"]
    assert [one.ended_at for one in ends] == [idle.idle_expires_at, busy.absolute_expires_at]


async def test_the_sweeper_forgets_what_is_over(
    settings: Settings, database: OpenDatabase, valkey: Valkey, clock: FakeClock
) -> None:
    """Deliveries after a week, links of "this wasn't me" when their time is over: not a moment earlier."""
    session = await begin(database("idp"), clock)
    not_me = NotMe(not_me_links, SystemEntropy(), settings.idp.issuer)
    async with database("idp").begin() as tx:
        await not_me.link(tx, session.user_id, session.sid, clock.now())
        recipient = Recipient(await _client(tx, clock), None)
        told = Delivery(id=uuid4(), recipient=recipient, facts={}, happened_at=clock.now())
        await deliveries.add(tx, [told])
    sweeper = build_sweeper(settings, database("worker"), valkey, clock)

    async def left() -> tuple[int, int]:
        async with database("owner").connect() as tx:
            links = (await tx.execute(text("SELECT count(*) FROM idp.not_me_link"))).scalar_one()
            return links, (await tx.execute(text("SELECT count(*) FROM idp.delivery"))).scalar_one()

    assert LIFETIME == KEPT
    clock.advance(KEPT.total_seconds())
    await sweeper.step()
    assert await left() == (1, 1)
    clock.advance(60)
    await sweeper.step()
    assert await left() == (0, 0)


async def _client(tx: Transaction, clock: FakeClock) -> str:
    app = Client(
        client_id="app",
        name={"en": "the app"},
        auth_method="none",
        secret_hash=None,
        redirect_uris=("https://app.example/callback",),
        post_logout_redirect_uris=(),
        grant_types=(),
        scopes=(),
    )
    await clients.put(tx, app, clock.now())
    return app.client_id


async def test_the_workers_serve_and_stop(settings: Settings) -> None:
    for serve in (serve_activity, serve_sweeper):
        ready, stop = asyncio.Event(), asyncio.Event()
        serving = asyncio.create_task(serve(settings, ready.set, stop))
        await asyncio.wait_for(ready.wait(), 10)
        stop.set()
        await asyncio.wait_for(serving, 10)


def test_held_activity_is_written_in_the_order_of_locks(clock: FakeClock) -> None:
    held = HeldActivity()
    at = {"at": str(int(clock.timestamp() * 1000))}
    for entry, sid in (("1-0", "b"), ("2-0", "a"), ("3-0", "b")):
        assert held.take(entry, {"sid": sid, **at}, clock.now())
    assert [sid for sid, _ in held.due(clock.now(), 10)] == ["a", "b"]
    held.waits("b", clock.now())
    assert [sid for sid, _ in held.due(clock.now(), 10)] == ["a"]
    assert held.done(["a"]) == ["2-0"]
    clock.advance(ASK_AGAIN.total_seconds())
    assert held.done([sid for sid, _ in held.due(clock.now(), 10)]) == ["1-0", "3-0"]
    assert len(held) == 0
