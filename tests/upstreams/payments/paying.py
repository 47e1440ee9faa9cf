"""A house in small for payments: the reservation service on real engines, the sandbox's process, a clock."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID, uuid4

import sqlalchemy as sa

from config.clock import SystemClock
from config.connections import Database
from config.settings import Settings
from notifications.storage.tables import message
from tests.clock import FakeClock
from tests.upstreams.conftest import Client, Databases
from tests.upstreams.payments.sandbox_process import GOOD, SILENT, pay
from upstreams.reservation.queue import RequestQueue
from upstreams.reservation.storage import decisions
from upstreams.reservation.storage.tables import metadata, payments, reservation, reservation_event, trade
from upstreams.reservation.worker import Worker
from upstreams.trade.payments.driver import Driver
from upstreams.trade.payments.provider import Provider
from upstreams.trade.storage.stock import StoredStock

NIGHT = "NIGHT-HANOK"
PRICE = 180_000


@dataclass
class House:
    """What the tests do with it."""

    client: Client
    worker: Worker
    queue: RequestQueue
    driver: Driver
    settings: Settings
    clock: FakeClock
    impatient: Provider
    databases: Databases
    """`databases("owner")` sees everything."""

    @property
    def database(self) -> Database:
        return self.databases("owner")

    async def held(self, quantity: int = 1, sku: str = NIGHT, client: Client | None = None) -> str:
        """A reservation that is held."""
        answer = await (client or self.client).post(
            "/reservations",
            json={"lines": [{"sku": sku, "quantity": quantity}]},
            headers={"Idempotency-Key": uuid4().hex},
        )
        assert answer.status_code == 202, answer.text
        for shard in range(self.settings.reservation.shards):
            await self.queue.open(shard)
            while taken := await self.queue.take(shard, "test", count=64, wait=0.001):
                await self.worker.process(shard, taken)
        ident: str = answer.json()["id"]
        return ident

    async def begun(self, ident: str, client: Client | None = None) -> dict[str, Any]:
        """Its payment, begun."""
        answer = await (client or self.client).post(f"/reservations/{ident}/payments", json={})
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def authorised(self, ident: str, card: str = GOOD) -> dict[str, Any]:
        """Its payment, with a card typed, and its person back."""
        begun = await self.begun(ident)
        if card in SILENT:
            self.driver = replace(self.driver, provider=self.impatient)
        led = await pay(begun["checkout"]["url"], card)
        assert led["at"].endswith(f"/reservations/{ident}/payments/back")
        back = await self.client.get(f"/reservations/{ident}/payments/back", params=led)
        assert back.status_code == 303
        return begun

    async def driven(self, *, rounds: int = 12) -> None:
        """Until nothing is due any more, the clock moving on as far as the next thing that is."""
        for _ in range(rounds):
            async with asyncio.timeout(20):
                while await self.driver.drive():
                    pass
            async with self.database.connect() as tx:
                query = sa.union_all(
                    *(sa.select(table.c.next_attempt_at) for table in (payments.payment, payments.refund))
                ).subquery()
                soon = await tx.scalar(sa.select(sa.func.min(query.c.next_attempt_at)))
            if soon is None:
                return
            self.clock.advance(max(0.0, (soon - self.clock.now()).total_seconds()) + 0.001)

    async def paid(self, quantity: int = 1, card: str = GOOD) -> str:
        """A reservation that was paid for."""
        ident = await self.held(quantity)
        await self.authorised(ident, card)
        await self.driven()
        assert await self.state(ident) == "CONFIRMED"
        return ident

    def catch_up(self) -> None:
        """Let the driver's clock be past everything that the service, whose clock runs, has written."""
        behind = (SystemClock().now() - self.clock.now()).total_seconds()
        self.clock.advance(max(behind, 0.0) + 0.1)

    async def expired(self) -> int:
        """Give back what was held too long; how many reservations."""
        return await self.worker._reconciler._desk.expire(limit=10)

    async def state(self, ident: str) -> str:
        async with self.database.connect() as tx:
            found: str = (await tx.scalars(sa.select(reservation.c.state).where(reservation.c.id == ident))).one()
        return found

    async def history(self, ident: str) -> list[str]:
        async with self.database.connect() as tx:
            query = sa.select(reservation_event.c.to_state).where(reservation_event.c.reservation == ident)
            return list(await tx.scalars(query.order_by(reservation_event.c.id)))

    async def money(self) -> tuple[int, int]:
        """What was taken, and what is left of it, by our own movements."""
        amount = payments.money_movement.c.amount
        async with self.database.connect() as tx:
            taken = sa.func.coalesce(sa.func.sum(sa.case((amount > 0, amount), else_=0)), 0)
            row = (await tx.execute(sa.select(taken, sa.func.coalesce(sa.func.sum(amount), 0)))).one()
        return int(row[0]), int(row[1])

    async def stock(self, sku: str = NIGHT) -> tuple[int, int, int]:
        """(on hand, held, allocated), after the movements were found to prove every count."""
        stock = trade.stock.c
        async with self.database.connect() as tx:
            assert await StoredStock(trade).unproven(tx) == []
            query = sa.select(stock.on_hand, stock.held, stock.allocated).where(stock.sku == sku)
            row = (await tx.execute(query)).one()
        return row[0], row[1], row[2]

    async def mails(self) -> list[str]:
        """The kinds of the mails that are queued, by name."""
        async with self.database.connect() as tx:
            return list(await tx.scalars(sa.select(message.c.kind).order_by(message.c.kind)))

    async def told(self, ident: str) -> list[str]:
        """The kinds of what open pages are told of a reservation, in order."""
        result = metadata.tables["reservation.result"]
        async with self.database.connect() as tx:
            changes = await tx.scalars(
                sa.select(result.c.kind).where(result.c.reservation == ident).order_by(result.c.id)
            )
            decision = await decisions.of(tx, [UUID(ident)])
            return [*(event.news.kind for event in decision.values()), *changes]

    async def agree(self) -> None:
        """Money, stock and reservations say the same, and the provider with them."""
        async with self.database.connect() as tx:
            rows = (
                await tx.execute(
                    sa.select(payments.payment, reservation.c.state.label("of")).join(
                        reservation, reservation.c.id == payments.payment.c.subject
                    )
                )
            ).all()
            refunds = (await tx.execute(sa.select(payments.refund))).all()
            moved = (await tx.execute(sa.select(payments.money_movement))).all()
            stock = (await tx.execute(sa.select(trade.stock))).all()
            kept = (
                await tx.execute(
                    sa.select(
                        trade.hold_line.c.sku,
                        trade.hold.c.state,
                        sa.func.sum(trade.hold_line.c.quantity - trade.hold_line.c.given_back),
                    )
                    .join(trade.hold, trade.hold.c.id == trade.hold_line.c.hold)
                    .group_by(trade.hold_line.c.sku, trade.hold.c.state)
                )
            ).all()
            assert await StoredStock(trade).unproven(tx) == []
        counted = {(sku, state): count for sku, state, count in kept}
        for row in stock:
            assert row.held == counted.get((row.sku, "held"), 0)
            assert row.allocated == counted.get((row.sku, "confirmed"), 0)
        for row in rows:
            there = await self.driver.provider.look(str(row.id), "")
            ours = [one for one in refunds if one.payment == row.id]
            given = sum(one.amount for one in ours if one.state == "succeeded")
            assert sum(one.amount for one in moved if one.payment == row.id) == row.captured - given
            if there is not None:
                assert there.captured == row.captured
                assert sum(one.amount for one in there.refunds) == given
                assert sorted(one.key for one in there.refunds) == sorted(
                    str(one.id) for one in ours if one.state == "succeeded"
                )
            if row.of in ("CONFIRMED", "REFUNDED"):
                assert row.state == "captured" or any(
                    other.subject == row.subject and other.state == "captured" for other in rows
                )
            if row.of == "REFUNDED":
                assert ours
                assert all(one.state == "succeeded" for one in ours)
            if row.of in ("EXPIRED", "RELEASED", "CANCELLED"):
                assert row.given_back == row.captured or row.of == "CANCELLED"
