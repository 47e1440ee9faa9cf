"""What every store of trade and of reservation promises, with its races; one suite for both schemas."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy.exc import IntegrityError

from config.clock import SystemClock
from config.connections import Database, Transaction
from config.problem import Problem
from tests.upstreams.conftest import Databases
from upstreams.commerce.storage import tables as commerce
from upstreams.reservation.deciding import Decision
from upstreams.reservation.request import Request
from upstreams.reservation.storage import tables as reservation
from upstreams.reservation.storage.stores import postgresql_stores
from upstreams.trade.allocation import Basket, Line, Refusal, Taken, basket_of
from upstreams.trade.holds import Hold
from upstreams.trade.idempotency import KEY_REUSED, Earlier
from upstreams.trade.stock import Movement
from upstreams.trade.storage.holds import StoredHolds
from upstreams.trade.storage.idempotency import StoredIdempotencyKeys
from upstreams.trade.storage.stock import StoredStock

SEAT, CLASS = "SEAT-MOON-CONCERT", "SLOT-POTTERY"


@dataclass
class Room:
    """One service's schema, with two things on its shelves: ten of the one, eight or more of the other."""

    database: Database
    stock: StoredStock
    holds: StoredHolds
    keys: StoredIdempotencyKeys
    ten: tuple[str, str]
    other: tuple[str, str]

    async def level(self, sku: str) -> int:
        async with self.database.connect() as tx:
            assert await self.stock.unproven(tx) == []
            return (await self.stock.levels(tx, [sku]))[sku].available


@pytest.fixture(params=["commerce", "reservation"])
async def room(request: pytest.FixtureRequest, database: Databases, shop_data: None, slots_data: None) -> Room:
    tables = (commerce if request.param == "commerce" else reservation).trade
    ten = ("JAR-WHITE", "icheon") if request.param == "commerce" else (SEAT, "icheon")
    other = ("TEA-SEJAK", "boseong") if request.param == "commerce" else (CLASS, "icheon")
    stock = StoredStock(tables)
    made = Room(database(request.param), stock, StoredHolds(tables, stock), StoredIdempotencyKeys(tables), ten, other)
    async with made.database.begin() as tx:
        have = (await stock.levels(tx, [ten[0]]))[ten[0]].available
        if have > 10:
            await stock.lock(tx, [ten[0]])
            await stock.move(tx, [Movement("adjust", "test", *ten, on_hand=10 - have)], now())
    return made


def now() -> datetime:
    return SystemClock().now()


class TestStock:
    async def test_a_cause_moves_a_row_once(self, room: Room):
        async def allocate(cause: str) -> None:
            async with room.database.begin() as tx:
                await room.stock.lock(tx, [room.ten[0]])
                await room.stock.move(tx, [Movement("allocate", cause, *room.ten, allocated=2)], now())

        await allocate("order-1")
        with pytest.raises(IntegrityError, match="one_movement_per_cause"):
            await allocate("order-1")
        await allocate("order-2")
        assert await room.level(room.ten[0]) == 6

    async def test_many_movements_change_a_row_once(self, room: Room):
        async with room.database.begin() as tx:
            before = (await room.stock.levels(tx, [room.ten[0]]))[room.ten[0]]
            await room.stock.lock(tx, [room.ten[0]])
            moves = [Movement("hold", f"hold-{number}", *room.ten, held=1) for number in range(5)]
            await room.stock.move(tx, moves, now())
            after = (await room.stock.levels(tx, [room.ten[0]]))[room.ten[0]]
        assert (after.available, after.version) == (before.available - 5, before.version + 1)

    async def test_what_cannot_be_is_refused(self, room: Room):
        for change in ({"held": 11}, {"allocated": 11}, {"held": -1}, {"on_hand": -11}):
            with pytest.raises(IntegrityError):
                async with room.database.begin() as tx:
                    await room.stock.move(tx, [Movement("adjust", "x", *room.ten, **change)], now())
        assert await room.level(room.ten[0]) == 10

    async def test_opposite_wishes_do_not_wait_in_a_circle(self, room: Room):
        async def take(number: int) -> None:
            things = [room.ten, room.other] if number % 2 else [room.other, room.ten]
            async with room.database.begin() as tx:
                await room.stock.lock(tx, [sku for sku, _ in things])
                await asyncio.sleep(0)
                moves = [Movement("allocate", f"order-{number}", *thing, allocated=1) for thing in things]
                await room.stock.move(tx, moves, now())

        await asyncio.gather(*(take(number) for number in range(8)))
        assert await room.level(room.ten[0]) == 2

    async def test_goods_arrive_once(self, room: Room):
        for _ in range(2):
            async with room.database.begin() as tx:
                await room.stock.receive(tx, "delivery-7", [(*room.ten, 5)], now())
        assert await room.level(room.ten[0]) == 15


class TestHolds:
    async def open(self, room: Room, quantity: int) -> UUID:
        hold = Hold(uuid4(), uuid4(), [Taken(*room.ten, quantity)], now() + timedelta(minutes=15))
        async with room.database.begin() as tx:
            await room.stock.lock(tx, [room.ten[0]])
            await room.holds.open(tx, [hold], now(), cause=f"batch:{hold.id}")
        return hold.id

    async def end(self, room: Room, ident: UUID, state: Any) -> bool:
        async with room.database.begin() as tx:
            return bool(await room.holds.end(tx, [ident], state, now()))

    async def test_a_hold_ends_as_it_is_told(self, room: Room):
        for state, left in (("released", 10), ("expired", 10), ("confirmed", 6)):
            ident = await self.open(room, 4)
            assert await room.level(room.ten[0]) == 6
            assert await self.end(room, ident, state)
            assert await room.level(room.ten[0]) == left

    async def test_of_many_ends_exactly_one_counts(self, room: Room):
        ident = await self.open(room, 4)
        ends = ["confirmed", "released", "expired", "released", "confirmed", "expired"]
        ended = await asyncio.gather(*(self.end(room, ident, state) for state in ends))
        assert ended.count(True) == 1
        assert await room.level(room.ten[0]) == (6 if ends[ended.index(True)] == "confirmed" else 10)

    async def test_more_than_there_is_cannot_be_held(self, room: Room):
        with pytest.raises(IntegrityError, match="never_oversold"):
            await self.open(room, 11)
        assert await room.level(room.ten[0]) == 10


class TestIdempotencyKeys:
    async def test_of_many_one_goes_on_and_all_get_its_result(self, room: Room):
        person, result = uuid4(), uuid4()
        went = []

        async def ask() -> Earlier | None:
            async with room.database.begin() as tx:
                earlier = await room.keys.claim(tx, person, "key-12345", b"d" * 32, now())
                if earlier is None:
                    went.append(1)
                    await asyncio.sleep(0.02)
                    await room.keys.settle(tx, person, "key-12345", result=result)
                return earlier

        answers = await asyncio.gather(*(ask() for _ in range(8)))
        assert len(went) == 1
        assert [answer.result for answer in answers if answer] == [result] * 7

    async def test_a_key_whose_transaction_failed_is_free(self, room: Room):
        person = uuid4()
        async with room.database.connect() as tx:
            assert await room.keys.claim(tx, person, "key-12345", b"d" * 32, now()) is None
            await tx.rollback()
        async with room.database.begin() as tx:
            assert await room.keys.earlier(tx, person, "key-12345", b"d" * 32) is None
            assert await room.keys.claim(tx, person, "key-12345", b"d" * 32, now()) is None

    async def test_a_key_stands_for_one_request_of_one_person(self, room: Room):
        person = uuid4()
        async with room.database.begin() as tx:
            await room.keys.claim(tx, person, "key-12345", b"d" * 32, now())
            await room.keys.settle(tx, person, "key-12345", refusal="MJ-COM-001")
            found = await room.keys.earlier(tx, person, "key-12345", b"d" * 32)
            assert found is not None
            assert found.refusal == "MJ-COM-001"
            assert await room.keys.claim(tx, uuid4(), "key-12345", b"e" * 32, now()) is None
            with pytest.raises(Problem) as refused:
                await room.keys.earlier(tx, person, "key-12345", b"e" * 32)
            assert refused.value.kind is KEY_REUSED


class TestRequests:
    async def submit(self, tx: Transaction, shard: int = 0) -> Basket:
        requests = postgresql_stores().requests
        basket = basket_of(uuid4(), [Line(SEAT, 1)])
        things = await requests.reservable(tx, [SEAT])
        await requests.submit(tx, Request(basket, uuid4(), None, shard), things, now())
        return basket

    async def test_requests_are_claimed_in_the_order_of_the_stream_and_once(
        self, slots_data: None, database: Databases
    ):
        requests, waiting = postgresql_stores().requests, postgresql_stores().waiting
        async with database("reservation").begin() as tx:
            first, second = await self.submit(tx), await self.submit(tx)
        claims: list[int] = []

        async def decide() -> None:
            async with database("reservation").begin() as tx:
                claimed = [wish.basket.id for wish in await waiting.claim(tx, [second.id, first.id])]
                claims.append(len(claimed))
                if claimed:
                    assert claimed == [second.id, first.id]
                    await asyncio.sleep(0.02)
                    decisions = [Decision(ident, uuid4(), refusal=Refusal.SOLD_OUT) for ident in claimed]
                    await requests.decide(tx, decisions, now())

        await asyncio.gather(*(decide() for _ in range(5)))
        assert sorted(claims) == [0, 0, 0, 0, 2]

    async def test_the_forgotten_are_found_by_one_of_many(self, slots_data: None, database: Databases):
        waiting = postgresql_stores().waiting
        async with database("reservation").begin() as tx:
            asked = [(await self.submit(tx, shard)).id for shard in (0, 1, 0)]
        later = now() + timedelta(seconds=1)

        async def look() -> list[tuple[UUID, int]]:
            async with database("reservation").begin() as tx:
                return await waiting.forgotten(tx, later, later + timedelta(seconds=1), limit=10)

        found = await asyncio.gather(*(look() for _ in range(4)))
        assert [one for some in found for one in some] == list(zip(asked, (0, 1, 0), strict=True))

    async def test_one_that_is_buried_is_decided(self, slots_data: None, database: Databases):
        stores = postgresql_stores()
        requests, waiting, records = stores.requests, stores.waiting, stores.records
        async with database("reservation").begin() as tx:
            basket = await self.submit(tx)
            assert await records.results(tx, [basket.id]) == []
            await requests.bury(tx, basket.id, "cannot_be_decided", now(), error="ValueError", sqlstate=None)
            assert await waiting.claim(tx, [basket.id]) == []
            assert [record.state for record in await records.results(tx, [basket.id])] == ["FAILED"]
