"""Everything that commerce keeps, in PostgreSQL."""

from __future__ import annotations

from upstreams.commerce.storage.catalogue import StoredCatalogue
from upstreams.commerce.storage.purchases import StoredPurchases
from upstreams.commerce.storage.tables import trade
from upstreams.commerce.stores import Stores
from upstreams.trade.storage.idempotency import StoredIdempotencyKeys
from upstreams.trade.storage.stock import StoredStock


def postgresql_stores() -> Stores:
    """The stores of schema `commerce`."""
    return Stores(StoredCatalogue(), StoredPurchases(), StoredStock(trade), StoredIdempotencyKeys(trade))
