"""The stores of schema `commerce`, put together."""

from __future__ import annotations

from config.entropy import Entropy
from config.envelope import Envelope
from upstreams.commerce.catalogue.types import Strategies
from upstreams.commerce.storage.carts import StoredCarts
from upstreams.commerce.storage.catalogue import StoredCatalogue
from upstreams.commerce.storage.holding import StoredHolding
from upstreams.commerce.storage.index import StoredIndex
from upstreams.commerce.storage.ledger import StoredAccounts
from upstreams.commerce.storage.lives import StoredLives
from upstreams.commerce.storage.options import StoredCategories, StoredOptions, StoredPictures
from upstreams.commerce.storage.order_tables import payments
from upstreams.commerce.storage.products import StoredProductKinds, StoredProducts
from upstreams.commerce.storage.purchases import StoredPurchases
from upstreams.commerce.storage.search import StoredDocuments, StoredWords
from upstreams.commerce.storage.sellers import StoredSellers
from upstreams.commerce.storage.shipments import StoredShipments, StoredWithdrawals
from upstreams.commerce.storage.stocking import StoredKeeping
from upstreams.commerce.storage.tables import trade
from upstreams.commerce.storage.terms import StoredTerms
from upstreams.commerce.storage.versions import StoredTeams, StoredVersions
from upstreams.commerce.stores import CatalogueStores, Stores
from upstreams.trade.storage.holds import StoredHolds
from upstreams.trade.storage.idempotency import StoredIdempotencyKeys
from upstreams.trade.storage.payments import StoredPayments
from upstreams.trade.storage.refunds import StoredRefunds
from upstreams.trade.storage.stock import StoredStock


def postgresql_stores(envelope: Envelope, entropy: Entropy, strategies: Strategies | None = None) -> Stores:
    """The stores of schema `commerce`."""
    stock = StoredStock(trade)
    return Stores(
        catalogue=StoredCatalogue(strategies),
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


def catalogue_stores(envelope: Envelope, strategies: Strategies | None = None) -> CatalogueStores:
    """Those of the catalogue in schema `commerce`."""
    stock = StoredStock(trade)
    return CatalogueStores(
        catalogue=StoredCatalogue(strategies),
        products=StoredProducts(),
        kinds=StoredProductKinds(),
        options=StoredOptions(),
        categories=StoredCategories(),
        pictures=StoredPictures(),
        lives=StoredLives(),
        versions=StoredVersions(),
        teams=StoredTeams(envelope),
        words=StoredWords(),
        documents=StoredDocuments(),
        index=StoredIndex(strategies),
        stock=stock,
        holds=StoredHolds(trade, stock),
        keeping=StoredKeeping(),
        keys=StoredIdempotencyKeys(trade),
    )
