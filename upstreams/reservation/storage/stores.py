"""Everything that reservation keeps, in PostgreSQL."""

from __future__ import annotations

from upstreams.reservation.paying.stores import MoneyStores
from upstreams.reservation.storage.cancellations import StoredCancellations
from upstreams.reservation.storage.dead_letters import StoredDeadLetters
from upstreams.reservation.storage.happenings import StoredHappenings
from upstreams.reservation.storage.offers import StoredOffers
from upstreams.reservation.storage.places import StoredPlaces
from upstreams.reservation.storage.records import StoredRecords
from upstreams.reservation.storage.requests import StoredRequests
from upstreams.reservation.storage.reservations import StoredReservations
from upstreams.reservation.storage.tables import payments, trade
from upstreams.reservation.storage.terms import StoredTermLines
from upstreams.reservation.storage.waiting import StoredWaiting
from upstreams.reservation.stores import Stores
from upstreams.trade.storage.holds import StoredHolds
from upstreams.trade.storage.idempotency import StoredIdempotencyKeys
from upstreams.trade.storage.payments import StoredPayments
from upstreams.trade.storage.refunds import StoredRefunds
from upstreams.trade.storage.stock import StoredStock


def postgresql_stores() -> Stores:
    """The stores of schema `reservation`."""
    stock = StoredStock(trade)
    return Stores(
        StoredRequests(),
        StoredWaiting(),
        StoredReservations(),
        StoredRecords(),
        stock,
        StoredHolds(trade, stock),
        StoredPlaces(),
        StoredHappenings(),
        StoredOffers(),
        StoredDeadLetters(),
        StoredIdempotencyKeys(trade),
    )


def postgresql_money_stores() -> MoneyStores:
    """What schema `reservation` keeps of money."""
    return MoneyStores(
        StoredTermLines(StoredStock(trade)),
        StoredPayments(payments),
        StoredRefunds(payments),
        StoredCancellations(),
    )
