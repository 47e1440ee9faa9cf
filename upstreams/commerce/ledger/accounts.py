"""What the house keeps of money between people, itself and sellers, by intent: the ledger, invoices, payouts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol
from uuid import UUID

from config.connections import Transaction
from upstreams.commerce.ledger.booking import Booking
from upstreams.trade.money import Money


@dataclass(frozen=True, slots=True)
class Invoice:
    """What a seller invoices for one order; with negative sums, what it takes back of it."""

    id: UUID
    order: UUID
    number: int
    seller: UUID
    supply: Money
    vat: Money
    total: Money
    issued_at: datetime


@dataclass(frozen=True, slots=True)
class Balance:
    """What stands on one account: debit positive, credit negative."""

    account: str
    seller: UUID | None
    amount: Money


@dataclass(frozen=True, slots=True)
class Payout:
    """What one seller gets for one period."""

    id: UUID
    seller: UUID
    period: date
    """The first day of the month."""
    amount: Money
    made_at: datetime
    made_by: UUID | None = None


class Accounts(Protocol):
    """The books. What was written stays."""

    async def book(self, tx: Transaction, booking: Booking, now: datetime) -> bool:
        """Write it; False, and nothing, where its cause was booked before."""

    async def balances(self, tx: Transaction, seller: UUID | None = None) -> Sequence[Balance]:
        """What stands on every account; of one seller on its own alone."""

    async def owed(self, tx: Transaction, until: datetime) -> Sequence[tuple[UUID, Money]]:
        """What each seller had earned and not been paid before a moment, where it is more than nothing."""

    async def pay_out(self, tx: Transaction, payout: Payout) -> bool:
        """Write a payout; False where its seller and period have one."""

    async def payouts(self, tx: Transaction, seller: UUID | None = None, *, limit: int = 100) -> Sequence[Payout]:
        """Of one seller or of all, the newest first."""

    async def invoice(
        self, tx: Transaction, order: UUID, seller: UUID, cause: UUID, parts: tuple[Money, Money], now: datetime
    ) -> None:
        """Invoice (supply, VAT) of an order, once for each cause; numbers of a seller have no gaps."""

    async def invoices(self, tx: Transaction, orders: Sequence[UUID]) -> Sequence[Invoice]:
        """All of these orders, by number."""

    async def unbalanced(self, tx: Transaction) -> Sequence[str]:
        """What does not agree: transactions that do not sum to 0, a provider's account that is not what moved."""
