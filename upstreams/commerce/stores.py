"""What commerce keeps, by intent; `commerce.storage` says where."""

from __future__ import annotations

from dataclasses import dataclass

from upstreams.commerce.cart.desk import Carts
from upstreams.commerce.catalogue import Catalogue
from upstreams.commerce.ledger.accounts import Accounts
from upstreams.commerce.ordering.planning import Terms
from upstreams.commerce.ordering.purchase import Purchases
from upstreams.commerce.ordering.withdrawal import Withdrawals
from upstreams.commerce.paying.holding import Holding
from upstreams.commerce.sellers.desk import Sellers
from upstreams.commerce.shipping.shipment import Shipments
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
