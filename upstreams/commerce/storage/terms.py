"""On which terms sellers sell, in PostgreSQL: commission, ways of delivery and their fees, weights, regions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

import sqlalchemy as sa

from config.connections import Transaction
from upstreams.commerce.ordering.planning import SellerTerms, with_collecting
from upstreams.commerce.sellers.application import DEFAULT_COMMISSION
from upstreams.commerce.shipping.rates import Method, Rule
from upstreams.commerce.storage.order_tables import (
    seller_terms,
    shipping_method,
    shipping_region_postcode,
    shipping_rule,
    sku_weight,
)
from upstreams.commerce.storage.tables import seller


class StoredTerms:
    """`commerce.ordering.planning.Terms` in schema `commerce`."""

    async def of(self, tx: Transaction, sellers: Sequence[UUID]) -> Mapping[UUID, SellerTerms]:
        """The terms of each of these."""
        method, rule = shipping_method.c, shipping_rule.c
        query = (
            sa.select(
                seller.c.id,
                seller.c.kind,
                seller_terms.c.commission,
                method.code,
                method.name,
                method.days_min,
                method.days_max,
                rule.region,
                rule.from_grams,
                rule.fee,
                rule.free_from,
            )
            .select_from(
                seller.outerjoin(seller_terms, seller_terms.c.seller == seller.c.id)
                .outerjoin(shipping_method, sa.and_(method.seller == seller.c.id, method.active))
                .outerjoin(shipping_rule, sa.and_(rule.seller == method.seller, rule.method == method.code))
            )
            .where(seller.c.id.in_(sellers))
            .order_by(seller.c.id, method.position, method.code)
        )
        kinds: dict[UUID, tuple[str, int]] = {}
        methods: dict[UUID, dict[str, tuple[Method, list[Rule]]]] = {}
        for row in await tx.execute(query):
            none_named = 0 if row.kind == "house" else DEFAULT_COMMISSION
            kinds[row.id] = (row.kind, none_named if row.commission is None else row.commission)
            its = methods.setdefault(row.id, {})
            if row.fee is None:  # a way without a fee is none yet
                continue
            if row.code not in its:
                rules: list[Rule] = []
                its[row.code] = (Method(row.code, row.name, row.days_min, row.days_max, rules), rules)
            its[row.code][1].append(Rule(row.region, row.from_grams, row.fee, row.free_from))
        return {
            ident: SellerTerms(ident, kind, commission, with_collecting([one for one, _ in methods[ident].values()]))
            for ident, (kind, commission) in kinds.items()
        }

    async def weights(self, tx: Transaction, skus: Sequence[str]) -> Mapping[str, int]:
        """Grams, as far as they are known."""
        query = sa.select(sku_weight.c.sku, sku_weight.c.grams).where(sku_weight.c.sku.in_(skus))
        return {row.sku: row.grams for row in await tx.execute(query)}

    async def region(self, tx: Transaction, postcode: str) -> str | None:
        """The region of a postcode; None for the mainland."""
        place = shipping_region_postcode.c
        found: str | None = await tx.scalar(
            sa.select(place.region).where(place.first <= postcode, place.last >= postcode).limit(1)
        )
        return found
