"""Reservations: durable at 202, decided in order of arrival, never oversold, told by websocket and by asking."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select, text

from config import key_space
from config.clock import SystemClock
from config.connections import Valkey
from config.entropy import SystemEntropy
from config.settings import Settings
from tests.clock import FakeClock
from tests.upstreams.conftest import Client, Databases, Someone, open_wide, working
from upstreams.reservation.batch import POISON
from upstreams.reservation.queue import RequestQueue, shard_of
from upstreams.reservation.storage.tables import request, reservation_event, trade
from upstreams.reservation.worker import Worker, build
from upstreams.trade.allocation import Line, basket_of
from upstreams.trade.storage.stock import StoredStock

SEAT = "SEAT-MOON-CONCERT"
CLASS = "SLOT-POTTERY"


def asking(*lines: tuple[str, int], key: str | None = None) -> dict[str, Any]:
    return {
        "json": {"lines": [{"sku": sku, "quantity": quantity} for sku, quantity in lines]},
        "headers": {"Idempotency-Key": key or uuid4().hex},
    }


async def ask(client: Client, *lines: tuple[str, int], key: str | None = None) -> dict[str, Any]:
    answer = await client.post("/reservations", **asking(*lines, key=key))
    assert answer.status_code == 202, answer.text
    assert answer.headers["location"] == f"/reservations/{answer.json()['id']}"
    found: dict[str, Any] = answer.json()
    return found


async def settled(client: Client, ident: str) -> dict[str, Any]:
    """The record once it is decided; the worker runs."""
    async with asyncio.timeout(10):
        while True:
            record: dict[str, Any] = (await client.get(f"/reservations/{ident}")).json()
            if record["state"] != "QUEUED":
                return record
            await asyncio.sleep(0.01)


async def all_decided(database: Databases) -> None:
    async with asyncio.timeout(20):
        while True:
            async with database("reservation").connect() as tx:
                waiting = await tx.scalar(select(func.count()).select_from(request).where(request.c.state == "queued"))
            if not waiting:
                return
            await asyncio.sleep(0.02)


async def counts(database: Databases, sku: str) -> tuple[int, int, int]:
    """(on hand, held, allocated), after the movements were found to prove every count."""
    stock = trade.stock.c
    async with database("reservation").connect() as tx:
        assert await StoredStock(trade).unproven(tx) == []
        row = (await tx.execute(select(stock.on_hand, stock.held, stock.allocated).where(stock.sku == sku))).one()
    return tuple(row)


async def drain(worker: Worker, queue: RequestQueue, settings: Settings) -> int:
    """Let a worker that does not run by itself decide what lies in the streams."""
    count = 0
    for shard in range(settings.reservation.shards):
        await queue.open(shard)
        while taken := await queue.take(shard, "test", count=settings.reservation.batch, wait=0.001):
            await worker.process(shard, taken)
            count += len(taken)
    return count


async def test_a_request_is_granted_and_confirmed(slots: Client, worker: Worker, database: Databases):
    async with working(worker):
        asked = await ask(slots, (SEAT, 2))
        assert asked["state"] in ("QUEUED", "PENDING")
        record = await settled(slots, asked["id"])
    assert record["state"] == "PENDING"
    assert record["total"] == 2 * 55000
    assert record["expires_at"] is not None
    assert await counts(database, SEAT) == (10, 2, 0)
    confirmed = await slots.post(f"/reservations/{asked['id']}/confirm", json={})
    assert confirmed.json()["state"] == "CONFIRMED"
    assert (await slots.post(f"/reservations/{asked['id']}/confirm", json={})).json()["state"] == "CONFIRMED"
    assert await counts(database, SEAT) == (10, 0, 2)
    async with database("reservation").connect() as tx:
        events = await tx.execute(
            select(reservation_event.c.from_state, reservation_event.c.to_state).order_by(reservation_event.c.id)
        )
        assert [tuple(event) for event in events] == [("PENDING", "CONFIRMED")]


async def test_two_hundred_at_once_for_ten_seats(
    slots: Client, worker: Worker, settings: Settings, database: Databases, valkey: Valkey
):
    await open_wide(valkey, SEAT, CLASS)
    other = build(settings.reservation, database("reservation"), valkey, SystemClock(), SystemEntropy())
    people = [slots.of(Someone.new()) for _ in range(200)]
    async with working(worker), working(other):
        answers = await asyncio.gather(*(one.post("/reservations", **asking((SEAT, 1))) for one in people))
        await all_decided(database)
    # the gate may refuse at once what is sold out by then
    assert {answer.status_code for answer in answers} <= {202, 409}
    states = Counter()
    for one, answer in zip(people, answers, strict=True):
        if answer.status_code == 202:
            states[(await one.get(answer.headers["location"])).json()["state"]] += 1
        else:
            assert answer.json()["code"] == "MJ-RSV-001"
    assert states["PENDING"] == 10
    assert set(states) <= {"PENDING", "REFUSED"}
    assert await counts(database, SEAT) == (10, 10, 0)


async def test_first_come_first_served(slots: Client, worker: Worker, valkey: Valkey, settings: Settings):
    await open_wide(valkey, SEAT, CLASS)
    people = [slots.of(Someone.new()) for _ in range(14)]
    asked = [await ask(one, (SEAT, 1)) for one in people]
    await drain(worker, RequestQueue(valkey), settings)
    states = [
        (await one.get(f"/reservations/{its['id']}")).json()["state"] for one, its in zip(people, asked, strict=True)
    ]
    assert states == ["PENDING"] * 10 + ["REFUSED"] * 4


async def test_batches_decide_as_one_by_one(
    slots: Client, worker: Worker, valkey: Valkey, settings: Settings, database: Databases
):
    await open_wide(valkey, SEAT, CLASS)
    wishes = [(SEAT, 3), (SEAT, 4), (SEAT, 4), (SEAT, 3), (CLASS, 5), (SEAT, 1), (CLASS, 4), (CLASS, 3)]
    asked = [await ask(slots.of(Someone.new()), wish) for wish in wishes]
    await drain(worker, RequestQueue(valkey), settings)
    async with database("reservation").connect() as tx:
        states = dict((await tx.execute(select(request.c.id, request.c.state))).all())
    left = {SEAT: 10, CLASS: 8}
    for its, (sku, quantity) in zip(asked, wishes, strict=True):
        if quantity <= left[sku]:
            left[sku] -= quantity
            assert states[UUID(its["id"])] == "granted"
        else:
            assert states[UUID(its["id"])] == "refused"


async def test_a_basket_is_all_or_nothing(
    slots: Client, worker: Worker, valkey: Valkey, settings: Settings, database: Databases
):
    await open_wide(valkey, SEAT, CLASS)
    await ask(slots, (SEAT, 8))
    both = await ask(slots, (CLASS, 1), (SEAT, 3))
    fits = await ask(slots, (CLASS, 1), (SEAT, 1), (SEAT, 1))
    await drain(worker, RequestQueue(valkey), settings)
    assert (await slots.get(f"/reservations/{both['id']}")).json()["state"] == "REFUSED"
    assert (await slots.get(f"/reservations/{fits['id']}")).json()["state"] == "PENDING"
    assert await counts(database, SEAT) == (10, 10, 0)
    assert await counts(database, CLASS) == (8, 1, 0)


async def test_the_same_key_is_one_request(
    slots: Client, worker: Worker, valkey: Valkey, settings: Settings, database: Databases
):
    key = uuid4().hex
    answers = await asyncio.gather(*(slots.post("/reservations", **asking((SEAT, 4), key=key)) for _ in range(8)))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["id"] for answer in answers}) == 1
    other = await slots.post("/reservations", **asking((SEAT, 5), key=key))
    assert other.status_code == 422
    assert other.json()["code"] == "MJ-TRD-002"
    await drain(worker, RequestQueue(valkey), settings)
    assert await counts(database, SEAT) == (10, 4, 0)
    await ask(slots.of(Someone.new()), (SEAT, 6))
    await drain(worker, RequestQueue(valkey), settings)
    # nothing is left, and the gate knows; the first request is answered as before all the same
    assert (await slots.of(Someone.new()).post("/reservations", **asking((SEAT, 1)))).status_code == 409
    again = await slots.post("/reservations", **asking((SEAT, 4), key=key))
    assert again.status_code == 202
    assert again.json()["state"] == "PENDING"


async def test_a_worker_that_dies_after_the_commit(
    slots: Client, worker: Worker, valkey: Valkey, settings: Settings, database: Databases
):
    """Between COMMIT and XACK: the entries are taken over, found decided, and their stored results told."""
    queue = RequestQueue(valkey)
    asked = await ask(slots, (SEAT, 2))
    shard = shard_of(basket_of(uuid4(), [Line(SEAT, 2)]), settings.reservation.shards)
    await queue.open(shard)
    taken = await queue.take(shard, "dead", count=10, wait=0.001)
    decided = await worker._batches.decide([ident for _, ident in taken])  # committed; then it is gone
    assert [str(event.news.reservation) for event in decided.events] == [asked["id"]]
    async with valkey.pubsub() as channel:
        await channel.subscribe(key_space.RESERVATION_RESULTS)
        assert (await channel.get_message(timeout=1))["type"] == "subscribe"
        await worker.process(shard, await queue.left(shard, count=10))
        told = await channel.get_message(timeout=1)
    assert asked["id"] in told["data"]
    assert await counts(database, SEAT) == (10, 2, 0)
    assert await valkey.xlen(key_space.reservation_shard(shard)) == 0


async def test_a_worker_that_is_cancelled_in_the_middle(
    slots: Client, worker: Worker, valkey: Valkey, settings: Settings, database: Databases
):
    """Wherever it is cut, each request ends in exactly one result once another worker had its turn."""
    queue = RequestQueue(valkey)
    for cut in (0.0005, 0.002, 0.004, 0.008, 0.016):
        asked = [await ask(slots.of(Someone.new()), (CLASS, 1)), await ask(slots.of(Someone.new()), (SEAT, 1))]
        for shard in range(settings.reservation.shards):
            await queue.open(shard)
            taken = await queue.take(shard, "cut", count=10, wait=0.001)
            working_on = asyncio.create_task(worker.process(shard, taken))
            await asyncio.sleep(cut)
            working_on.cancel()
            await asyncio.gather(working_on, return_exceptions=True)
            await worker.process(shard, await queue.left(shard, count=10))
        async with database("reservation").connect() as tx:
            rows = await tx.execute(select(request.c.state).where(request.c.id.in_([one["id"] for one in asked])))
            assert [row.state for row in rows] == ["granted", "granted"]
    assert await counts(database, SEAT) == (10, 5, 0)
    assert await counts(database, CLASS) == (8, 5, 0)


async def test_connections_that_break_under_load(
    slots: Client, worker: Worker, settings: Settings, database: Databases, valkey: Valkey
):
    """PostgreSQL drops every connection of the service again and again: each request ends in exactly one result."""
    await open_wide(valkey, SEAT, CLASS)
    other = build(settings.reservation, database("reservation"), valkey, SystemClock(), SystemEntropy())
    kill = text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'munjigi_reservation'")
    asked = [await ask(slots.of(Someone.new()), (CLASS if n % 2 else SEAT, 1)) for n in range(60)]
    async with working(worker), working(other):
        for _ in range(5):
            async with database("owner").begin() as tx:
                await tx.execute(kill)
            await asyncio.sleep(0.05)
        await all_decided(database)
    async with database("reservation").connect() as tx:
        states = Counter((await tx.scalars(select(request.c.state))).all())
        assert len(asked) == states.total()
    assert states == {"granted": 18, "refused": 42}
    assert await counts(database, SEAT) == (10, 10, 0)
    assert await counts(database, CLASS) == (8, 8, 0)


async def test_an_entry_delivered_twice_is_decided_once(
    slots: Client, worker: Worker, valkey: Valkey, settings: Settings, database: Databases
):
    queue = RequestQueue(valkey)
    asked = await ask(slots, (SEAT, 3))
    shards = range(settings.reservation.shards)
    await queue.put([(UUID(asked["id"]), shard) for shard in shards for _ in range(3)])
    assert await drain(worker, queue, settings) == 1 + 3 * len(shards)
    assert await counts(database, SEAT) == (10, 3, 0)


async def test_two_workers_given_the_same_batch(
    slots: Client, worker: Worker, settings: Settings, database: Databases, valkey: Valkey
):
    await open_wide(valkey, SEAT, CLASS)
    idents = [UUID((await ask(slots.of(Someone.new()), (SEAT, 1)))["id"]) for _ in range(12)]
    decided = await asyncio.gather(*(worker._batches.decide(idents) for _ in range(4)))
    assert all(len(one.events) == 12 for one in decided)
    assert await counts(database, SEAT) == (10, 10, 0)


async def test_valkey_lost(slots: Client, worker: Worker, valkey: Valkey, database: Databases):
    """What was accepted is in PostgreSQL; a worker that finds its streams gone puts it in again."""
    asked = [await ask(slots.of(Someone.new()), (SEAT, 1)) for _ in range(3)]
    await valkey.flushall()
    async with working(worker):
        await all_decided(database)
        await valkey.flushall()
        late = await ask(slots.of(Someone.new()), (SEAT, 1))
        await all_decided(database)
    assert late["id"] not in {one["id"] for one in asked}
    assert await counts(database, SEAT) == (10, 4, 0)


async def test_a_forgotten_request_is_put_in_again(
    slots: Client, settings: Settings, valkey: Valkey, database: Databases
):
    clock = FakeClock(SystemClock().now())
    worker = build(settings.reservation, database("reservation"), valkey, clock, SystemEntropy())
    await ask(slots, (SEAT, 1))
    await valkey.flushall()
    queue = RequestQueue(valkey)
    assert await worker._reconciler.enqueue_again(10.0) == 0
    clock.advance(11)
    assert await worker._reconciler.enqueue_again(10.0) == 1
    assert await worker._reconciler.enqueue_again(10.0) == 0
    assert await drain(worker, queue, settings) == 1
    assert await counts(database, SEAT) == (10, 1, 0)


async def test_a_request_is_kept_while_valkey_is_away(
    slots: Client, worker: Worker, valkey: Valkey, database: Databases, monkeypatch: pytest.MonkeyPatch
):
    from redis.exceptions import ConnectionError as Gone

    async def gone(*_: object) -> None:
        raise Gone

    with monkeypatch.context() as patched:
        patched.setattr(RequestQueue, "put", gone)
        await ask(slots, (SEAT, 1))
    async with working(worker):  # its group is new, so it looks for what is queued
        await all_decided(database)
    assert await counts(database, SEAT) == (10, 1, 0)


async def test_a_poisonous_request_harms_no_other(
    slots: Client, worker: Worker, valkey: Valkey, settings: Settings, database: Databases
):
    bad = slots.of(Someone.new())
    async with database("owner").begin() as tx:
        await tx.execute(
            text(
                "CREATE FUNCTION reservation.poison() RETURNS trigger LANGUAGE plpgsql AS "
                f"$$ BEGIN IF NEW.person = '{bad.someone.id}' THEN RAISE EXCEPTION 'poison'; END IF; RETURN NEW; END $$"
            )
        )
        await tx.execute(
            text(
                "CREATE TRIGGER poison BEFORE INSERT ON reservation.hold "
                "FOR EACH ROW EXECUTE FUNCTION reservation.poison()"
            )
        )
    people = [slots.of(Someone.new()) for _ in range(5)]
    asked = [(one, await ask(one, (SEAT, 1))) for one in (*people[:2], bad, *people[2:])]
    await drain(worker, RequestQueue(valkey), settings)
    for one, its in asked:
        record = (await one.get(f"/reservations/{its['id']}")).json()
        if one is bad:
            assert record["state"] == "FAILED"
            assert record["refusal"] == POISON
        else:
            assert record["state"] == "PENDING"
    assert await counts(database, SEAT) == (10, 5, 0)


async def test_an_unreadable_entry_is_thrown_away(slots: Client, worker: Worker, valkey: Valkey, settings: Settings):
    await ask(slots, (SEAT, 1))
    for shard in range(settings.reservation.shards):
        await valkey.xadd(key_space.reservation_shard(shard), {"id": "not-an-id"})
        await valkey.xadd(key_space.reservation_shard(shard), {"other": "field"})
    assert await drain(worker, RequestQueue(valkey), settings) == 1
    for shard in range(settings.reservation.shards):
        assert await valkey.xlen(key_space.reservation_shard(shard)) == 0


async def test_cancelled_stock_comes_back_exactly_once(
    slots: Client, worker: Worker, valkey: Valkey, settings: Settings, database: Databases
):
    held = await ask(slots, (SEAT, 3))
    kept = await ask(slots, (SEAT, 4))
    waiting = await slots.post(f"/reservations/{held['id']}/cancel", json={"reason": ""})
    assert waiting.json()["code"] == "MJ-RSV-004"
    await drain(worker, RequestQueue(valkey), settings)
    await slots.post(f"/reservations/{kept['id']}/confirm", json={})
    assert await counts(database, SEAT) == (10, 3, 4)
    stranger = slots.of(Someone.new())
    assert (await stranger.post(f"/reservations/{held['id']}/cancel", json={})).status_code == 404
    for ident in (held["id"], kept["id"]):
        answers = await asyncio.gather(
            *(slots.post(f"/reservations/{ident}/cancel", json={"reason": "비가 와서"}) for _ in range(6))
        )
        assert sorted(answer.status_code for answer in answers) == [202] + [409] * 5
        assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"MJ-RSV-005"}
        assert (await slots.get(f"/reservations/{ident}")).json()["state"] == "CANCELLED"
    assert await counts(database, SEAT) == (10, 0, 0)
    refused = await slots.post(f"/reservations/{held['id']}/confirm", json={})
    assert refused.json()["code"] == "MJ-RSV-006"


async def test_what_is_not_confirmed_in_time_expires(
    slots: Client, settings: Settings, valkey: Valkey, database: Databases
):
    clock = FakeClock(SystemClock().now())
    worker = build(settings.reservation, database("reservation"), valkey, clock, SystemEntropy())
    asked = await ask(slots, (SEAT, 10))
    await drain(worker, RequestQueue(valkey), settings)
    assert (await slots.of(Someone.new()).post("/reservations", **asking((SEAT, 1)))).status_code == 409
    clock.advance(settings.reservation.hold_lifetime - 1)
    assert await worker._reconciler._desk.expire(limit=10) == 0
    clock.advance(1)
    assert await worker._reconciler._desk.expire(limit=10) == 1
    assert await worker._reconciler._desk.expire(limit=10) == 0
    assert (await slots.get(f"/reservations/{asked['id']}")).json()["state"] == "EXPIRED"
    assert await counts(database, SEAT) == (10, 0, 0)
    await ask(slots.of(Someone.new()), (SEAT, 1))  # the gate stands open again


async def test_requests_that_make_no_sense_are_refused(slots: Client, valkey: Valkey):
    await open_wide(valkey, SEAT, CLASS)
    assert (await slots.post("/reservations", **asking(("NO-SUCH", 1)))).json()["code"] == "MJ-RSV-002"
    assert (await slots.post("/reservations", **asking((SEAT, 11)))).json()["code"] == "MJ-RSV-002"
    assert (await slots.post("/reservations", **asking((SEAT, 0)))).json()["code"] == "MJ-DOOR-005"
    assert (await slots.post("/reservations", **asking())).json()["code"] == "MJ-DOOR-005"
    assert (await slots.post("/reservations", json={"lines": [{"sku": SEAT, "quantity": 1}]})).json()[
        "code"
    ] == "MJ-TRD-001"
    assert (await slots.get(f"/reservations/{uuid4()}")).json()["code"] == "MJ-RSV-003"


async def test_another_person_finds_nothing(slots: Client):
    asked = await ask(slots, (SEAT, 1))
    stranger = slots.of(Someone.new())
    assert (await stranger.get(f"/reservations/{asked['id']}")).status_code == 404
    assert (await stranger.get("/reservations")).json() == {"reservations": []}
    assert [one["id"] for one in (await slots.get("/reservations")).json()["reservations"]] == [asked["id"]]


async def test_pages_work_without_a_script(slots: Client, worker: Worker, valkey: Valkey, settings: Settings):
    page = {"Accept": "text/html"}
    empty = await slots.get("/reservations", headers=page)
    assert "You have not reserved anything yet" in empty.text
    token = (await _token(slots)) or ""
    sent = await slots.post("/reservations", data={"form_token": token, "key": uuid4().hex, "sku": SEAT})
    assert sent.status_code == 303
    address = sent.headers["location"]
    assert "served in the order they came" in (await slots.get(address, headers=page)).text
    await drain(worker, RequestQueue(valkey), settings)
    held = await slots.get(address, headers=page)
    assert "It is kept for you" in held.text
    found = re.search(r'name="form_token" value="([^"]+)"', held.text)
    assert found
    done = await slots.post(f"{address}/confirm", data={"form_token": found.group(1)})
    assert done.status_code == 303
    assert "It is yours" in (await slots.get(address, headers=page)).text
    assert (await slots.post(f"{address}/cancel", data={"form_token": "x"})).json()["code"] == "MJ-DOOR-003"


async def _token(client: Client) -> str:
    """A token of this session, as the shop's page bears it."""
    from upstreams.door.forms import FormTokens

    assert client.envelope is not None
    return FormTokens(client.envelope, SystemClock()).issue(client.someone.subject.sid)


async def test_availability_is_live(slots: Client, worker: Worker, valkey: Valkey, settings: Settings):
    async def left() -> dict[str, int]:
        skus = (await slots.get("/reservations/availability")).json()["skus"]
        return {one["sku"]: one["available"] for one in skus}

    assert (await left())[SEAT] == 10
    await ask(slots, (SEAT, 4))
    await drain(worker, RequestQueue(valkey), settings)
    async with asyncio.timeout(10):
        while (seen := (await left())[SEAT]) == 10:  # noqa: ASYNC110 - an answer stands for a quarter of a second
            await asyncio.sleep(0.01)
    assert seen == 6
