"""What the tests do with the marketplace, and the proof that money, stock and orders agree."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID, uuid4

import sqlalchemy as sa

from config.clock import SystemClock
from config.connections import Database
from notifications.storage.tables import message
from tests.clock import FakeClock
from tests.upstreams.conftest import Client, Databases, Someone
from tests.upstreams.payments.sandbox_process import GOOD, SILENT, pay
from upstreams.commerce.faults import Faults, Point
from upstreams.commerce.order_worker import Work
from upstreams.commerce.storage.order_tables import ledger_entry, payments, seller_member
from upstreams.commerce.storage.tables import order_line, purchase, seller_order, trade
from upstreams.door.demo_shop import ident
from upstreams.trade.payments.provider import Provider
from upstreams.trade.storage.stock import StoredStock

HOUSE, TEA, FARM = (ident("seller", code) for code in ("dalbit", "boseong-tea", "jeju-farm"))
JAR, SEJAK, HONEY = (
    ident("offer", code) for code in ("dalbit:JAR-WHITE", "boseong-tea:TEA-SEJAK", "jeju-farm:HONEY-JEJU")
)
ADDRESS = {"recipient": "김하늘", "postcode": "04524", "address": "서울 중구 세종대로 110", "phone": "+821012345678"}
TRANSFER = 1
"""The driver of transfers."""


class Cut(Exception):
    """The process is gone at this point."""


class TestFaults(Faults):
    """Breaks off once, where it is told to."""

    __test__ = False

    def __init__(self) -> None:
        self.wanted: Point | None = None
        self.met: list[Point] = []

    async def at(self, point: Point) -> None:
        self.met.append(point)
        if point == self.wanted:
            self.wanted = None
            raise Cut(point)


def lines(**quantities: int) -> list[dict[str, Any]]:
    """By `jar`, `tea`, `honey`."""
    offers = {"jar": JAR, "tea": SEJAK, "honey": HONEY}
    return [{"offer": str(offers[name]), "quantity": count} for name, count in quantities.items()]


def key() -> dict[str, str]:
    return {"Idempotency-Key": uuid4().hex}


@dataclass
class Market:
    """A shop, its worker, its clock."""

    client: Client
    work: Work
    clock: FakeClock
    impatient: Provider
    databases: Databases
    faults: TestFaults = field(default_factory=TestFaults)

    @property
    def database(self) -> Database:
        return self.databases("owner")

    async def placed(
        self, *, client: Client | None = None, paying: str = "card", address: bool = True, **quantities: int
    ) -> dict[str, Any]:
        """An order that waits for its payment."""
        body: dict[str, Any] = {"lines": lines(**quantities), "paying": paying}
        if address:
            body["destination"] = ADDRESS
        answer = await (client or self.client).post("/api/orders", json=body, headers=key())
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def authorised(self, order: str, card: str = GOOD) -> None:
        """Its payment, with a card typed, and its person back."""
        begun = await self.client.post(f"/api/orders/{order}/payments", json={})
        assert begun.status_code == 201, begun.text
        if card in SILENT:
            self.work = replace(
                self.work, drivers=[replace(one, provider=self.impatient) for one in self.work.drivers[:1]]
            )
        led = await pay(begun.json()["checkout"]["url"], card)
        back = await self.client.get(f"/orders/{order}/payments/back", params=led)
        assert back.status_code == 303

    async def driven(self, *, rounds: int = 12) -> None:
        """Until nothing is due any more, the clock moving on as far as the next thing that is."""
        for _ in range(rounds):
            async with asyncio.timeout(20):
                while await self.work.drive():
                    pass
            async with self.database.connect() as tx:
                query = sa.union_all(
                    *(sa.select(table.c.next_attempt_at) for table in (payments.payment, payments.refund))
                ).subquery()
                soon = await tx.scalar(sa.select(sa.func.min(query.c.next_attempt_at)))
            if soon is None:
                return
            self.clock.advance(max(0.0, (soon - self.clock.now()).total_seconds()) + 0.001)

    async def paid(self, *, card: str = GOOD, **quantities: int) -> dict[str, Any]:
        """An order that is paid."""
        order = await self.placed(**quantities)
        await self.authorised(order["id"], card)
        await self.driven()
        found = await self.read(order["id"])
        assert found["state"] == "paid"
        return found

    async def read(self, order: str) -> dict[str, Any]:
        answer = await self.client.get(f"/api/orders/{order}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def vendor(self, seller: UUID) -> Client:
        """Somebody who acts for a seller."""
        someone = Someone.new("판매자")
        async with self.database.begin() as tx:
            await tx.execute(
                sa.insert(seller_member).values(seller=seller, person=someone.id, since=SystemClock().now())
            )
        return self.client.of(someone)

    def administrator(self) -> Client:
        someone = Someone.new("관리자")
        subject = replace_roles(someone)
        return self.client.of(subject)

    async def shipped(self, vendor: Client, part: str, things: dict[str, int] | None = None) -> str:
        """A parcel of it, and where it is: on its way."""
        body = {
            "carrier": "cj",
            "tracking": "123456789012",
            "lines": [{"sku": sku, "quantity": count} for sku, count in (things or {}).items()],
        }
        answer = await vendor.post(f"/api/vendor/orders/{part}/shipments", json=body, headers=key())
        assert answer.status_code == 201, answer.text
        parcel: str = answer.json()["id"]
        return parcel

    async def delivered(self, vendor: Client, part: str, parcel: str) -> None:
        answer = await vendor.post(
            f"/api/vendor/orders/{part}/shipments/{parcel}/tracking", json={"state": "delivered"}
        )
        assert answer.status_code == 200, answer.text

    async def balances(self) -> dict[str, int]:
        """What stands on each account, sellers together."""
        async with self.database.connect() as tx:
            query = sa.select(ledger_entry.c.account, sa.func.sum(ledger_entry.c.amount)).group_by(
                ledger_entry.c.account
            )
            return {account: int(amount) for account, amount in await tx.execute(query) if amount}

    async def mails(self) -> list[tuple[str, str]]:
        """(kind, channel) of what is queued, in its order."""
        async with self.database.connect() as tx:
            rows = await tx.execute(sa.select(message.c.kind, message.c.channel).order_by(message.c.created_at))
            return sorted((row.kind, row.channel) for row in rows)

    async def agree(self) -> None:
        """Money, stock and orders agree: whatever was cut off before."""
        async with self.database.connect() as tx:
            assert await StoredStock(trade).unproven(tx) == []
            assert await self.work.stores.ledger.unbalanced(tx) == []
            stock, line, order, bought = trade.stock.c, order_line.c, seller_order.c, purchase.c
            promised = (
                sa.select(
                    line.sku, line.warehouse, sa.func.sum(line.quantity - line.shipped - line.cancelled).label("n")
                )
                .join(seller_order, order.id == line.seller_order)
                .join(purchase, bought.id == order.purchase)
                .where(bought.state.in_(("paid", "cancelled")))
                .group_by(line.sku, line.warehouse)
                .subquery()
            )
            held = (
                sa.select(line.sku, line.warehouse, sa.func.sum(line.quantity).label("n"))
                .join(seller_order, order.id == line.seller_order)
                .join(purchase, bought.id == order.purchase)
                .where(bought.state == "received")
                .group_by(line.sku, line.warehouse)
                .subquery()
            )
            query = (
                sa.select(stock.sku, stock.held, stock.allocated, held.c.n, promised.c.n)
                .outerjoin(held, sa.and_(held.c.sku == stock.sku, held.c.warehouse == stock.warehouse))
                .outerjoin(promised, sa.and_(promised.c.sku == stock.sku, promised.c.warehouse == stock.warehouse))
            )
            for sku, is_held, is_allocated, should_hold, should_allocate in await tx.execute(query):
                assert (sku, is_held, is_allocated) == (sku, should_hold or 0, should_allocate or 0)
            # whoever's order is paid has paid its total, and nobody else's money is kept
            captured = (
                sa.select(payments.payment.c.subject, sa.func.sum(payments.money_movement.c.amount).label("n"))
                .join(payments.money_movement, payments.money_movement.c.payment == payments.payment.c.id)
                .where(payments.money_movement.c.kind == "capture")
                .group_by(payments.payment.c.subject)
                .subquery()
            )
            rows = await tx.execute(
                sa.select(bought.id, bought.state, bought.total, captured.c.n).outerjoin(
                    captured, captured.c.subject == bought.id
                )
            )
            for _, state, total, taken in rows:
                assert state not in ("paid", "cancelled") or taken == total
                assert state != "received" or taken is None


def replace_roles(someone: Someone) -> Someone:
    """Somebody who administers."""
    subject = someone.subject
    return Someone(
        someone.id,
        type(subject)(sid=subject.sid, sub=subject.sub, name=subject.name, locale="en", roles=("administrator",)),
    )
