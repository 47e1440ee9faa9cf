"""What commerce keeps, by intent; `commerce.storage` says where."""

from __future__ import annotations

from dataclasses import dataclass

from upstreams.commerce.cart.desk import Carts
from upstreams.commerce.catalogue import Catalogue
from upstreams.commerce.catalogue.categories import Categories
from upstreams.commerce.catalogue.editing import Products
from upstreams.commerce.catalogue.options import Options
from upstreams.commerce.catalogue.pictures import Pictures
from upstreams.commerce.catalogue.types import ProductKinds
from upstreams.commerce.ledger.accounts import Accounts
from upstreams.commerce.lifecycle.states import Lives
from upstreams.commerce.lifecycle.teams import Teams
from upstreams.commerce.lifecycle.versions import Versions
from upstreams.commerce.ordering.planning import Terms
from upstreams.commerce.ordering.purchase import Purchases
from upstreams.commerce.ordering.withdrawal import Withdrawals
from upstreams.commerce.paying.holding import Holding
from upstreams.commerce.search.indexing import Index
from upstreams.commerce.search.searching import Documents, Words
from upstreams.commerce.sellers.desk import Sellers
from upstreams.commerce.shipping.shipment import Shipments
from upstreams.commerce.stocking.keeping import Keeping
from upstreams.trade.holds import Holds
from upstreams.trade.idempotency import IdempotencyKeys
from upstreams.trade.payments.books import Payments, Refunds
from upstreams.trade.stock import Stock


@dataclass(frozen=True, slots=True)
class Stores:
    """Each takes the caller's transaction and never commits."""

    catalogue: Catalogue
    purchases: Purchases
    stock: Stock
    keys: IdempotencyKeys
    holds: Holds
    holding: Holding
    terms: Terms
    carts: Carts
    sellers: Sellers
    shipments: Shipments
    withdrawals: Withdrawals
    payments: Payments
    refunds: Refunds
    ledger: Accounts


@dataclass(frozen=True, slots=True)
class CatalogueStores:
    """Those of the catalogue, of search, of products' lives and of the keeping of stock."""

    catalogue: Catalogue
    products: Products
    kinds: ProductKinds
    options: Options
    categories: Categories
    pictures: Pictures
    lives: Lives
    versions: Versions
    teams: Teams
    words: Words
    documents: Documents
    index: Index
    stock: Stock
    holds: Holds
    keeping: Keeping
    keys: IdempotencyKeys
