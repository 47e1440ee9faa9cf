"""From what is wanted to a purchase, in one transaction, once for each idempotency key."""

from __future__ import annotations

from uuid import UUID

from config.clock import Clock
from config.connections import Database, Transaction
from config.entropy import Entropy
from config.problem import Problem
from upstreams.commerce.ordering import (
    NOT_OFFERED,
    REFUSALS,
    SOLD_OUT,
    Purchase,
    Wanted,
    not_offered,
    plan,
)
from upstreams.commerce.stores import Stores
from upstreams.door.person import Person
from upstreams.trade.idempotency import digest_of
from upstreams.trade.stock import Movement


class Checkout:
    """Places orders. What it refused, it refuses again under the same key."""

    def __init__(self, database: Database, stores: Stores, clock: Clock, entropy: Entropy) -> None:
        self._database = database
        self._clock = clock
        self._entropy = entropy
        self._stores = stores

    async def place(self, person: Person, wanted: Wanted, key: str) -> Purchase:
        """The purchase. Raises the problems `SOLD_OUT`, `NOT_OFFERED` and `KEY_REUSED`."""
        digest = digest_of("order", {str(offer): quantity for offer, quantity in wanted.items()})
        async with self._database.begin() as tx:
            earlier = await self._stores.keys.claim(tx, person.id, key, digest, self._clock.now())
            if earlier is not None:
                if earlier.refusal is not None:
                    raise Problem(REFUSALS[earlier.refusal])
                assert earlier.result is not None
                bought = await self._stores.purchases.find(tx, earlier.result, person.id)
                assert bought is not None
                return bought
            made = await self._make(tx, person, wanted)
            if isinstance(made, Purchase):
                await self._stores.keys.settle(tx, person.id, key, result=made.id)
            else:
                await self._stores.keys.settle(tx, person.id, key, refusal=made)
        if isinstance(made, Purchase):
            return made
        raise Problem(REFUSALS[made])

    async def _make(self, tx: Transaction, person: Person, wanted: Wanted) -> Purchase | str:
        """The purchase written, or the code of the refusal with nothing changed."""
        offers = await self._stores.catalogue.offers(tx, wanted)
        if not_offered(wanted, offers):
            return NOT_OFFERED.code
        owners = await self._stores.catalogue.warehouses(tx, {offer.seller for offer in offers})
        shelves = await self._stores.stock.lock(tx, {offer.sku for offer in offers}, warehouses=owners)
        now = self._clock.now()
        bought = plan(
            wanted,
            offers,
            shelves,
            owners,
            person=person.id,
            organisation=person.organisation,
            now=now,
            entropy=self._entropy,
        )
        if bought is None:
            return SOLD_OUT.code
        await self._stores.purchases.place(tx, bought)
        await self._stores.stock.move(tx, _allocations(bought.id, bought), now)
        return bought


def _allocations(cause: UUID, bought: Purchase) -> list[Movement]:
    return [
        Movement("allocate", str(cause), line.taken.sku, line.taken.warehouse, allocated=line.taken.quantity)
        for order in bought.orders
        for line in order.lines
    ]
