"""What can be done to a locked purchase within the caller's transaction: pay it, release it, complete an order."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from config.connections import Transaction
from notifications.notice import NoticeKind
from upstreams.commerce.ledger.booking import Earned, earned, sale
from upstreams.commerce.ledger.split import vat_within
from upstreams.commerce.ordering.purchase import Purchase, SellerOrder
from upstreams.commerce.ordering.states import follows_shipments
from upstreams.commerce.ordering.telling import Telling
from upstreams.commerce.stores import Stores
from upstreams.trade.holds import End
from upstreams.trade.money import Money


@dataclass(frozen=True, slots=True)
class Changes:
    """Changes of purchases that somebody has locked."""

    stores: Stores
    telling: Telling

    async def pay(self, tx: Transaction, bought: Purchase, payment: UUID | None, now: datetime) -> None:
        """Its money is there and it is held: it is everybody's order from here on. Raises `NOT_NOW`."""
        await self.stores.purchases.move(tx, bought, "paid")
        for order in bought.orders:
            await self.stores.purchases.move_order(tx, order, "paid", now, actor=None)
        assert bought.hold is not None  # whatever is placed is held
        await self.stores.holds.end(tx, [bought.hold], "confirmed", now)
        if payment is not None:
            parts = [Earned(one.seller, one.total.minor, one.commission.minor) for one in bought.orders]
            await self.stores.ledger.book(tx, sale(payment, bought.total, parts), now)
        vat = 0
        # in one order, as everybody numbers them, so that nobody waits in a circle
        for order in sorted(bought.orders, key=lambda one: one.seller):
            supply, tax = vat_within(order.total)
            vat += tax.minor
            await self.stores.ledger.invoice(tx, order.id, order.seller, order.id, (supply, tax), now)
            await self.telling.seller(tx, NoticeKind.ORDER_FOR_SELLER, bought, order, now)
        await self.telling.happened(tx, bought, "paid", now)
        await self.telling.buyer(
            tx,
            NoticeKind.ORDER_CONFIRMED,
            bought,
            now,
            goods=bought.goods,
            shipping=bought.shipping,
            vat=Money(vat, bought.total.currency),
            paid=bought.total,
        )

    async def release(self, tx: Transaction, bought: Purchase, why: str, now: datetime, *, end: End) -> None:
        """Nobody paid, or could: others may have what was held. Raises `NOT_NOW`."""
        await self.stores.purchases.move(tx, bought, "released")
        for order in bought.orders:
            await self.stores.purchases.move_order(tx, order, "cancelled", now, actor=None, note=why)
        assert bought.hold is not None
        await self.stores.holds.end(tx, [bought.hold], end, now)
        await self.telling.happened(tx, bought, "released", now)

    async def follow_shipments(
        self, tx: Transaction, bought: Purchase, order: SellerOrder, now: datetime, *, actor: UUID | None
    ) -> None:
        """The order becomes what its shipments say; what is complete is earned, and its buyer asked how it was."""
        shipments = await self.stores.shipments.of(tx, [order.id])
        to = follows_shipments(
            [line.kept for line in order.lines],
            [line.shipped for line in order.lines],
            [one.state for one in shipments],
            order.state,
        )
        if to is None:
            return
        await self.stores.purchases.move_order(tx, order, to, now, actor=actor)
        if to == "shipping":
            await self.follow_shipments(tx, bought, replace(order, state=to), now, actor=actor)
            return
        back = await self.stores.withdrawals.of(tx, [order.id])
        done = [one for one in back if one.state == "done"]
        net = order.total.minor - order.commission.minor - sum(one.refund - one.commission for one in done)
        if net:
            await self.stores.ledger.book(tx, earned(order.id, order.seller, Money(net, order.total.currency)), now)
        await self.telling.happened(tx, bought, "completed", now)
        await self.telling.buyer(tx, NoticeKind.ORDER_DELIVERED, bought, now)
