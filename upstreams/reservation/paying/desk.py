"""What a person asks of payments: begin, come back. The provider is called when nothing is open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from uuid import UUID

import structlog
from redis.exceptions import RedisError

from config import key_space
from config.clock import Clock
from config.connections import Database, Transaction, Valkey
from config.entropy import Entropy
from config.problem import Problem, ProblemType
from upstreams.door.person import Person
from upstreams.reservation.paying.stores import MoneyStores
from upstreams.reservation.record import NO_SUCH_RESERVATION, NOT_DECIDED, NOT_NOW
from upstreams.reservation.reservation import Reservation
from upstreams.reservation.stores import Stores
from upstreams.reservation.terms import called, due
from upstreams.trade.payments.payment import GRACE, Payment, hinted, returned
from upstreams.trade.payments.payment import again as payment_again
from upstreams.trade.payments.provider import Checkout, Heard, Order, Provider, Refused, Uncertain
from upstreams.trade.payments.refund import Refund
from upstreams.trade.payments.refund import again as refund_again
from upstreams.trade.payments.refund import hinted as hinted_refund

NOTHING_TO_PAY = ProblemType(
    "MJ-RSV-031",
    HTTPStatus.CONFLICT,
    "Nothing is to be paid in advance",
    "Confirm the reservation without a payment.",
)
TO_BE_PAID = ProblemType(
    "MJ-RSV-032",
    HTTPStatus.CONFLICT,
    "It is confirmed by its payment",
    "Begin the payment of the reservation; it is confirmed as soon as the provider has taken the money.",
)
UNDER_WAY = ProblemType(
    "MJ-RSV-033",
    HTTPStatus.CONFLICT,
    "A payment is under way already",
    "Wait for its result; it comes to the open page. Do not pay a second time.",
)
PROVIDER_AWAY = ProblemType(
    "MJ-RSV-034",
    HTTPStatus.SERVICE_UNAVAILABLE,
    "The payment provider does not answer",
    "Nothing was taken, and what you hold is kept. Try again in a moment.",
)
LONGEST_NAME = 100
AT_ONCE = 200
"""Stuck payments and refunds that are shown at once."""
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Standing:
    """How the payment of a reservation stands."""

    due: int
    """What is to be paid in advance, in minor units."""
    currency: str
    payment: Payment | None
    refunds: tuple[Refund, ...] = ()

    def is_under_way(self) -> bool:
        """Whether its person authorised it, and nobody knows yet what became of it."""
        return self.payment is not None and self.payment.state in ("confirming", "unknown")

    def document(self) -> dict[str, object]:
        """As programs read it."""
        payment = self.payment
        return {
            "due": self.due,
            "currency": self.currency,
            "payment": payment
            and {
                "id": payment.id,
                "state": payment.state,
                "amount": payment.amount.minor,
                "captured": payment.captured,
                "provider": payment.provider,
                "failure": payment.failure or None,
            },
            "refunds": [
                {"id": one.id, "state": one.state, "amount": one.amount.minor, "cancellation": one.of}
                for one in self.refunds
            ],
        }


class PaymentDesk:
    """Begins payments, and has them looked at."""

    def __init__(
        self,
        database: Database,
        valkey: Valkey,
        stores: Stores,
        money: MoneyStores,
        provider: Provider,
        clock: Clock,
        entropy: Entropy,
        origin: str,
    ) -> None:
        self._database = database
        self._valkey = valkey
        self._stores = stores
        self._money = money
        self._provider = provider
        self._clock = clock
        self._entropy = entropy
        self._origin = origin

    @property
    def provider(self) -> Provider:
        return self._provider

    @property
    def pages(self) -> tuple[str, ...]:
        """The origins of the provider's pages that a form of ours may lead to."""
        return self._provider.pages

    async def begin(self, person: Person, ident: UUID, locale: str) -> tuple[Payment, Checkout]:
        """A payment, and the way to the provider's page. Asked again, it is the same one.

        Raises `NO_SUCH_RESERVATION`, `NOT_DECIDED`, `NOT_NOW`, `NOTHING_TO_PAY`, `UNDER_WAY`, `PROVIDER_AWAY`.
        """
        async with self._database.begin() as tx:
            payment = await self._payable(tx, await self._own(tx, ident, person), locale)
        return payment, await self._checkout(payment)

    async def begun(self, person: Person, ident: UUID) -> tuple[Payment, Checkout] | None:
        """The payment that its person may authorise now, as it was begun; None: there is none. Raises as `begin`."""
        async with self._database.begin() as tx:
            found = await self._own(tx, ident, person)
            payment = await self._money.payments.of(tx, ident, locked=False)
        if payment is None or payment.state != "created" or found.state != "PENDING":
            return None
        return payment, await self._checkout(payment)

    async def _checkout(self, payment: Payment) -> Checkout:
        ident = payment.subject
        address = f"{self._origin}/reservations/{ident}/payments/back"
        order = Order(
            key=str(payment.id),
            amount=payment.amount,
            name=payment.name,
            success=address,
            failure=address,
            webhook=f"{self._origin}/reservations/payments/webhooks/{self._provider.name}",
        )
        try:
            return await self._provider.begin(order)
        except (Refused, Uncertain) as error:
            raise Problem(PROVIDER_AWAY, private=str(error), headers={"Retry-After": "5"}) from error

    async def came_back(self, person: Person, ident: UUID, reference: str) -> None:
        """Their browser came from the provider's page: look at once what became of it. Raises as `begin`."""
        now = self._clock.now()
        async with self._database.begin() as tx:
            await self._own(tx, ident, person)
            payment = await self._money.payments.of(tx, ident)
            if payment is not None:
                await self._money.payments.save(tx, payment, returned(payment, reference, now), now)
        await self.poke()

    async def heard(self, heard: Heard) -> bool:
        """A webhook came: look. Whether it spoke of a payment of ours that it had not spoken of before."""
        try:
            ident = UUID(heard.key)
        except ValueError:
            return False
        now = self._clock.now()
        async with self._database.begin() as tx:
            payment = await self._money.payments.find(tx, ident)
            if payment is None or not await self._money.payments.first_heard(tx, self._provider.name, heard.event, now):
                return False
            await self._money.payments.save(tx, payment, hinted(payment, now), now)
            for refund in await self._money.refunds.of(tx, ident):
                if hinted_refund(refund, now) != refund and (locked := await self._money.refunds.lock(tx, refund.id)):
                    await self._money.refunds.save(tx, locked, hinted_refund(locked, now), now)
        await self.poke()
        return True

    async def require_nothing_due(self, person: Person, ident: UUID) -> None:
        """What is paid in advance is confirmed by its payment alone. Raises `NO_SUCH_RESERVATION`, `TO_BE_PAID`."""
        if (await self.standing(person, ident)).due:
            raise Problem(TO_BE_PAID)

    async def standing(self, person: Person, ident: UUID) -> Standing:
        """How it stands. Raises `NO_SUCH_RESERVATION`."""
        async with self._database.connect() as tx:
            if await self._stores.records.find(tx, ident, person.id) is None:
                raise Problem(NO_SUCH_RESERVATION)
            owed = due(await self._money.terms.of(tx, ident))
            payment = await self._money.payments.of(tx, ident, locked=False)
            refunds = await self._money.refunds.of(tx, payment.id) if payment else ()
        return Standing(owed.minor, owed.currency, payment, tuple(refunds))

    async def stuck(self) -> tuple[Sequence[Payment], Sequence[tuple[Refund, UUID]]]:
        """What a person has to look at, the oldest first; each refund with its reservation."""
        async with self._database.connect() as tx:
            payments = await self._money.payments.stuck(tx, limit=AT_ONCE)
            refunds = []
            for one in await self._money.refunds.stuck(tx, limit=AT_ONCE):
                payment = await self._money.payments.find(tx, one.payment, locked=False)
                assert payment is not None  # a refund refers to its payment
                refunds.append((one, payment.subject))
        return payments, refunds

    async def try_again(self, ident: UUID, by: UUID) -> bool:
        """Have a payment or a refund that is stuck tried once more. Whether there is one."""
        now = self._clock.now()
        async with self._database.begin() as tx:
            refund = await self._money.refunds.lock(tx, ident)
            payment = await self._money.payments.find(tx, ident) if refund is None else None
            if refund is not None and (refund.dead or refund.state == "failed"):
                await self._money.refunds.save(tx, refund, refund_again(refund, now), now)
            elif payment is not None and payment.dead:
                await self._money.payments.save(tx, payment, payment_again(payment, now), now)
            else:
                return False
        _log.info("money_tried_again", of=str(ident), by=str(by))
        await self.poke()
        return True

    async def poke(self) -> None:
        """Wake the worker. A lost poke costs a poll of the worker."""
        try:
            await self._valkey.publish(key_space.PAYMENTS_POKE, "")
        except (RedisError, OSError) as error:
            _log.warning("payments_not_poked", error=type(error).__name__)

    async def _payable(self, tx: Transaction, found: Reservation, locale: str) -> Payment:
        lines, now = await self._money.terms.of(tx, found.id), self._clock.now()
        owed = due(lines)
        if not owed.minor:
            raise Problem(NOTHING_TO_PAY)
        earlier = await self._money.payments.of(tx, found.id)
        if earlier is not None and earlier.state in ("confirming", "unknown"):
            raise Problem(UNDER_WAY)
        if found.state != "PENDING" or found.expires_at <= now:
            raise Problem(NOT_NOW, f"It is {found.state}.")
        if earlier is not None and earlier.state == "created" and earlier.provider == self._provider.name:
            return earlier
        payment = Payment(
            id=self._entropy.uuid(),
            subject=found.id,
            person=found.person,
            amount=owed,
            name=called(lines, locale)[:LONGEST_NAME],
            provider=self._provider.name,
            state="created",
            expires_at=found.expires_at,
            next_attempt_at=found.expires_at + GRACE,
        )
        await self._money.payments.open(tx, payment, now)
        return payment

    async def _own(self, tx: Transaction, ident: UUID, person: Person) -> Reservation:
        found = await self._stores.reservations.lock(tx, ident, person.id)
        if found is not None:
            return found
        record = await self._stores.records.find(tx, ident, person.id)
        if record is None:
            raise Problem(NO_SUCH_RESERVATION)
        raise Problem(NOT_DECIDED if record.state == "QUEUED" else NOT_NOW, f"It is {record.state}.")
