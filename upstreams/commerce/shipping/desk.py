"""What a seller does with its orders: prepare, send in one parcel or several, follow, deliver."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from config.clock import Clock
from config.connections import Database, Transaction
from config.entropy import Entropy
from config.problem import Problem
from notifications.notice import NoticeKind
from upstreams.commerce.ordering.changes import Changes
from upstreams.commerce.ordering.purchase import NO_SUCH_ORDER, OrderLine, Purchase, SellerOrder
from upstreams.commerce.ordering.states import NOT_NOW, ShipmentState
from upstreams.commerce.shipping.shipment import NO_SUCH_SHIPMENT, NOT_TO_SHIP, Shipment
from upstreams.commerce.stores import Stores
from upstreams.door.person import Person
from upstreams.trade.allocation import Taken
from upstreams.trade.idempotency import digest_of
from upstreams.trade.stock import Movement


@dataclass(frozen=True, slots=True)
class Parcel:
    """What is to go out: so many of each thing, or all that is left where none is named."""

    carrier: str
    tracking: str
    quantities: Mapping[str, int]


class ShippingDesk:
    """Orders of one seller on their way."""

    def __init__(self, database: Database, stores: Stores, changes: Changes, clock: Clock, entropy: Entropy) -> None:
        self._database = database
        self._stores = stores
        self._changes = changes
        self._clock = clock
        self._entropy = entropy

    async def orders(
        self, seller: UUID, *, state: str | None = None, before: UUID | None = None, limit: int = 50
    ) -> Sequence[Purchase]:
        """Its paid orders, the newest first."""
        async with self._database.connect() as tx:
            return await self._stores.purchases.for_seller(tx, seller, state=state, before=before, limit=limit)

    async def order(self, seller: UUID, ident: UUID) -> tuple[Purchase, SellerOrder, Sequence[Shipment]]:
        """One of its orders, with its parcels. Raises `NO_SUCH_ORDER`."""
        async with self._database.begin() as tx:
            bought, order = await self._own(tx, seller, ident)
            return bought, order, await self._stores.shipments.of(tx, [ident])

    async def prepare(self, person: Person, seller: UUID, ident: UUID) -> None:
        """It is being prepared. Asked again, nothing changes. Raises `NO_SUCH_ORDER`, `NOT_NOW`."""
        now = self._clock.now()
        async with self._database.begin() as tx:
            bought, order = await self._own(tx, seller, ident)
            if order.state == "preparing":
                return
            await self._stores.purchases.move_order(tx, order, "preparing", now, actor=person.id)
            await self._changes.telling.happened(tx, bought, "preparing", now)
        await self._changes.telling.poke()

    async def ship(self, person: Person, seller: UUID, ident: UUID, parcel: Parcel, key: str) -> UUID:
        """A parcel goes out, once for each key; what is in it leaves the shelves. The parcel.

        Raises `NO_SUCH_ORDER`, `NOT_NOW`, `NOT_TO_SHIP`, `KEY_REUSED`.
        """
        now, made = self._clock.now(), self._entropy.uuid()
        digest = digest_of("ship", [str(ident), parcel.carrier, parcel.tracking, dict(parcel.quantities)])
        async with self._database.begin() as tx:
            earlier = await self._stores.keys.claim(tx, person.id, key, digest, now, result=made)
            if earlier is not None:
                assert earlier.result is not None
                return earlier.result
            bought, order = await self._own(tx, seller, ident)
            if order.state not in ("paid", "preparing", "shipping"):
                raise Problem(NOT_NOW, f"It is {order.state}.")
            lines = chosen(order.lines, parcel.quantities)
            shipment = Shipment(made, ident, "shipped", parcel.carrier, parcel.tracking, now, lines)
            await self._stores.stock.lock(tx, {one.sku for one in lines})
            moves = [
                Movement("ship", str(made), one.sku, one.warehouse, on_hand=-one.quantity, allocated=-one.quantity)
                for one in lines
            ]
            await self._stores.stock.move(tx, moves, now)
            await self._stores.shipments.open(tx, shipment)
            await self._stores.purchases.count(tx, ident, "shipped", lines)
            await self._stores.purchases.note(
                tx, ident, "shipment", made, (None, "shipped"), now, actor=person.id, note=parcel.tracking
            )
            await self._changes.follow_shipments(tx, bought, _after(order, lines), now, actor=person.id)
            await self._changes.telling.happened(tx, bought, "shipped", now)
            more = {"carrier": parcel.carrier, "tracking": parcel.tracking}
            await self._changes.telling.buyer(tx, NoticeKind.ORDER_SHIPPED, bought, now, more=more)
        await self._changes.telling.poke()
        return made

    async def track(
        self, person: Person, seller: UUID, ident: UUID, shipment: UUID, to: ShipmentState, note: str = ""
    ) -> None:
        """Where a parcel is. Asked again, nothing changes.

        Raises `NO_SUCH_ORDER`, `NO_SUCH_SHIPMENT`, `NOT_NOW`.
        """
        now = self._clock.now()
        async with self._database.begin() as tx:
            bought, order = await self._own(tx, seller, ident)
            found = next((one for one in await self._stores.shipments.of(tx, [ident]) if one.id == shipment), None)
            if found is None:
                raise Problem(NO_SUCH_SHIPMENT)
            if found.state == to:
                return
            await self._stores.shipments.move(tx, found, to, now)
            await self._stores.purchases.note(
                tx, ident, "shipment", shipment, (found.state, to), now, actor=person.id, note=note
            )
            await self._changes.follow_shipments(tx, bought, order, now, actor=person.id)
            await self._changes.telling.happened(tx, bought, to, now)
        await self._changes.telling.poke()

    async def _own(self, tx: Transaction, seller: UUID, ident: UUID) -> tuple[Purchase, SellerOrder]:
        """One of a seller's paid orders, locked with its purchase. Raises `NO_SUCH_ORDER`."""
        purchase = await self._stores.purchases.of_order(tx, ident)
        bought = await self._stores.purchases.lock(tx, purchase) if purchase else None
        order = bought.of(ident) if bought else None
        if bought is None or order is None or order.seller != seller or bought.state in ("received", "released"):
            raise Problem(NO_SUCH_ORDER)
        return bought, order


def chosen(lines: Sequence[OrderLine], wanted: Mapping[str, int]) -> list[Taken]:
    """What goes into a parcel. Raises `NOT_TO_SHIP`."""
    asked = dict(wanted)
    if not asked:
        for line in lines:
            asked[line.taken.sku] = asked.get(line.taken.sku, 0) + line.to_ship
    parcel = []
    for line in lines:
        part = min(asked.get(line.taken.sku, 0), line.to_ship)
        if part > 0:
            asked[line.taken.sku] -= part
            parcel.append(Taken(line.taken.sku, line.taken.warehouse, part))
    if not parcel or any(asked.values()):
        raise Problem(NOT_TO_SHIP)
    return parcel


def _after(order: SellerOrder, parcel: Sequence[Taken]) -> SellerOrder:
    went = {(one.sku, one.warehouse): one.quantity for one in parcel}
    lines = [
        replace(line, shipped=line.shipped + went.get((line.taken.sku, line.taken.warehouse), 0))
        for line in order.lines
    ]
    return replace(order, lines=lines)
