"""What commerce keeps, by intent; `commerce.storage` says where."""

from __future__ import annotations

from dataclasses import dataclass

from upstreams.commerce.catalogue import Catalogue
from upstreams.commerce.ordering import Purchases
from upstreams.trade.idempotency import IdempotencyKeys
from upstreams.trade.stock import Stock


@dataclass(frozen=True, slots=True)
class Stores:
    """Each takes the caller's transaction and never commits."""

    catalogue: Catalogue
    purchases: Purchases
    stock: Stock
    keys: IdempotencyKeys
