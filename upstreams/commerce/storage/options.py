"""Options, combinations, categories and pictures in PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID, uuid5

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError

from config.connections import Transaction
from upstreams.commerce.catalogue.categories import ShopCategory
from upstreams.commerce.catalogue.offers import Texts
from upstreams.commerce.catalogue.options import Category, Value, Variant, chosen_in
from upstreams.commerce.catalogue.pictures import Drawn, Placed
from upstreams.commerce.storage.product_tables import (
    category,
    option_category,
    option_value,
    picture,
    product_picture,
    sku_option,
)
from upstreams.commerce.storage.tables import metadata, sku


class StoredOptions:
    """`commerce.catalogue.options.Options` in schema `commerce`."""

    async def categories(self, tx: Transaction, product: UUID) -> Sequence[Category]:
        """What the product can be chosen by, in its order."""
        query = (
            sa.select(
                option_category.c.code,
                option_category.c.name,
                option_value.c.code.label("value"),
                option_value.c.name.label("value_name"),
                option_value.c.surcharge,
            )
            .join(option_value, option_value.c.category == option_category.c.id)
            .where(option_category.c.product == product)
            .order_by(option_category.c.position, option_category.c.code, option_value.c.position, option_value.c.code)
        )
        found: dict[str, tuple[Texts, list[Value]]] = {}
        for row in await tx.execute(query):
            found.setdefault(row.code, (row.name, []))[1].append(Value(row.value, row.value_name, row.surcharge))
        return [Category(code, name, values) for code, (name, values) in found.items()]

    async def put(self, tx: Transaction, product: UUID, categories: Sequence[Category]) -> None:
        """Set what it can be chosen by; what stays keeps its SKUs."""
        kept_values: list[UUID] = []
        for place, one in enumerate(categories):
            its = _ident(product, one.code)
            await _put(tx, option_category, its, {"product": product, "code": one.code}, one.name, place)
            for at, value in enumerate(one.values):
                ident = _ident(product, one.code, value.code)
                kept_values.append(ident)
                key = {"category": its, "code": value.code}
                await _put(tx, option_value, ident, key, value.name, at, surcharge=value.surcharge)
        its_categories = sa.select(option_category.c.id).where(option_category.c.product == product)
        gone = sa.and_(option_value.c.category.in_(its_categories), option_value.c.id.not_in(kept_values))
        # what is off sale for good stands for nothing any more
        await tx.execute(sa.delete(sku_option).where(sku_option.c.value.in_(sa.select(option_value.c.id).where(gone))))
        await tx.execute(sa.delete(option_value).where(gone))
        kept = [_ident(product, one.code) for one in categories]
        await tx.execute(
            sa.delete(option_category).where(option_category.c.product == product, option_category.c.id.not_in(kept))
        )

    async def variants(self, tx: Transaction, product: UUID) -> Sequence[Variant]:
        """Its SKUs, by their codes."""
        query = (
            sa.select(sku.c.code, sku.c.option_key, sku.c.price, sku.c.active)
            .where(sku.c.product == product)
            .order_by(sku.c.code)
        )
        return [Variant(*row) for row in await tx.execute(query)]

    async def put_variant(self, tx: Transaction, product: UUID, variant: Variant) -> bool:
        """Make an SKU, or change its price and whether it is sold. False: its code or its combination is another's."""
        try:
            async with tx.begin_nested():
                written = await tx.scalar(
                    insert(sku)
                    .values(
                        code=variant.sku,
                        product=product,
                        option_key=variant.option_key,
                        price=variant.price,
                        active=variant.active,
                    )
                    .on_conflict_do_update(
                        index_elements=["code"],
                        set_={"price": variant.price, "active": variant.active},
                        where=sa.and_(sku.c.product == product, sku.c.option_key == variant.option_key),
                    )
                    .returning(sku.c.code)
                )
        except IntegrityError:  # the combination is another SKU's
            return False
        if written is None:
            return False
        for name, value in chosen_in(variant.option_key).items():
            await tx.execute(
                insert(sku_option)
                .values(sku=variant.sku, category=_ident(product, name), value=_ident(product, name, value))
                .on_conflict_do_nothing()
            )
        return True


def _ident(product: UUID, *codes: str) -> UUID:
    """The same category and value of a product have the same id, whenever they are written."""
    return uuid5(product, "/".join(codes))


async def _put(
    tx: Transaction,
    table: sa.Table,
    ident: UUID,
    key: dict[str, object],
    name: Texts,
    position: int,
    **more: object,
) -> None:
    said = {"name": dict(name), "position": position, **more}
    await tx.execute(
        insert(table).values(id=ident, **key, **said).on_conflict_do_update(index_elements=["id"], set_=said)
    )


class StoredCategories:
    """`commerce.catalogue.categories.Categories` in schema `commerce`."""

    async def all(self, tx: Transaction, *, lock: bool = False) -> Sequence[ShopCategory]:
        """Every category, those of one parent in their order; locked, nobody else changes the tree meanwhile."""
        if lock:
            await tx.execute(sa.text(f"LOCK TABLE {metadata.schema}.category IN SHARE ROW EXCLUSIVE MODE"))
        one = category.c
        query = sa.select(one.code, one.parent, one.name, one.position, one.version)
        return [ShopCategory(*row) for row in await tx.execute(query.order_by(one.position, one.code))]

    async def put(self, tx: Transaction, category_: ShopCategory) -> None:
        """Make a category, or change one. The tree must be locked already."""
        values = {"parent": category_.parent, "name": dict(category_.name), "position": category_.position}
        await tx.execute(
            insert(category)
            .values(code=category_.code, version=1, **values)
            .on_conflict_do_update(index_elements=["code"], set_={**values, "version": category.c.version + 1})
        )

    async def remove(self, tx: Transaction, code: str) -> bool:
        """Remove one in which nothing stands; False for any other."""
        try:
            async with tx.begin_nested():
                done = await tx.execute(sa.delete(category).where(category.c.code == code))
        except IntegrityError:
            return False
        return bool(done.rowcount)


class StoredPictures:
    """`commerce.catalogue.pictures.Pictures` in schema `commerce`."""

    async def put(self, tx: Transaction, product: UUID, ident: UUID, drawn: Drawn, alt: Texts, now: datetime) -> Placed:
        """Keep a picture as the last of its product; one that it has already stays in its place, with the new words."""
        await tx.execute(
            insert(picture)
            .values(
                digest=drawn.digest,
                media=drawn.media,
                width=drawn.width,
                height=drawn.height,
                content=drawn.content,
                created_at=now,
            )
            # locked, so that nobody removes it as its last product's meanwhile
            .on_conflict_do_update(index_elements=["digest"], set_={"media": drawn.media})
        )
        last = sa.select(sa.func.coalesce(sa.func.max(product_picture.c.position), -1) + 1).where(
            product_picture.c.product == product
        )
        await tx.execute(
            insert(product_picture)
            .values(
                id=ident,
                product=product,
                digest=drawn.digest,
                position=last.scalar_subquery(),
                alt=dict(alt),
                created_at=now,
            )
            .on_conflict_do_update(index_elements=["product", "digest"], set_={"alt": dict(alt)})
        )
        return next(one for one in await self.of(tx, product) if one.digest == drawn.digest)

    async def of(self, tx: Transaction, product: UUID) -> Sequence[Placed]:
        """The pictures of a product, in their order."""
        placed = product_picture.c
        query = (
            sa.select(placed.id, placed.digest, placed.position, picture.c.width, picture.c.height, placed.alt)
            .join(picture, picture.c.digest == placed.digest)
            .where(placed.product == product)
            .order_by(placed.position, placed.id)
        )
        return [Placed(*row) for row in await tx.execute(query)]

    async def remove(self, tx: Transaction, product: UUID, ident: UUID) -> bool:
        """Take a picture from a product; its bytes go with the last one that shows them."""
        digest = await tx.scalar(
            sa.delete(product_picture)
            .where(product_picture.c.product == product, product_picture.c.id == ident)
            .returning(product_picture.c.digest)
        )
        if digest is None:
            return False
        shown = sa.exists().where(product_picture.c.digest == picture.c.digest)
        await tx.execute(sa.delete(picture).where(picture.c.digest == digest, ~shown))
        return True

    async def content(self, tx: Transaction, digest: bytes) -> tuple[str, bytes] | None:
        """The type and the bytes of a picture."""
        query = sa.select(picture.c.media, picture.c.content).where(picture.c.digest == digest)
        row = (await tx.execute(query)).one_or_none()
        return (row.media, row.content) if row else None
