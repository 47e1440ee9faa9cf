"""Everything that commerce keeps, in PostgreSQL."""

from __future__ import annotations

from config.entropy import Entropy
from config.envelope import Envelope
from upstreams.commerce.storage.carts import StoredCarts
from upstreams.commerce.storage.catalogue import StoredCatalogue
from upstreams.commerce.storage.holding import StoredHolding
from upstreams.commerce.storage.ledger import StoredAccounts
from upstreams.commerce.storage.order_tables import payments
from upstreams.commerce.storage.purchases import StoredPurchases
from upstreams.commerce.storage.sellers import StoredSellers
from upstreams.commerce.storage.shipments import StoredShipments, StoredWithdrawals
from upstreams.commerce.storage.tables import trade
from upstreams.commerce.storage.terms import StoredTerms
from upstreams.commerce.stores import Stores
from upstreams.trade.storage.holds import StoredHolds
from upstreams.trade.storage.idempotency import StoredIdempotencyKeys
from upstreams.trade.storage.payments import StoredPayments
from upstreams.trade.storage.refunds import StoredRefunds
from upstreams.trade.storage.stock import StoredStock


def postgresql_stores(envelope: Envelope, entropy: Entropy) -> Stores:
    """The stores of schema `commerce`."""
    stock = StoredStock(trade)
    return Stores(
        catalogue=StoredCatalogue(),
        purchases=StoredPurchases(envelope),
        stock=stock,
        keys=StoredIdempotencyKeys(trade),
        holds=StoredHolds(trade, stock),
        holding=StoredHolding(stock),
        terms=StoredTerms(),
        carts=StoredCarts(),
        sellers=StoredSellers(envelope),
        shipments=StoredShipments(),
        withdrawals=StoredWithdrawals(),
        payments=StoredPayments(payments),
        refunds=StoredRefunds(payments),
        ledger=StoredAccounts(entropy),
    )
