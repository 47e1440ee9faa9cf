"""Cancelling and sending back, in one transaction: the order, its stock, the split undone, what goes back.

Whatever fails undoes all of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from config.clock import Clock
from config.connections import Database, Transaction
from config.entropy import Entropy
from config.problem import Problem
from notifications.notice import NoticeKind
from upstreams.commerce.faults import NONE, Faults
from upstreams.commerce.ledger.booking import taken_back
from upstreams.commerce.ledger.split import vat_within
from upstreams.commerce.ordering.changes import Changes
from upstreams.commerce.ordering.purchase import NO_SUCH_ORDER, OrderLine, Purchase, SellerOrder
from upstreams.commerce.ordering.states import NOT_NOW, CancellationState
from upstreams.commerce.ordering.withdrawal import (
    NO_SUCH_CANCELLATION,
    Withdrawal,
    cancelled,
    sent_back,
    whole_is_cancelled,
    worth_of,
)
from upstreams.commerce.paying.desk import UNDER_WAY, PaymentDesk
from upstreams.commerce.stores import Stores
from upstreams.door.person import Person
from upstreams.trade.idempotency import digest_of
from upstreams.trade.money import Money
from upstreams.trade.payments.refund import Refund
from upstreams.trade.stock import Movement


class WithdrawalDesk:
    """Cancels orders, takes goods back, and says what people thought of them."""

    def __init__(
        self,
        database: Database,
        stores: Stores,
        changes: Changes,
        payments: PaymentDesk,
        clock: Clock,
        entropy: Entropy,
        faults: Faults = NONE,
    ) -> None:
        self._database = database
        self._stores = stores
        self._changes = changes
        self._payments = payments
        self._clock = clock
        self._entropy = entropy
        self._faults = faults

    async def abandon(self, person: Person, purchase: UUID) -> None:
        """Give up an order that is not paid yet; asked again, nothing changes.

        Raises `NO_SUCH_ORDER`, `NOT_NOW`, `UNDER_WAY`.
        """
        now = self._clock.now()
        async with self._database.begin() as tx:
            bought = await self._stores.purchases.lock(tx, purchase)
            if bought is None or bought.person != person.id:
                raise Problem(NO_SUCH_ORDER)
            if bought.state == "released":
                return
            if (await self._payments.standing(tx, bought)).is_under_way:
                raise Problem(UNDER_WAY)
            await self._changes.release(tx, bought, "given up", now, end="released")
        await self._changes.telling.poke()

    async def cancel(
        self, person: Person, purchase: UUID, order: UUID, wanted: Mapping[str, int], reason: str, key: str
    ) -> Withdrawal:
        """Cancel what has not gone out, some or all of it, once for each key.

        Raises `NO_SUCH_ORDER`, `NOT_NOW`, `NOT_LEFT`, `KEY_REUSED`.
        """
        now, ident = self._clock.now(), self._entropy.uuid()
        async with self._database.begin() as tx:
            bought, found = await self._own(tx, person, purchase, order)
            if earlier := await self._claimed(
                tx, person, key, ["cancel", str(order), dict(wanted), reason], ident, now
            ):
                return earlier
            made = cancelled(found, wanted, ident=ident, person=person.id, reason=reason, now=now)
            whole = whole_is_cancelled(found, made)
            await self._stores.withdrawals.write(tx, made)
            await self._stores.stock.lock(tx, {one.sku for one in made.lines})
            moves = [
                Movement("cancel", str(ident), one.sku, one.warehouse, allocated=-one.quantity) for one in made.lines
            ]
            await self._stores.stock.move(tx, moves, now)
            await self._stores.purchases.count(tx, order, "cancelled", made.lines, shipping=made.shipping)
            await self._stores.purchases.note(
                tx, order, "cancellation", ident, (None, "done"), now, actor=person.id, note=reason
            )
            await self._give_back(tx, bought, found, made, now)
            if whole:
                await self._stores.purchases.move_order(tx, found, "cancelled", now, actor=person.id, note=reason)
                if all(one.state == "cancelled" for one in bought.orders if one.id != order):
                    await self._stores.purchases.move(tx, bought, "cancelled")
            else:
                await self._changes.follow_shipments(tx, bought, _less(found, made), now, actor=person.id)
            await self._changes.telling.happened(tx, bought, "cancelled", now)
            extent = {"extent": "whole" if whole else "part"}
            money = Money(made.refund, bought.total.currency)
            await self._changes.telling.buyer(tx, NoticeKind.ORDER_CANCELLED, bought, now, more=extent, refund=money)
            await self._faults.at("cancelled")
        await self._changes.telling.poke()
        await self._payments.poke()
        return made

    async def send_back(
        self, person: Person, purchase: UUID, order: UUID, wanted: Mapping[str, int], reason: str, key: str
    ) -> Withdrawal:
        """Ask to send back what arrived, once for each key.

        Raises `NO_SUCH_ORDER`, `NOT_NOW`, `NOT_LEFT`, `TOO_LATE`, `KEY_REUSED`.
        """
        now, ident = self._clock.now(), self._entropy.uuid()
        async with self._database.begin() as tx:
            bought, found = await self._own(tx, person, purchase, order)
            if earlier := await self._claimed(
                tx, person, key, ["return", str(order), dict(wanted), reason], ident, now
            ):
                return earlier
            delivered: Counter[tuple[str, str]] = Counter()
            last: datetime | None = None
            for parcel in await self._stores.shipments.of(tx, [order]):
                if parcel.delivered_at is not None:
                    last = max(last or parcel.delivered_at, parcel.delivered_at)
                    for one in parcel.lines:
                        delivered[one.sku, one.warehouse] += one.quantity
            made = sent_back(
                found, delivered, wanted, ident=ident, person=person.id, reason=reason, now=now, last_delivery=last
            )
            await self._stores.withdrawals.write(tx, made)
            await self._stores.purchases.note(
                tx, order, "cancellation", ident, (None, "requested"), now, actor=person.id, note=reason
            )
            await self._changes.telling.happened(tx, bought, "return_requested", now)
            await self._changes.telling.seller(tx, NoticeKind.ORDER_SENT_BACK, bought, found, now)
        await self._changes.telling.poke()
        return made

    async def answer(
        self, person: Person, seller: UUID, order: UUID, ident: UUID, to: CancellationState, note: str = ""
    ) -> Withdrawal:
        """What a seller says of a return: accepted, refused, or done: the goods are back, and the money goes back.

        Asked again, nothing changes. Raises `NO_SUCH_ORDER`, `NO_SUCH_CANCELLATION`, `NOT_NOW`.
        """
        now = self._clock.now()
        async with self._database.begin() as tx:
            purchase = await self._stores.purchases.of_order(tx, order)
            bought = await self._stores.purchases.lock(tx, purchase) if purchase else None
            found = bought.of(order) if bought else None
            if bought is None or found is None or found.seller != seller:
                raise Problem(NO_SUCH_ORDER)
            made = next((one for one in await self._stores.withdrawals.of(tx, [order]) if one.id == ident), None)
            if made is None or made.kind != "return":
                raise Problem(NO_SUCH_CANCELLATION)
            if made.state == to:
                return made
            before = made.state
            if to == "done":
                goods, commission = worth_of(found, made.lines)
                made = replace(made, goods=goods, commission=commission)
            await self._stores.withdrawals.move(tx, made, to, now)
            await self._stores.purchases.note(
                tx, order, "cancellation", ident, (before, to), now, actor=person.id, note=note
            )
            if to == "done":
                await self._stores.stock.lock(tx, {one.sku for one in made.lines})
                back = [
                    Movement("return", str(ident), one.sku, one.warehouse, on_hand=one.quantity) for one in made.lines
                ]
                await self._stores.stock.move(tx, back, now)
                await self._stores.purchases.count(tx, order, "returned", made.lines)
                await self._give_back(tx, bought, found, made, now)
            await self._changes.telling.happened(tx, bought, f"return_{to}", now)
        await self._changes.telling.poke()
        await self._payments.poke()
        return replace(made, state=to, done_at=now if to == "done" else None)

    async def say(self, person: Person, purchase: UUID, order: UUID, stars: int, words: str) -> bool:
        """What a person thinks of a completed order; False where they said it before.

        Raises `NO_SUCH_ORDER`, `NOT_NOW`.
        """
        now = self._clock.now()
        async with self._database.begin() as tx:
            _, found = await self._own(tx, person, purchase, order)
            if found.state != "completed":
                raise Problem(NOT_NOW, f"It is {found.state}.")
            return await self._stores.withdrawals.say(tx, order, person.id, stars, words, now)

    async def _give_back(
        self, tx: Transaction, bought: Purchase, order: SellerOrder, made: Withdrawal, now: datetime
    ) -> None:
        """The split undone, the invoice taken back by so much, and the refund asked for."""
        money = Money(made.refund, bought.total.currency)
        if not money.minor:
            return
        booking = taken_back(
            made.id,
            order.seller,
            money,
            made.commission,
            delivered=order.state == "completed",
            kind="returned" if made.kind == "return" else "cancelled",
        )
        await self._stores.ledger.book(tx, booking, now)
        invoiced = await self._stores.ledger.invoices(tx, [order.id])
        standing = Money(sum(one.total.minor for one in invoiced), money.currency)
        left = Money(standing.minor - money.minor, money.currency)
        parts = [after + before * -1 for before, after in zip(vat_within(standing), vat_within(left), strict=True)]
        await self._stores.ledger.invoice(tx, order.id, order.seller, made.id, (parts[0], parts[1]), now)
        payment = await self._stores.payments.of(tx, bought.id)
        assert payment is not None  # it was paid
        refund = Refund(self._entropy.uuid(), payment.id, "cancelled", made.id, money, "requested", now)
        await self._stores.refunds.request(tx, refund, now)

    async def _claimed(
        self, tx: Transaction, person: Person, key: str, asked: Sequence[object], ident: UUID, now: datetime
    ) -> Withdrawal | None:
        earlier = await self._stores.keys.claim(tx, person.id, key, digest_of("withdrawal", asked), now, result=ident)
        if earlier is None:
            return None
        found = await self._stores.withdrawals.of(tx, [UUID(str(asked[1]))])
        return next(one for one in found if one.id == earlier.result)

    async def _own(self, tx: Transaction, person: Person, purchase: UUID, order: UUID) -> tuple[Purchase, SellerOrder]:
        bought = await self._stores.purchases.lock(tx, purchase)
        found = bought.of(order) if bought else None
        if bought is None or found is None or bought.person != person.id:
            raise Problem(NO_SUCH_ORDER)
        return bought, found


def _less(order: SellerOrder, made: Withdrawal) -> SellerOrder:
    gone = {(one.sku, one.warehouse): one.quantity for one in made.lines}

    def less(line: OrderLine) -> OrderLine:
        return replace(line, cancelled=line.cancelled + gone.get((line.taken.sku, line.taken.warehouse), 0))

    return replace(order, lines=[less(line) for line in order.lines])
