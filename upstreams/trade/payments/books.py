"""What a service keeps of its payments and refunds, by intent; `upstreams.trade.storage.payments` says where."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from config.connections import Transaction
from upstreams.trade.payments.payment import Payment
from upstreams.trade.payments.refund import Refund


class MoreThanWasPaid(Exception):
    """More is to be given back than was taken."""


class Payments(Protocol):
    """Payments. Of one subject there is one at a time that did not fail."""

    async def open(self, tx: Transaction, payment: Payment, now: datetime) -> None:
        """Write a payment that its person may now authorise."""

    async def of(self, tx: Transaction, subject: UUID, *, locked: bool = True) -> Payment | None:
        """The newest of a subject, locked until the transaction ends unless it is only looked at."""

    async def find(self, tx: Transaction, ident: UUID, *, locked: bool = True) -> Payment | None:
        """One, locked until the transaction ends unless it is only looked at."""

    async def due(self, tx: Transaction, provider: str, now: datetime) -> Payment | None:
        """One of this provider that there is something to do about, locked; what others have locked is theirs."""

    async def save(self, tx: Transaction, before: Payment, after: Payment, now: datetime) -> None:
        """Write a locked payment, its change of state with an event, and the money that was taken."""

    async def stuck(self, tx: Transaction, *, limit: int) -> Sequence[Payment]:
        """Those that nothing is tried about any more, and whose end nobody knows."""

    async def first_heard(self, tx: Transaction, provider: str, event: str, now: datetime) -> bool:
        """Whether this webhook comes for the first time; it is remembered."""

    async def forget_webhooks(self, tx: Transaction, before: datetime) -> int:
        """Forget those that were heard before a moment. Answers how many."""


class Refunds(Protocol):
    """Refunds."""

    async def request(self, tx: Transaction, refund: Refund, now: datetime) -> bool:
        """Write a refund of a locked payment; False where its cause asked for one before.

        Raises `MoreThanWasPaid`.
        """

    async def of(self, tx: Transaction, payment: UUID) -> Sequence[Refund]:
        """All of one payment, the oldest first."""

    async def stuck(self, tx: Transaction, *, limit: int) -> Sequence[Refund]:
        """Those that were refused, and those that nothing is tried about any more."""

    async def lock(self, tx: Transaction, ident: UUID) -> Refund | None:
        """One, locked until the transaction ends."""

    async def due(self, tx: Transaction, provider: str, now: datetime) -> Refund | None:
        """One of this provider that there is something to do about, locked; what others have locked is theirs."""

    async def save(self, tx: Transaction, before: Refund, after: Refund, now: datetime) -> None:
        """Write a locked refund, its change of state with an event, and the money that was given back."""
