"""From what is wanted to a purchase, in one transaction, once for each idempotency key.

Stock, hold, order and payment intent commit together. What is held is kept until it is paid, or its time is over.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from uuid import UUID

from config.clock import Clock
from config.connections import Database, Transaction
from config.entropy import Entropy
from config.problem import Problem
from notifications.notice import NoticeKind
from upstreams.commerce.faults import NONE, Faults
from upstreams.commerce.ordering.changes import Changes
from upstreams.commerce.ordering.planning import COLLECT_ALL, Choices, NotDelivered, not_offered, plan, quote
from upstreams.commerce.ordering.purchase import (
    NOT_DELIVERED_SO,
    NOT_OFFERED,
    REFUSALS,
    SOLD_OUT,
    TOTAL_CHANGED,
    Purchase,
    Wanted,
    called,
)
from upstreams.commerce.stores import Stores
from upstreams.door.person import Person
from upstreams.trade.holds import Hold
from upstreams.trade.idempotency import digest_of
from upstreams.trade.payments.payment import GRACE, Payment

HELD_FOR = timedelta(minutes=30)
"""How long an order waits for its payment by card or wallet."""
DEPOSIT_WITHIN = timedelta(days=3)
"""How long it waits for a deposit."""
AT_ONCE = 8
"""Orders that one process places at once: whoever waits for a thing that everybody wants waits here, not with a
connection that others could look around with."""
TRANSFERS = "transfer"
"""The provider of payments by bank transfer."""


class Checkout:
    """Places orders. What it refused, it refuses again under the same key."""

    def __init__(
        self,
        database: Database,
        stores: Stores,
        changes: Changes,
        clock: Clock,
        entropy: Entropy,
        provider: str,
        account: str,
        faults: Faults = NONE,
    ) -> None:
        """`provider`: the name of the one who takes cards and wallets; `account`: where transfers go."""
        self._database = database
        self._clock = clock
        self._entropy = entropy
        self._stores = stores
        self._changes = changes
        self._provider = provider
        self._account = account
        self._faults = faults
        self._turn = asyncio.Semaphore(AT_ONCE)

    async def place(
        self, person: Person, wanted: Wanted, key: str, choices: Choices = COLLECT_ALL, *, collected: bool = True
    ) -> Purchase:
        """The purchase. `collected`: of whom no way of delivery is named, it is collected.

        Raises the problems `SOLD_OUT`, `NOT_OFFERED`, `NOT_DELIVERED_SO`, `TOTAL_CHANGED` and `KEY_REUSED`.
        """
        digest, ident = digest_of("order", _asked(wanted, choices)), self._entropy.uuid()
        async with self._turn, self._database.begin() as tx:
            earlier = await self._stores.keys.claim(tx, person.id, key, digest, self._clock.now(), result=ident)
            if earlier is not None:
                if earlier.refusal is not None:
                    raise Problem(REFUSALS[earlier.refusal])
                assert earlier.result is not None
                bought = await self._stores.purchases.find(tx, earlier.result, person.id)
                assert bought is not None
                return bought
            made = await self._make(tx, ident, person, wanted, choices, collected=collected)
            if not isinstance(made, Purchase):
                await self._stores.keys.settle(tx, person.id, key, refusal=made)
            await self._faults.at("placed")
        if isinstance(made, Purchase):
            await self._faults.at("place_committed")
            await self._changes.telling.poke()
            return made
        raise Problem(REFUSALS[made])

    async def _make(
        self, tx: Transaction, ident: UUID, person: Person, wanted: Wanted, choices: Choices, *, collected: bool
    ) -> Purchase | str:
        """The purchase written, or the code of the refusal with nothing changed."""
        offers = await self._stores.catalogue.offers(tx, wanted)
        if not_offered(wanted, offers):
            return NOT_OFFERED.code
        if any((offer.available or 0) < wanted[offer.id] for offer in offers):
            return SOLD_OUT.code  # nobody waits for a lock to hear what can be seen without one
        sellers, skus = list({offer.seller for offer in offers}), [offer.sku for offer in offers]
        terms = await self._stores.terms.of(tx, sellers)
        weights = await self._stores.terms.weights(tx, skus)
        region = await self._stores.terms.region(tx, choices.destination.postcode) if choices.destination else None
        now = self._clock.now()
        try:
            quoted = quote(wanted, offers, terms, weights, region, choices, now, collected=collected)
            if choices.agreed not in (None, quoted.total.minor):
                return TOTAL_CHANGED.code
            owners = await self._stores.catalogue.warehouses(tx, sellers)
            shelves = await self._stores.stock.lock(tx, skus, warehouses=owners)
            bought = plan(
                quoted,
                shelves,
                owners,
                terms,
                choices,
                ident=ident,
                person=person.id,
                organisation=person.organisation,
                now=now,
                entropy=self._entropy,
            )
        except NotDelivered:
            return NOT_DELIVERED_SO.code
        if bought is None:
            return SOLD_OUT.code
        await self._write(tx, bought)
        return bought

    async def _write(self, tx: Transaction, bought: Purchase) -> None:
        now = bought.placed_at
        until = now + (DEPOSIT_WITHIN if bought.method == "transfer" else HELD_FOR)
        taken = [line.taken for order in bought.orders for line in order.lines]
        hold = Hold(bought.id, bought.person, taken, until)
        await self._stores.holds.open(tx, [hold], now, cause=str(bought.id))
        await self._stores.purchases.place(tx, bought)
        offers = [line.offer for order in bought.orders for line in order.lines]
        await self._stores.carts.bought(tx, bought.person, offers, now)
        await self._changes.telling.happened(tx, bought, "placed", now)
        if not bought.total.minor:
            await self._changes.pay(tx, bought, None, now)
            return
        payment = intent(self._entropy.uuid(), bought, until=until, provider=self._provider)
        await self._stores.payments.open(tx, payment, now)
        if bought.method == "transfer":
            more = {"account": self._account, "until": until.isoformat()}
            await self._changes.telling.buyer(
                tx, NoticeKind.ORDER_DEPOSIT, bought, now, more=more, goods=bought.goods, shipping=bought.shipping
            )


def intent(ident: UUID, bought: Purchase, *, until: datetime, provider: str) -> Payment:
    """The payment of a purchase that waits for it `until` a moment."""
    return Payment(
        id=ident,
        subject=bought.id,
        person=bought.person,
        amount=bought.total,
        name=called(bought, bought.locale)[:100],
        provider=TRANSFERS if bought.method == "transfer" else provider,
        state="created",
        expires_at=until,
        next_attempt_at=until + GRACE,
    )


def _asked(wanted: Wanted, choices: Choices) -> object:
    return {
        "lines": {str(offer): quantity for offer, quantity in wanted.items()},
        "methods": {str(seller): method for seller, method in choices.methods.items()},
        "destination": choices.destination,
        "paying": choices.paying,
    }
