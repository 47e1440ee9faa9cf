"""Everything that commerce keeps, in PostgreSQL."""

from __future__ import annotations

from config.envelope import Envelope
from upstreams.commerce.catalogue.types import Strategies
from upstreams.commerce.storage.catalogue import StoredCatalogue
from upstreams.commerce.storage.index import StoredIndex
from upstreams.commerce.storage.lives import StoredLives
from upstreams.commerce.storage.options import StoredCategories, StoredOptions, StoredPictures
from upstreams.commerce.storage.products import StoredProductKinds, StoredProducts
from upstreams.commerce.storage.purchases import StoredPurchases
from upstreams.commerce.storage.search import StoredDocuments, StoredWords
from upstreams.commerce.storage.stocking import StoredKeeping
from upstreams.commerce.storage.tables import trade
from upstreams.commerce.storage.versions import StoredTeams, StoredVersions
from upstreams.commerce.stores import CatalogueStores, Stores
from upstreams.trade.storage.holds import StoredHolds
from upstreams.trade.storage.idempotency import StoredIdempotencyKeys
from upstreams.trade.storage.stock import StoredStock


def postgresql_stores(strategies: Strategies | None = None) -> Stores:
    """The stores of schema `commerce`."""
    return Stores(StoredCatalogue(strategies), StoredPurchases(), StoredStock(trade), StoredIdempotencyKeys(trade))


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
