"""What a person asks of payments: begin, come back. The provider is called when nothing is open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from uuid import UUID

import structlog
from redis.exceptions import RedisError

from config import key_space
from config.clock import Clock
from config.connections import Database, Transaction, Valkey
from config.entropy import Entropy
from config.problem import Problem, ProblemType
from upstreams.commerce.faults import NONE, Faults
from upstreams.commerce.ordering.placing import TRANSFERS, intent
from upstreams.commerce.ordering.purchase import NO_SUCH_ORDER, Purchase
from upstreams.commerce.ordering.states import NOT_NOW
from upstreams.commerce.paying.transfer import BankRefund, Deposit, Transfers
from upstreams.commerce.stores import Stores
from upstreams.door.person import Person
from upstreams.trade.payments.payment import Payment, hinted, returned
from upstreams.trade.payments.payment import again as payment_again
from upstreams.trade.payments.provider import Checkout, Heard, Order, Provider, Refused, Uncertain
from upstreams.trade.payments.refund import Refund
from upstreams.trade.payments.refund import again as refund_again
from upstreams.trade.payments.refund import hinted as hinted_refund

UNDER_WAY = ProblemType(
    "MJ-COM-241",
    HTTPStatus.CONFLICT,
    "A payment is under way already",
    "Wait for its result; the order's page shows it. Do not pay a second time.",
)
PROVIDER_AWAY = ProblemType(
    "MJ-COM-242",
    HTTPStatus.SERVICE_UNAVAILABLE,
    "The payment provider does not answer",
    "Nothing was taken, and what you ordered is kept. Try again in a moment.",
)
NO_SUCH_PAYMENT = ProblemType(
    "MJ-COM-243", HTTPStatus.NOT_FOUND, "There is no such payment", "Look at what waits for money or a refund."
)
AT_ONCE = 200
"""Stuck payments and refunds that are shown at once."""
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Standing:
    """How the payment of a purchase stands."""

    payment: Payment | None
    refunds: Sequence[Refund] = ()
    held_until: datetime | None = None

    @property
    def is_under_way(self) -> bool:
        """Whether its person authorised it, and nobody knows yet what became of it."""
        return self.payment is not None and self.payment.state in ("confirming", "unknown")


class PaymentDesk:
    """Begins payments, and has them looked at."""

    def __init__(
        self,
        database: Database,
        valkey: Valkey,
        stores: Stores,
        providers: Mapping[str, Provider],
        transfers: Transfers,
        clock: Clock,
        entropy: Entropy,
        origin: str,
        faults: Faults = NONE,
    ) -> None:
        """`providers`: by name: the one of cards and wallets first, then transfers."""
        self._database = database
        self._valkey = valkey
        self._stores = stores
        self._providers = providers
        self._cards = next(iter(providers.values()))
        self._transfers = transfers
        self._clock = clock
        self._entropy = entropy
        self._origin = origin
        self._faults = faults

    @property
    def provider(self) -> Provider:
        """The one of cards and wallets."""
        return self._cards

    @property
    def pages(self) -> tuple[str, ...]:
        """The origins of the provider's pages that a form of ours may lead to."""
        return self._cards.pages

    async def begin(self, person: Person, ident: UUID) -> tuple[Payment, Checkout]:
        """A payment, and the way to the provider's page. Asked again, it is the same one.

        Raises `NO_SUCH_ORDER`, `NOT_NOW`, `UNDER_WAY`, `PROVIDER_AWAY`.
        """
        async with self._database.begin() as tx:
            bought = await self._own(tx, ident, person)
            payment = await self._payable(tx, bought)
        address = f"{self._origin}/orders/{ident}/payments/back"
        order = Order(
            key=str(payment.id),
            amount=payment.amount,
            name=payment.name,
            success=address,
            failure=address,
            webhook=f"{self._origin}/orders/payments/webhooks/{self._cards.name}",
            method=bought.method,
        )
        try:
            checkout = await self._providers[payment.provider].begin(order)
        except (Refused, Uncertain) as error:
            raise Problem(PROVIDER_AWAY, private=str(error), headers={"Retry-After": "5"}) from error
        await self._faults.at("begun")
        return payment, checkout

    async def came_back(self, person: Person, ident: UUID, reference: str) -> None:
        """Their browser came from the provider's page: look at once what became of it. Raises `NO_SUCH_ORDER`."""
        now = self._clock.now()
        await self._faults.at("returned")
        async with self._database.begin() as tx:
            await self._own(tx, ident, person)
            payment = await self._stores.payments.of(tx, ident)
            if payment is not None and payment.provider != TRANSFERS:
                await self._stores.payments.save(tx, payment, returned(payment, reference, now), now)
        await self.poke()

    async def heard(self, heard: Heard) -> bool:
        """A webhook came: look. Whether it spoke of a payment of ours that it had not spoken of before."""
        try:
            ident = UUID(heard.key)
        except ValueError:
            return False
        now = self._clock.now()
        async with self._database.begin() as tx:
            payment = await self._stores.payments.find(tx, ident)
            name = self._cards.name
            if payment is None or not await self._stores.payments.first_heard(tx, name, heard.event, now):
                return False
            await self._hint(tx, payment, now)
        await self.poke()
        return True

    async def note_deposit(self, by: UUID, payment: UUID, amount: int, reference: str) -> bool:
        """Money came by bank for a payment. False where that was noted before. Raises `NO_SUCH_PAYMENT`."""
        now = self._clock.now()
        async with self._database.begin() as tx:
            found = await self._stores.payments.find(tx, payment)
            if found is None or found.provider != TRANSFERS:
                raise Problem(NO_SUCH_PAYMENT)
            fresh = await self._transfers.note(tx, Deposit(payment, amount, reference, by, now))
            if fresh:
                await self._stores.payments.save(tx, found, returned(found, reference, now), now)
        await self.poke()
        return fresh

    async def note_sent(self, by: UUID, key: UUID, reference: str) -> None:
        """Money went back by bank. Raises `NO_SUCH_PAYMENT`."""
        now = self._clock.now()
        async with self._database.begin() as tx:
            payment = await self._transfers.sent(tx, key, reference, by, now)
            refund = await self._stores.refunds.lock(tx, key) if payment else None
            if refund is None:
                raise Problem(NO_SUCH_PAYMENT)
            after = refund_again(refund, now) if refund.dead else hinted_refund(refund, now)
            await self._stores.refunds.save(tx, refund, after, now)
        await self.poke()

    async def to_send(self) -> Sequence[BankRefund]:
        """What is to go back by bank."""
        async with self._database.connect() as tx:
            return await self._transfers.to_send(tx)

    async def standing(self, tx: Transaction, bought: Purchase) -> Standing:
        """How it stands."""
        payment = await self._stores.payments.of(tx, bought.id, locked=False)
        refunds = await self._stores.refunds.of(tx, payment.id) if payment else ()
        held = await self._stores.holding.expires_at(tx, bought.hold) if bought.hold else None
        return Standing(payment, refunds, held)

    async def stuck(self) -> tuple[Sequence[Payment], Sequence[Refund]]:
        """What a person has to look at: the oldest first."""
        async with self._database.connect() as tx:
            payments = await self._stores.payments.stuck(tx, limit=AT_ONCE)
            return payments, await self._stores.refunds.stuck(tx, limit=AT_ONCE)

    async def try_again(self, ident: UUID, by: UUID) -> bool:
        """Have a payment or a refund that is stuck tried once more. Whether there is one."""
        now = self._clock.now()
        async with self._database.begin() as tx:
            refund = await self._stores.refunds.lock(tx, ident)
            payment = await self._stores.payments.find(tx, ident) if refund is None else None
            if refund is not None and (refund.dead or refund.state == "failed"):
                await self._stores.refunds.save(tx, refund, refund_again(refund, now), now)
            elif payment is not None and payment.dead:
                await self._stores.payments.save(tx, payment, payment_again(payment, now), now)
            else:
                return False
        _log.info("money_tried_again", of=str(ident), by=str(by))
        await self.poke()
        return True

    async def poke(self) -> None:
        """Wake the worker. A lost poke costs a poll of the worker."""
        try:
            await self._valkey.publish(key_space.ORDERS_POKE, "")
        except (RedisError, OSError) as error:
            _log.warning("payments_not_poked", error=type(error).__name__)

    async def _hint(self, tx: Transaction, payment: Payment, now: datetime) -> None:
        await self._stores.payments.save(tx, payment, hinted(payment, now), now)
        for refund in await self._stores.refunds.of(tx, payment.id):
            if hinted_refund(refund, now) != refund and (locked := await self._stores.refunds.lock(tx, refund.id)):
                await self._stores.refunds.save(tx, locked, hinted_refund(locked, now), now)

    async def _payable(self, tx: Transaction, bought: Purchase) -> Payment:
        now = self._clock.now()
        earlier = await self._stores.payments.of(tx, bought.id)
        if earlier is not None and earlier.state in ("confirming", "unknown"):
            raise Problem(UNDER_WAY)
        until = await self._stores.holding.expires_at(tx, bought.hold) if bought.hold else None
        if bought.state != "received" or until is None or until <= now:
            raise Problem(NOT_NOW, f"It is {bought.state}.")
        if earlier is not None and earlier.state == "created":
            return earlier
        payment = intent(self._entropy.uuid(), bought, until=until, provider=self._cards.name)
        await self._stores.payments.open(tx, payment, now)
        return payment

    async def _own(self, tx: Transaction, ident: UUID, person: Person) -> Purchase:
        found = await self._stores.purchases.lock(tx, ident)
        if found is None or found.person != person.id:
            raise Problem(NO_SUCH_ORDER)
        return found
