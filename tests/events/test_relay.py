"""The relay: every committed event reaches the stream, whoever dies when, and no zombie ever appends."""

from __future__ import annotations

import asyncio
import json
import time
import uuid

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from config import key_space
from config.clock import SystemClock
from config.connections import open_valkey
from events.outbox import append, poke
from events.projection import SessionState
from events.storage import outbox
from events.storage.stream import EventStream, HeadLost
from events.tenure import Tenure
from tests.events.listening import listening, running_relay, tell, until

FAR = 4_000_000_000.0
WRITERS = ("idp", "gateway", "policy", "commerce", "reservation", "worker", "audit")
TOLD_BY = {
    "idp": {"session", "attempt", "organisation", "client", "request", "key token"},
    "worker": {"session", "attempt", "client", "request"},
    "policy": {"policy", "key policy"},
    "gateway": {"key assertion"},
}


def session_event(version: int, state: str, **members: object) -> dict[str, object]:
    return {
        "sid": "s" * 22, "sub": "minji", "version": version, "state": state, "idle_expires_at": FAR,
        "absolute_expires_at": FAR, "at": time.time(), **members,
    }  # fmt: skip


async def outbox_rows(database):
    async with database("worker").connect() as tx:
        return (await tx.execute(text("SELECT count(*) FROM events.outbox"))).scalar_one()


async def stream_numbers(valkey):
    entries = await valkey.xrange(key_space.EVENT_STREAM)
    return [json.loads(fields["p"])["n"] for _, fields in entries if fields["k"] == "client"]


async def kill_relays_connection(database):
    async with database("worker").connect() as tx:
        await tx.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted"
                " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
            )
        )


def key_event(purpose: str) -> dict[str, object]:
    return {"purpose": purpose, "kid": "k" * 43}


@pytest.mark.parametrize("role", WRITERS)
async def test_each_role_tells_its_own_topics_alone(database, role):
    """Nobody but who keeps sessions can end one by telling so."""
    tellable: dict[str, dict[str, object]] = {
        "session": session_event(9, "ended", reason="administrator"),
        "attempt": {"sid": "s" * 22},
        "organisation": {"organisation_id": "o"},
        "client": {"client_id": "shop"},
        "request": {"request_id": "r", "sub": "s", "state": "pending"},
        "policy": {"version": 1},
        **{f"key {purpose}": key_event(purpose) for purpose in ("token", "assertion", "policy")},
    }
    told, refusals = set(), []
    for name, payload in tellable.items():
        topic = name.partition(" ")[0]
        async with database(role).connect() as tx:
            try:
                await append(tx, topic, "k", payload)
            except DBAPIError as error:
                refusals.append(str(error))
            else:
                told.add(name)
    assert told == TOLD_BY.get(role, set())
    assert all("row-level security" in said or "permission denied" in said for said in refusals)


async def test_only_the_relays_role_takes(database, valkey):
    for role in WRITERS:
        if role != "worker":
            for statement in ("SELECT FROM events.outbox", "DELETE FROM events.outbox"):
                async with database(role).connect() as tx:
                    with pytest.raises(DBAPIError, match="permission denied"):
                        await tx.execute(text(statement))
    async with database("policy").begin() as tx:
        await append(tx, "policy", "*", {"n": 1})
    await tell(database("idp"), valkey, 2)
    async with listening(valkey) as listener, running_relay(database("worker"), valkey):
        await until(lambda: len(listener.events) == 2)
    assert listener.numbers() == [1, 2]


async def test_what_is_rolled_back_is_not_told(database, valkey):
    async with listening(valkey) as listener, running_relay(database("worker"), valkey):
        async with database("idp").connect() as tx:
            await append(tx, "client", "shop", {"n": 1})
            await tx.rollback()
        await tell(database("idp"), valkey, 2)
        await until(lambda: bool(listener.events))
    assert listener.numbers() == [2]


async def test_a_late_commit_is_not_skipped_and_holds_nobody_back(database, valkey):
    async with listening(valkey) as listener, running_relay(database("worker"), valkey):
        async with database("idp").begin() as slow:
            await append(slow, "client", "shop", {"n": 1})
            await tell(database("idp"), valkey, 2)
            await until(lambda: listener.numbers() == [2])
        await until(lambda: listener.numbers() == [2, 1])
    assert await outbox_rows(database) == 0


async def test_a_poke_makes_it_quick_and_a_lost_poke_costs_a_poll(database, valkey):
    async with listening(valkey) as listener, running_relay(database("worker"), valkey):
        async with database("idp").begin() as tx:
            await append(tx, "client", "shop", {"n": 1})
        committed = time.monotonic()
        await until(lambda: bool(listener.events))
        assert time.monotonic() - committed < 1  # 50 ms on a machine that is not busy


async def test_a_poke_never_fails(settings):
    nobody = open_valkey(
        settings.model_copy(update={"valkey": settings.valkey.model_copy(update={"url": "unix:///nowhere"})})
    )
    await poke(nobody)
    await nobody.aclose()


async def test_heartbeats_say_that_every_end_before_is_above(database, valkey):
    """Writers note the database's clock after each commit; no heartbeat may claim a moment past an untold commit."""
    acknowledged: dict[int, float] = {}
    wrong: list[object] = []
    async with listening(valkey) as listener, running_relay(database("worker"), valkey):

        async def write(first: int) -> None:
            for number in range(first, first + 25):
                await tell(database("idp"), valkey, number)
                async with database("idp").connect() as tx:
                    acknowledged[number] = float(
                        (await tx.execute(text("SELECT extract(epoch FROM clock_timestamp())"))).scalar_one()
                    )

        await asyncio.gather(*(write(100 * writer) for writer in range(4)))
        last = max(acknowledged.values())
        await until(lambda: bool(listener.heartbeats) and listener.heartbeats[-1] > last)
    told: set[object] = set()
    for _, fields in await valkey.xrange(key_space.EVENT_STREAM):
        payload = json.loads(fields["p"])
        if fields["k"] == "client":
            told.add(payload["n"])
        else:
            wrong += [n for n, at in acknowledged.items() if at < payload["t"] and n not in told]
    assert wrong == []
    assert len(told) == 100


async def test_the_projection_is_there_before_the_event(database, valkey):
    found: list[SessionState | None] = []
    stream = EventStream(valkey)
    async with listening(valkey) as listener, running_relay(database("worker"), valkey):
        for version, state in ((1, "live"), (2, "ended"), (1, "live")):
            async with database("idp").begin() as tx:
                await append(tx, "session", "s" * 22, session_event(version, state, reason="takeover"))
            await poke(valkey)
            count = len(listener.events)
            await until(lambda count=count: len(listener.events) > count)
            found.append(await stream.projection("s" * 22))
    assert [(state.version, state.state) for state in found if state] == [(1, "live"), (2, "ended"), (2, "ended")]


async def test_a_malformed_session_event_holds_nothing_back(database, valkey):
    async with listening(valkey) as listener, running_relay(database("worker"), valkey):
        async with database("idp").begin() as tx:
            await append(tx, "session", "x", {"n": 1})
            await append(tx, "client", "shop", {"n": 2})
        await until(lambda: listener.numbers() == [1, 2])


async def test_more_than_a_batch_is_carried_in_order(database, valkey):
    numbers = list(range(1203))
    async with database("idp").begin() as tx:
        for number in numbers:
            await append(tx, "client", "shop", {"n": number})
    async with listening(valkey) as listener, running_relay(database("worker"), valkey):
        await until(lambda: len(listener.events) == len(numbers))
    assert listener.numbers() == numbers


async def test_of_two_relays_one_works_and_the_other_takes_over(database, valkey):
    worker = database("worker")
    async with listening(valkey) as listener, running_relay(worker, valkey):
        async with running_relay(worker, valkey), running_relay(worker, valkey):
            await tell(database("idp"), valkey, 1)
            await until(lambda: listener.numbers() == [1])
            resets = listener.resets
            await kill_relays_connection(database)
            await tell(database("idp"), valkey, 2)
            await until(lambda: listener.numbers() == [1, 2])
            assert listener.resets == resets + 1
        await tell(database("idp"), valkey, 3)
        await until(lambda: listener.numbers() == [1, 2, 3])
    assert await stream_numbers(valkey) == [1, 2, 3]


async def test_killing_the_relay_again_and_again_loses_nothing(database, valkey):
    numbers = list(range(150))
    worker = database("worker")
    async with running_relay(worker, valkey), running_relay(worker, valkey):

        async def kill() -> None:
            for _ in range(6):
                await asyncio.sleep(0.12)
                await kill_relays_connection(database)

        async def write() -> None:
            for number in numbers:
                await tell(database("idp"), valkey, number)
                await asyncio.sleep(0.005)

        await asyncio.gather(kill(), write())
        async with asyncio.timeout(10):
            while await outbox_rows(database):  # noqa: ASYNC110 - a table has no event
                await asyncio.sleep(0.02)
    carried = await stream_numbers(valkey)
    assert sorted(set(carried)) == numbers


class DiesAfterAppend(EventStream):
    """Crashes the relay's database session between XADD and COMMIT, once."""

    def __init__(self, valkey, database):
        super().__init__(valkey)
        self._database = database
        self.died = False

    async def append(self, epoch, sequence, entries, vouched=None):
        answer = await super().append(epoch, sequence, entries, vouched)
        if not self.died and any(kind == "client" for kind, _ in entries):
            self.died = True
            await kill_relays_connection(self._database)
        return answer


async def test_a_crash_between_append_and_commit_tells_twice_and_never_not_at_all(database, valkey):
    await tell(database("idp"), valkey, 1)
    worker = database("worker")
    async with worker.connect() as connection:
        tenure = Tenure(connection, DiesAfterAppend(valkey, database), SystemClock(), asyncio.Event())
        assert await tenure.acquire(asyncio.Event(), standing_by=lambda: None)
        await tenure.begin()
        with pytest.raises(DBAPIError):
            await tenure.carry()
        await connection.invalidate()
    assert await stream_numbers(valkey) == [1]
    assert await outbox_rows(database) == 1
    async with listening(valkey) as listener, running_relay(worker, valkey):
        await until(lambda: listener.numbers() == [1])
    assert await stream_numbers(valkey) == [1, 1]


async def test_a_zombie_never_appends(database, valkey):
    """It claims, is held up, loses its lock; another relay begins; the zombie wakes with rows in its hands."""
    worker = database("worker")
    held, resume = asyncio.Event(), asyncio.Event()

    class HeldUp(EventStream):
        async def append(self, epoch, sequence, entries, vouched=None):
            held.set()
            await resume.wait()
            return await super().append(epoch, sequence, entries, vouched)

    await tell(database("idp"), valkey, 1)
    async with worker.connect() as connection:
        zombie = Tenure(connection, HeldUp(valkey), SystemClock(), asyncio.Event())
        assert await zombie.acquire(asyncio.Event(), standing_by=lambda: None)
        await zombie.begin()
        carrying = asyncio.create_task(zombie.carry())
        await held.wait()
        await kill_relays_connection(database)
        async with running_relay(worker, valkey):
            async with asyncio.timeout(5):
                while await stream_numbers(valkey) != [1]:  # noqa: ASYNC110 - nor has a stream
                    await asyncio.sleep(0.01)
            resume.set()
            with pytest.raises((HeadLost, DBAPIError, TimeoutError)):
                await carrying
        await connection.invalidate()
    assert await stream_numbers(valkey) == [1]


async def test_an_older_epoch_is_refused_and_so_is_a_head_that_moved(valkey):
    stream = EventStream(valkey)
    assert await stream.claim(7) == 0
    assert await stream.append(7, 0, [("policy", "{}"), ("policy", "{}")]) == 2
    with pytest.raises(HeadLost):
        await stream.append(7, 1, [("policy", "{}")])
    with pytest.raises(HeadLost):
        await stream.append(6, 2, [("policy", "{}")])
    assert await stream.claim(7) == 7
    assert await stream.claim(8) == 7
    with pytest.raises(HeadLost):
        await stream.append(7, 2, [("policy", "{}")])
    await valkey.flushall()
    with pytest.raises(HeadLost):
        await stream.append(8, 0, [("policy", "{}")])
    assert await valkey.xlen(key_space.EVENT_STREAM) == 0


async def test_a_database_restored_from_before_takes_an_epoch_above_valkeys(database, valkey):
    await EventStream(valkey).claim(1000)
    async with listening(valkey) as listener, running_relay(database("worker"), valkey):
        await tell(database("idp"), valkey, 1)
        await until(lambda: listener.numbers() == [1])
    assert int(await valkey.hget(key_space.EVENT_HEAD, "e")) == 1001


async def begin_session(database, sid: str, *, ended: bool = False) -> None:
    """A session row of its own user, as the identity provider writes it."""
    user, organisation = uuid.uuid4(), uuid.uuid4()
    async with database("idp").begin() as tx:
        await tx.execute(
            text("INSERT INTO idp.user_account (id, display_name, created_at) VALUES (:id, 'Minji', now())"),
            {"id": user},
        )
        await tx.execute(
            text("INSERT INTO idp.organisation (id, name, created_at) VALUES (:id, :name, now())"),
            {"id": organisation, "name": sid},
        )
        await tx.execute(
            text(
                """
                INSERT INTO idp.session (sid, user_id, organisation_id, version, cookie_hash, device_label, browser, ip,
                    place, amr, acr, authenticated_at, created_at, last_activity_at, idle_expires_at,
                    absolute_expires_at, ended_at, end_reason)
                VALUES (:sid, :user, :organisation, 4, sha256(:sid_bytes), 'a', 'b', '127.0.0.1', 'c', '{pwd}',
                    'urn:munjigi:acr:1', now(), now() - interval '1 minute', now(), now() + interval '30 minutes',
                    now() + interval '12 hours', CASE WHEN :ended THEN now() END, CASE WHEN :ended THEN 'sign_out' END)
                """
            ),
            {"sid": sid, "sid_bytes": sid.encode(), "user": user, "organisation": organisation, "ended": ended},
        )


async def test_the_projection_is_rebuilt_after_valkey_lost_everything(database, valkey):
    living, over = "l" * 22, "o" * 22
    await begin_session(database, living)
    await begin_session(database, over, ended=True)
    stream = EventStream(valkey)
    async with listening(valkey) as listener, running_relay(database("worker"), valkey):
        await until(lambda: bool(listener.heartbeats))
        resets = listener.resets
        # what a Valkey that lost its last second might believe
        await valkey.flushall()
        await stream.project([SessionState(over, "x", 3, "live", FAR, FAR)])
        await until(lambda: listener.resets > resets)
        count = len(listener.heartbeats)
        await until(lambda: len(listener.heartbeats) > count + 1)  # live sessions follow the first heartbeat
        assert (found := await stream.projection(living)) is not None
        assert (found.state, found.version) == ("live", 4)
        assert (found := await stream.projection(over)) is not None
        assert (found.state, found.version, found.reason) == ("ended", 4, "sign_out")


async def test_sessions_are_rebuilt_by_pages(database, valkey, monkeypatch):
    monkeypatch.setattr(outbox, "PAGE", 2)
    sids = [letter * 22 for letter in "abcde"]
    for sid in sids:
        await begin_session(database, sid)
    stream = EventStream(valkey)
    async with running_relay(database("worker"), valkey), asyncio.timeout(8):
        for sid in sids:
            while await stream.projection(sid) is None:  # noqa: ASYNC110 - a hash has no event
                await asyncio.sleep(0.01)
