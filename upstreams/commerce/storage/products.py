"""Products, their types, options and offers in PostgreSQL, for those who look after them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from config.connections import Transaction
from upstreams.commerce.catalogue.editing import EditedProduct, SellerOffer
from upstreams.commerce.catalogue.types import ProductKind
from upstreams.commerce.storage.tables import offer, product, product_event, product_type, seller, sku

_FIELDS = (
    "id", "code", "type", "state", "name", "description", "picture", "currency", "base_price", "attributes", "category",
    "seller", "version", "created_at",
)  # fmt: skip
_WRITTEN = ("name", "description", "picture", "base_price", "attributes", "category", "seller")


class StoredProducts:
    """`commerce.catalogue.editing.Products` in schema `commerce`."""

    async def find(self, tx: Transaction, code: str, *, lock: bool = False) -> EditedProduct | None:
        """One product; locked, until the transaction ends."""
        query = _products().where(product.c.code == code)
        row = (await tx.execute(query.with_for_update(key_share=True) if lock else query)).one_or_none()
        return EditedProduct(*row) if row else None

    async def list(
        self, tx: Transaction, *, seller: UUID | None, state: str | None, after: str, limit: int
    ) -> Sequence[EditedProduct]:
        """Products in the order of their codes, those after one; of a seller, in a state, where that is said."""
        query = _products().where(product.c.code > after).order_by(product.c.code).limit(limit)
        if seller is not None:
            query = query.where(product.c.seller == seller)
        if state is not None:
            query = query.where(product.c.state == state)
        return [EditedProduct(*row) for row in await tx.execute(query)]

    async def create(self, tx: Transaction, product_: EditedProduct, actor: UUID, notes: str) -> bool:
        """Write a new product and the first event of its life; False where its code is taken."""
        values = {name: getattr(product_, name) for name in _FIELDS}
        made = await tx.scalar(
            insert(product).values(values).on_conflict_do_nothing(index_elements=["code"]).returning(product.c.id)
        )
        if made is None:
            return False
        event = {"product": product_.id, "to_state": product_.state, "notes": notes, "actor": actor}
        await tx.execute(sa.insert(product_event).values(**event, at=product_.created_at))
        return True

    async def save(self, tx: Transaction, product_: EditedProduct) -> int:
        """Write a locked product as it is now. Answers its new version."""
        values = {name: getattr(product_, name) for name in _WRITTEN}
        return await _changed(tx, product_.id, values)

    async def touch(self, tx: Transaction, product_: UUID) -> int:
        """Note that something that belongs to a product changed. Answers its new version."""
        return await _changed(tx, product_, {})

    async def offers(self, tx: Transaction, product_: UUID) -> Sequence[SellerOffer]:
        """Every offer of its SKUs."""
        query = _offers().where(sku.c.product == product_).order_by(offer.c.sku, seller.c.code)
        return [SellerOffer(*row) for row in await tx.execute(query)]

    async def put_offer(
        self, tx: Transaction, ident: UUID, seller_: UUID, sku_: str, price: int | None, active: bool
    ) -> SellerOffer:
        """Make a seller's offer of an SKU, or change it."""
        values = {"id": ident, "seller": seller_, "sku": sku_, "price": price, "active": active, "version": 1}
        await tx.execute(
            insert(offer)
            .values(values)
            .on_conflict_do_update(
                index_elements=["seller", "sku"],
                set_={"price": price, "active": active, "version": offer.c.version + 1},
            )
        )
        query = _offers().where(offer.c.seller == seller_, offer.c.sku == sku_)
        return SellerOffer(*(await tx.execute(query)).one())

    async def seller_of(self, tx: Transaction, organisation: UUID) -> UUID | None:
        """The seller that an organisation is, while it is active."""
        query = sa.select(seller.c.id).where(seller.c.organisation == organisation, seller.c.active)
        return (await tx.execute(query)).scalar_one_or_none()

    async def seller(self, tx: Transaction, code: str) -> UUID | None:
        """The seller of this code."""
        return (await tx.execute(sa.select(seller.c.id).where(seller.c.code == code))).scalar_one_or_none()

    async def house(self, tx: Transaction) -> UUID | None:
        """The seller that the house itself is."""
        query = sa.select(seller.c.id).where(seller.c.kind == "house").order_by(seller.c.created_at, seller.c.code)
        return (await tx.execute(query.limit(1))).scalar_one_or_none()


class StoredProductKinds:
    """`commerce.catalogue.types.ProductKinds` in schema `commerce`."""

    async def all(self, tx: Transaction) -> Sequence[ProductKind]:
        """Every type, in the order of their codes."""
        kind = product_type.c
        query = sa.select(kind.code, kind.strategy, kind.name, kind.attributes).order_by(kind.code)
        return [ProductKind(*row) for row in await tx.execute(query)]

    async def put(self, tx: Transaction, kind: ProductKind) -> None:
        """Make a type, or change one."""
        values = {
            "strategy": kind.strategy,
            "name": dict(kind.name),
            "attributes": dict(kind.attributes),
        }
        await tx.execute(
            insert(product_type)
            .values(code=kind.code, **values)
            .on_conflict_do_update(index_elements=["code"], set_=values)
        )

    async def attributes_of(self, tx: Transaction, kind: str) -> Sequence[tuple[str, Mapping[str, Any]]]:
        """The code and the attributes of each of its products."""
        query = sa.select(product.c.code, product.c.attributes).where(product.c.type == kind).order_by(product.c.code)
        return [(row.code, row.attributes) for row in await tx.execute(query)]


def _products() -> sa.Select[Any]:
    return sa.select(*(product.c[name] for name in _FIELDS))


def _offers() -> sa.Select[Any]:
    return sa.select(
        offer.c.id, offer.c.seller, seller.c.name, offer.c.sku, offer.c.price, offer.c.active, offer.c.version
    ).select_from(offer.join(seller, seller.c.id == offer.c.seller).join(sku, sku.c.code == offer.c.sku))


async def _changed(tx: Transaction, ident: UUID, values: Mapping[str, Any]) -> int:
    changed = (
        sa.update(product)
        .values(**values, version=product.c.version + 1)
        .where(product.c.id == ident)
        .returning(product.c.version)
    )
    return int((await tx.execute(changed)).scalar_one())
