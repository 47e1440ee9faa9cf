"""Double entry: what each event of an order writes into the ledger. Pure; every transaction sums to 0.

Debit is positive, credit negative. `provider` is what the payment provider holds for us, `bank` what left for sellers,
`customers` what is owed back to them; `commission` is the house's income. What a seller earns is `pending` until its
order is delivered, then `payable`, and paid out once for each period.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from upstreams.trade.money import Money

Account = Literal["provider", "bank", "commission", "customers", "pending", "payable"]
Kind = Literal["sale", "unearned", "earned", "cancelled", "returned", "refunded", "paid_out"]


@dataclass(frozen=True, slots=True)
class Entry:
    """So much on one account; of a seller where it is a seller's."""

    account: Account
    amount: int
    seller: UUID | None = None


@dataclass(frozen=True, slots=True)
class Booking:
    """Entries with one cause, which is booked once."""

    kind: Kind
    cause: UUID
    currency: str
    entries: Sequence[Entry]

    def __post_init__(self) -> None:
        if sum(entry.amount for entry in self.entries) != 0:
            raise ValueError(f"the entries of {self.kind} do not sum to 0")


@dataclass(frozen=True, slots=True)
class Earned:
    """What one seller's order brings: `total` from the customer, of which `commission` is the house's."""

    seller: UUID
    total: int
    commission: int


def sale(payment: UUID, paid: Money, orders: Sequence[Earned]) -> Booking:
    """The provider has taken the money for these orders."""
    entries = [
        Entry("provider", paid.minor),
        *(Entry("pending", order.commission - order.total, order.seller) for order in orders),
        Entry("commission", -sum(order.commission for order in orders)),
    ]
    return _of("sale", payment, paid.currency, entries)


def unearned(payment: UUID, paid: Money) -> Booking:
    """The provider has taken money for what cannot be had any more: all of it is the customer's."""
    return _of("unearned", payment, paid.currency, [Entry("provider", paid.minor), Entry("customers", -paid.minor)])


def earned(order: UUID, seller: UUID, net: Money) -> Booking:
    """An order is delivered: what its seller has earned may be paid out."""
    return _of(
        "earned",
        order,
        net.currency,
        [Entry("pending", net.minor, seller), Entry("payable", -net.minor, seller)],
    )


def taken_back(
    cancellation: UUID, seller: UUID, refund: Money, commission: int, *, delivered: bool, kind: Kind
) -> Booking:
    """Some of an order is cancelled or came back: the split is undone, and the customer is owed the sum."""
    account: Account = "payable" if delivered else "pending"
    return _of(
        kind,
        cancellation,
        refund.currency,
        [
            Entry(account, refund.minor - commission, seller),
            Entry("commission", commission),
            Entry("customers", -refund.minor),
        ],
    )


def refunded(refund: UUID, amount: Money) -> Booking:
    """The provider has given it back."""
    return _of(
        "refunded", refund, amount.currency, [Entry("customers", amount.minor), Entry("provider", -amount.minor)]
    )


def paid_out(payout: UUID, seller: UUID, amount: Money) -> Booking:
    """A seller gets what it is owed."""
    return _of(
        "paid_out", payout, amount.currency, [Entry("payable", amount.minor, seller), Entry("bank", -amount.minor)]
    )


def _of(kind: Kind, cause: UUID, currency: str, entries: Sequence[Entry]) -> Booking:
    return Booking(kind, cause, currency, [entry for entry in entries if entry.amount])
