"""What reservation keeps of money, by intent; `reservation.storage` says where."""

from __future__ import annotations

from dataclasses import dataclass

from upstreams.reservation.cancelling.cancellation import Cancellations
from upstreams.reservation.terms import TermLines
from upstreams.trade.payments.books import Payments, Refunds


@dataclass(frozen=True, slots=True)
class MoneyStores:
    """Each takes the caller's transaction and never commits."""

    terms: TermLines
    payments: Payments
    refunds: Refunds
    cancellations: Cancellations
