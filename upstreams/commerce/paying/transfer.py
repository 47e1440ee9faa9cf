"""Bank transfer as a payment provider (`upstreams.trade.payments.provider.Provider`).

The shop's account is read by somebody, or by a program that the bank tells; what came is written down as a deposit, and
that is this provider's answer. What is to go back is a request to whoever sends transfers, pending until they did.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from config.clock import Clock
from config.connections import Database, Transaction
from upstreams.commerce.ordering.placing import TRANSFERS
from upstreams.trade.money import Money
from upstreams.trade.payments.provider import Checkout, Heard, Order, RefundAtProvider, Refused, Stage, Standing


@dataclass(frozen=True, slots=True)
class Deposit:
    """Money that came for a payment. `reference` is the bank's."""

    payment: UUID
    amount: int
    reference: str
    noted_by: UUID
    at: datetime


@dataclass(frozen=True, slots=True)
class BankRefund:
    """Money that is to go back; without a reference nobody has sent it yet."""

    key: UUID
    payment: UUID
    amount: int
    asked_at: datetime
    reference: str | None


class Transfers(Protocol):
    """What came and went by bank."""

    async def note(self, tx: Transaction, made: Deposit) -> bool:
        """Write a deposit; False where its payment or its reference has one."""

    async def deposited(self, tx: Transaction, payment: UUID) -> Deposit | None:
        """What came for a payment."""

    async def known(self, tx: Transaction, payment: UUID) -> bool:
        """Whether there is such a payment."""

    async def ask(self, tx: Transaction, key: UUID, payment: UUID, amount: int, now: datetime) -> None:
        """Have somebody send money back, once for each key."""

    async def refunds(self, tx: Transaction, payment: UUID) -> Sequence[BankRefund]:
        """What is to be sent back of a payment, or was."""

    async def to_send(self, tx: Transaction, *, limit: int = 100) -> Sequence[BankRefund]:
        """What nobody has sent yet, the oldest first."""

    async def sent(self, tx: Transaction, key: UUID, reference: str, by: UUID, now: datetime) -> UUID | None:
        """Somebody sent it: the payment; None where there is none to send."""


class BankTransfers:
    """Answers from what was written down. Each answer is a transaction of its own."""

    name = TRANSFERS
    pages: tuple[str, ...] = ()

    def __init__(self, database: Database, transfers: Transfers, clock: Clock) -> None:
        self._database = database
        self._transfers = transfers
        self._clock = clock

    async def begin(self, order: Order) -> Checkout:
        """Nobody is led anywhere: the order's page says where to send the money."""
        return Checkout()

    async def capture(self, key: str, reference: str, amount: Money) -> Standing:
        """What came is taken already."""
        return await self._standing(UUID(key))

    async def void(self, key: str, reference: str) -> Standing | None:
        """Nothing was authorised that could be let go of: what comes late is taken, and sent back."""
        standing = await self.look(key, reference)
        return Standing(Stage.FAILED, "", code="voided") if standing and standing.stage is Stage.OPEN else standing

    async def refund(self, key: str, reference: str, amount: Money, *, refund: str, reason: str) -> Standing:
        """Have somebody send it."""
        async with self._database.begin() as tx:
            if await self._transfers.deposited(tx, UUID(key)) is None:
                raise Refused("nothing_came")
            await self._transfers.ask(tx, UUID(refund), UUID(key), amount.minor, self._clock.now())
        return await self._standing(UUID(key))

    async def look(self, key: str, reference: str) -> Standing | None:
        """What came, and what went back."""
        async with self._database.connect() as tx:
            if not await self._transfers.known(tx, UUID(key)):
                return None
        return await self._standing(UUID(key))

    def hears(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Heard | None:
        """It sends no webhooks: whoever notes a deposit has it looked at."""
        return None

    async def aclose(self) -> None:
        """It has no connections of its own."""

    async def _standing(self, payment: UUID) -> Standing:
        async with self._database.connect() as tx:
            came = await self._transfers.deposited(tx, payment)
            back = await self._transfers.refunds(tx, payment)
        if came is None:
            return Standing(Stage.OPEN, "")
        refunds = tuple(
            RefundAtProvider(str(one.key), one.amount, "succeeded" if one.reference else "pending", one.reference or "")
            for one in back
        )
        return Standing(Stage.CAPTURED, came.reference, came.amount, refunds)
