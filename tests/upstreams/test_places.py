"""Seats, resources over time, shares and slots on the real engines; the direct transaction; what administrators do."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from config.clock import SystemClock
from config.connections import Valkey
from config.settings import Settings
from tests.upstreams.conftest import Client, Databases, Someone, open_wide
from tests.upstreams.test_reservations import CLASS, SEAT, ask, asking, counts, drain
from upstreams.reservation.changes import Changes
from upstreams.reservation.deciding import Placed
from upstreams.reservation.life import NotInThatState
from upstreams.reservation.queue import RequestQueue
from upstreams.reservation.storage.stores import postgresql_stores
from upstreams.reservation.storage.tables import booking, hold_seat, seat, sku, trade
from upstreams.reservation.worker import Worker
from upstreams.trade.allocation import Line
from upstreams.trade.storage.stock import StoredStock

SHOW, ROOM = "SHOW-HALL", "ROOM-ATELIER"
NOON = datetime(2027, 5, 4, 12, tzinfo=UTC)


@pytest.fixture
async def places(slots: Client, database: Databases) -> Client:
    """A show with four seats, and a room that is let by the hour."""
    async with database("reservation").begin() as tx:
        common = {"product": uuid4(), "name": {"ko": "것", "en": "thing"}, "currency": "KRW", "price": 1000,
                  "limit_per_request": 10, "active": True}  # fmt: skip
        await tx.execute(insert(sku).values(code=SHOW, kind="seated", **common))
        await tx.execute(insert(sku).values(code=ROOM, kind="resource", unit_minutes=60, **common))
        await StoredStock(trade).receive(tx, "hall", [(SHOW, "icheon", 4)], SystemClock().now())
        await postgresql_stores().offers.seat(tx, SHOW, ["A1", "A2", "B1", "B2"])
    return slots


def room(start: int, hours: int) -> dict[str, Any]:
    begin = NOON + timedelta(hours=start)
    return {
        "sku": ROOM,
        "quantity": hours,
        "starts_at": begin.isoformat(),
        "ends_at": (begin + timedelta(hours=hours)).isoformat(),
    }


async def reserve(client: Client, *lines: dict[str, Any]) -> str:
    answer = await client.post("/reservations", json={"lines": list(lines)}, headers={"Idempotency-Key": uuid4().hex})
    assert answer.status_code == 202, answer.text
    ident: str = answer.json()["id"]
    return ident


async def state(client: Client, ident: str) -> tuple[str, str | None]:
    record = (await client.get(f"/reservations/{ident}")).json()
    return record["state"], record["refusal"]


async def test_a_seat_has_one_holder(
    places: Client, worker: Worker, valkey: Valkey, settings: Settings, database: Databases
):
    await open_wide(valkey, SHOW)
    first = await reserve(places, {"sku": SHOW, "quantity": 2, "seats": ["A1", "B2"]})
    again = await reserve(places.of(Someone.new()), {"sku": SHOW, "quantity": 1, "seats": ["B2"]})
    best = await reserve(places.of(other := Someone.new()), {"sku": SHOW, "quantity": 1})
    await drain(worker, RequestQueue(valkey), settings)
    assert await state(places, first) == ("PENDING", None)
    record = (await places.of(other).get(f"/reservations/{best}")).json()
    assert record["lines"][0]["seats"] == ["A2"]
    async with database("reservation").connect() as tx:
        taken = await tx.execute(
            select(seat.c.label, seat.c.hold).where(seat.c.hold.is_not(None)).order_by(seat.c.place)
        )
        assert [(label, str(hold)) for label, hold in taken] == [("A1", first), ("A2", best), ("B2", first)]
        assert await tx.scalar(select(func.count()).select_from(hold_seat)) == 3
    shown = (await places.get(f"/reservations/offers/{SHOW}/seats")).json()["seats"]
    assert [one["free"] for one in shown] == [False, False, True, False]
    assert again != best
    await places.post(f"/reservations/{first}/cancel", json={})
    late = await reserve(places, {"sku": SHOW, "quantity": 2, "seats": ["A1", "B2"]})
    await drain(worker, RequestQueue(valkey), settings)
    assert await state(places, late) == ("PENDING", None)
    # the database alone refuses a seat that is taken
    async with database("reservation").connect() as tx:
        with pytest.raises(IntegrityError):
            await postgresql_stores().places.take(tx, [Placed(UUID(best), [(SHOW, "A1")], [])])


async def test_a_resource_is_had_by_one_at_a_time(
    places: Client, worker: Worker, valkey: Valkey, settings: Settings, database: Databases
):
    both = await reserve(places, room(0, 2), {"sku": CLASS, "quantity": 1})
    clash = await reserve(others := places.of(Someone.new()), room(1, 2), {"sku": CLASS, "quantity": 1})
    after = await reserve(others, room(2, 1))
    await drain(worker, RequestQueue(valkey), settings)
    assert await state(places, both) == ("PENDING", None)
    assert await state(others, clash) == ("REFUSED", "taken")
    assert await state(others, after) == ("PENDING", None)
    assert await counts(database, CLASS) == (8, 1, 0)
    window = {"from": NOON.isoformat(), "until": (NOON + timedelta(days=1)).isoformat()}
    times = (await places.get(f"/reservations/offers/{ROOM}/times", params=window)).json()
    assert [one["starts_at"][11:13] for one in times["taken"]] == ["12", "14"]
    with pytest.raises(IntegrityError, match="never_at_the_same_time"):
        async with database("reservation").begin() as tx:
            await tx.execute(update(booking).where(booking.c.hold == UUID(after)).values(
                during=select(booking.c.during).where(booking.c.hold == UUID(both)).scalar_subquery()))  # fmt: skip
    await places.post(f"/reservations/{both}/cancel", json={})
    assert await state(others, await reserve(others, room(0, 2))) == ("QUEUED", None)
    await drain(worker, RequestQueue(valkey), settings)
    assert len((await places.get(f"/reservations/offers/{ROOM}/times", params=window)).json()["taken"]) == 2


async def test_nobody_gets_more_than_their_share(
    places: Client, worker: Worker, valkey: Valkey, settings: Settings, database: Databases
):
    async with database("owner").begin() as tx:
        await tx.execute(update(sku).where(sku.c.code == SEAT).values(limit_per_person=3))
    first, second, third = [await reserve(places, {"sku": SEAT, "quantity": n}) for n in (2, 2, 1)]
    await drain(worker, RequestQueue(valkey), settings)
    assert await state(places, second) == ("REFUSED", "limit_per_person")
    assert await state(places, third) == ("PENDING", None)
    await places.post(f"/reservations/{first}/cancel", json={})
    fourth = await reserve(places, {"sku": SEAT, "quantity": 2})
    await drain(worker, RequestQueue(valkey), settings)
    assert await state(places, fourth) == ("PENDING", None)


async def test_some_is_given_back_once_for_each_cause(
    places: Client, worker: Worker, valkey: Valkey, settings: Settings, database: Databases
):
    """What cancelling in part stands on: in the caller's transaction, exactly once."""
    ident = UUID(await reserve(places, {"sku": SHOW, "quantity": 3}, {"sku": CLASS, "quantity": 4}, room(0, 1)))
    await drain(worker, RequestQueue(valkey), settings)
    stores, now = postgresql_stores(), SystemClock().now()
    changes, cause = Changes(stores), uuid4()

    async def give_back(*lines: Line, because: UUID = cause) -> int:
        async with database("reservation").begin() as tx:
            found = await stores.reservations.lock(tx, ident)
            assert found is not None
            return sum(one.quantity for one in await changes.give_back(tx, found, lines, because, now))

    assert await give_back(Line(SHOW, 1), Line(CLASS, 3)) == 4
    assert await give_back(Line(SHOW, 1), Line(CLASS, 3)) == 0
    assert await counts(database, CLASS) == (8, 1, 0)
    with pytest.raises(ValueError, match="not kept"):
        await give_back(Line(CLASS, 2), because=uuid4())
    with pytest.raises(ValueError, match="not kept"):
        await give_back(Line(SHOW, 1, ("B2",)), because=uuid4())
    await places.post(f"/reservations/{ident}/confirm", json={})
    assert await counts(database, SHOW) == (4, 0, 2)
    given = await asyncio.gather(*(give_back(Line(SHOW, 1, ("A1",)), because=UUID(int=7)) for _ in range(4)))
    assert sorted(given) == [0, 0, 0, 1]
    assert await counts(database, SHOW) == (4, 0, 1)
    async with database("reservation").connect() as tx:
        assert (await tx.scalars(select(seat.c.label).where(seat.c.hold == ident))).all() == ["A2"]
    assert await give_back(Line(ROOM, 1), because=uuid4()) == 1
    async with database("reservation").begin() as tx:
        found = await stores.reservations.lock(tx, ident)
        assert found is not None
        assert sorted(one.sku for one in await changes.kept(tx, found)) == [SHOW, CLASS]
        with pytest.raises(NotInThatState):
            await changes.release(tx, found, "too late", now)


async def test_a_hold_is_released_whole(
    places: Client, worker: Worker, valkey: Valkey, settings: Settings, database: Databases
):
    ident = UUID(await reserve(places, {"sku": SHOW, "quantity": 3}, room(0, 1)))
    await drain(worker, RequestQueue(valkey), settings)
    stores = postgresql_stores()
    async with database("reservation").begin() as tx:
        found = await stores.reservations.lock(tx, ident)
        assert found is not None
        changed = await Changes(stores).release(tx, found, "the payment failed", SystemClock().now())
    assert sorted((one.sku, one.quantity) for one in changed.given_back) == [(ROOM, 1), (SHOW, 3)]
    assert [event.news.kind for event in changed.events] == ["released"]
    assert (await state(places, str(ident)))[0] == "RELEASED"
    assert await counts(database, SHOW) == (4, 0, 0)


async def test_who_prefers_to_wait_gets_the_result_unless_others_were_first(places: Client, worker: Worker):
    wait = {"Prefer": "respond-async, wait=5"}
    sent = asking((SEAT, 2), (CLASS, 1))
    direct = await places.post("/reservations", json=sent["json"], headers={**sent["headers"], **wait})
    assert (direct.status_code, direct.json()["state"]) == (200, "PENDING")
    assert direct.headers["preference-applied"] == "wait"
    sent = asking((SEAT, 2))
    queued = await places.post("/reservations", json=sent["json"], headers={**sent["headers"], **wait})
    # its entry still stands before: a worker has not taken it away
    assert (queued.status_code, queued.json()["position"]) == (202, 2)


def administrator(client: Client) -> Client:
    someone = Someone.new()
    return client.of(replace(someone, subject=_with_roles(someone.subject)))


def _with_roles(subject: Any) -> Any:
    import msgspec

    return msgspec.structs.replace(subject, roles=("administrator",))


async def test_administrators_change_what_they_saw(places: Client, worker: Worker, database: Databases):
    admin, path = administrator(places), f"/reservations/administration/stock/{SEAT}/icheon"
    assert (await places.get(path)).status_code == 404
    seen = await admin.get(path)
    assert seen.json()["available"] == 10
    change = {"on_hand": 12, "reason": "two more chairs"}
    assert (await admin.request("PUT", path, json=change)).json()["code"] == "MJ-RSV-010"
    tag = {"If-Match": seen.headers["etag"]}
    answers = await asyncio.gather(*(admin.request("PUT", path, json=change, headers=tag) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412]
    assert await counts(database, SEAT) == (12, 0, 0)
    await ask(places, (SEAT, 10))
    assert (await places.of(Someone.new()).post("/reservations", **asking((SEAT, 2)))).status_code == 202
    for body in ({"on_hand": -1, "reason": "x"}, {"on_hand": 1}):
        assert (await admin.request("PUT", path, json=body)).json()["code"] == "MJ-DOOR-005"


async def test_slots_are_laid_out_and_reserved(places: Client, worker: Worker, valkey: Valkey, settings: Settings):
    admin = administrator(places)
    plan = {
        "like": CLASS, "warehouse": "icheon", "first": "2027-05-03", "last": "2027-05-09", "weekdays": [0, 2],
        "times": ["10:00", "14:00"], "minutes": 90, "capacity": 2, "zone": "Asia/Seoul",
    }  # fmt: skip
    assert (await places.post("/reservations/administration/slots", json=plan)).status_code == 404
    made = (await admin.post("/reservations/administration/slots", json=plan)).json()["slots"]
    assert made == [f"{CLASS}-2705030100", f"{CLASS}-2705030500", f"{CLASS}-2705050100", f"{CLASS}-2705050500"]
    assert (await admin.post("/reservations/administration/slots", json=plan)).json() == {"slots": []}
    window = {"from": "2027-05-05T00:00:00+09:00", "until": "2027-05-06T00:00:00+09:00"}
    offers = (await places.get("/reservations/offers", params=window)).json()["offers"]
    assert [(one["sku"], one["available"]) for one in offers] == [(made[2], 2), (made[3], 2)]
    ident = await reserve(places, {"sku": made[2], "quantity": 2})
    await drain(worker, RequestQueue(valkey), settings)
    assert await state(places, ident) == ("PENDING", None)
    assert (await places.of(Someone.new()).post("/reservations", **asking((made[2], 1)))).status_code == 409


async def test_a_dead_letter_is_tried_again(
    places: Client, worker: Worker, valkey: Valkey, settings: Settings, database: Databases
):
    admin = administrator(places)
    poison = (
        "CREATE FUNCTION reservation.poison() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'poison'; END $$",
        "CREATE TRIGGER poison BEFORE INSERT ON reservation.hold FOR EACH ROW EXECUTE FUNCTION reservation.poison()",
    )
    async with database("owner").begin() as tx:
        for statement in poison:
            await tx.execute(text(statement))
    ident = await reserve(places, {"sku": SEAT, "quantity": 1})
    await drain(worker, RequestQueue(valkey), settings)
    assert (await state(places, ident))[0] == "FAILED"
    assert (await places.get("/reservations/administration/dead-letters")).status_code == 404
    letters = (await admin.get("/reservations/administration/dead-letters")).json()["dead_letters"]
    assert [(one["request"], one["sqlstate"]) for one in letters] == [(ident, "P0001")]
    async with database("owner").begin() as tx:
        await tx.execute(text("DROP TRIGGER poison ON reservation.hold"))
    retry = f"/reservations/administration/dead-letters/{letters[0]['id']}/retry"
    answers = await asyncio.gather(*(admin.post(retry, json={}) for _ in range(3)))
    assert sorted(answer.status_code for answer in answers) == [202, 404, 404]
    await drain(worker, RequestQueue(valkey), settings)
    assert await state(places, ident) == ("PENDING", None)
    assert await counts(database, SEAT) == (10, 1, 0)


async def test_the_api_is_described_as_it_is(slots: Client):
    """Every route of the API stands in its document, and a document's answer has the members that it says."""
    described = (await slots.get("/reservations/openapi.json")).json()
    assert described["openapi"] == "3.1.0"
    for path, methods in described["paths"].items():
        at = path.replace("{id}", "1" if "dead-letters" in path else str(uuid4()))
        at = at.replace("{sku}", SEAT).replace("{warehouse}", "icheon").replace("{cancellation}", str(uuid4()))
        for method in methods:
            if path.endswith("/events"):
                continue
            answer = await administrator(slots).request(method.upper(), at, json={})
            may_be_none = {"dead-letters", "offers", "stuck-money"} & set(path.split("/"))
            assert may_be_none or answer.json().get("code") != "MJ-DOOR-004", at
            assert answer.status_code < 500, at
    record = (await slots.post("/reservations", **asking((SEAT, 1)))).json()
    properties = described["components"]["schemas"]["ReservationDocument"]["properties"]
    assert set(properties) == set(record)
