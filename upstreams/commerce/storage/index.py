"""The index of search in PostgreSQL, written from what stands in the catalogue."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR, insert

from config.connections import Transaction
from upstreams.commerce.catalogue.categories import path_of
from upstreams.commerce.catalogue.offers import Texts
from upstreams.commerce.catalogue.types import Strategies
from upstreams.commerce.search.indexing import Document, Indexable
from upstreams.commerce.search.letters import grams_of, initials_of, letters_of
from upstreams.commerce.storage.catalogue import offers_now
from upstreams.commerce.storage.product_tables import category, option_category, option_value, sku_option
from upstreams.commerce.storage.search_tables import (
    search_change,
    search_document,
    search_label,
    search_total,
    search_word,
)
from upstreams.commerce.storage.tables import product, product_type, seller, sku
from upstreams.trade.storage import bulk

_LOCK = 0x4D4A_5345
"""Of whoever writes the index, in this database."""

_COUNTED = sa.text(
    """
    INSERT INTO commerce.search_total (facet, documents, counted_at)
    SELECT facet, count(*), CAST(:at AS timestamptz)
    FROM commerce.search_document, unnest(facets) AS facet GROUP BY facet
    UNION ALL SELECT '', count(*), CAST(:at AS timestamptz) FROM commerce.search_document
    """
)
"""The facet without a name is everything."""


class StoredIndex:
    """`commerce.search.indexing.Index` in schema `commerce`."""

    def __init__(self, strategies: Strategies | None = None) -> None:
        self._strategies = strategies or Strategies()

    async def changes(self, tx: Transaction, *, limit: int) -> Sequence[UUID]:
        """Take products that changed since they were read, each once; nobody else takes the same ones."""
        # one at a time: two that read one product anew would both count its words
        await tx.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        change = search_change.c
        first = sa.select(change.id).order_by(change.id).limit(limit).with_for_update(skip_locked=True)
        taken = sa.delete(search_change).where(change.id.in_(first)).returning(change.product)
        return sorted(set((await tx.scalars(taken)).all()))

    async def read(self, tx: Transaction, products: Sequence[UUID]) -> Sequence[Indexable]:
        """These products, as far as they are on sale."""
        categories = {row.code: row for row in await tx.execute(sa.select(category))}
        parents = {code: row.parent for code, row in categories.items()}
        options = await _options(tx, products)
        query = (
            offers_now()
            .where(product.c.id.in_(products), product_type.c.strategy.in_(self._strategies.codes))
            .add_columns(
                product.c.description,
                product.c.category,
                product.c.attributes,
                product.c.launched_at,
                product.c.created_at,
                product_type.c.attributes.label("schema"),
                seller.c.code.label("seller_code"),
            )
            .order_by(product.c.id, sku.c.code, seller.c.code)
        )
        found: dict[UUID, list[Any]] = {}
        for row in await tx.execute(query):
            found.setdefault(row.product, []).append(row)
        return [self._indexable(rows, categories, parents, options.get(key, [])) for key, rows in found.items()]

    def _indexable(self, rows: Sequence[Any], categories: Any, parents: Any, options: Any) -> Indexable:
        one = rows[0]
        on_sale = {row.sku for row in rows}
        return Indexable(
            product=one.product,
            name=one.name,
            description=one.description,
            currency=one.currency,
            price=min(row.price for row in rows),
            launched_at=one.launched_at or one.created_at,
            skus=sorted(on_sale),
            categories=[(code, categories[code].name) for code in path_of(one.category, parents)],
            sellers=list({row.seller_code: (row.seller_code, row.seller_name) for row in rows}.values()),
            attributes=one.attributes,
            schema=one.schema,
            options=list({(c, v): (c, cn, v, vn) for its, c, cn, v, vn in options if its in on_sale}.values()),
            available=self._available(rows),
        )

    def _available(self, rows: Sequence[Any]) -> Literal["now", "elsewhere", "sold_out"]:
        where = self._strategies.of(rows[0].strategy).counted
        if where == "elsewhere":
            return "elsewhere"
        return "now" if where == "nowhere" or any(row.available > 0 for row in rows) else "sold_out"

    async def write(self, tx: Transaction, products: Sequence[UUID], documents: Sequence[Document]) -> None:
        """These are the documents of these products; one without a document is found no more."""
        before = await tx.execute(
            sa.select(sa.func.tsvector_to_array(search_document.c.words))
            .where(search_document.c.product.in_(sorted(products)))
            .order_by(search_document.c.product)
            .with_for_update()
        )
        counts: Counter[str] = Counter()
        for (words,) in before:
            counts.subtract(words)
        for one in documents:
            counts.update(one.words.keys())
        await tx.execute(sa.delete(search_document).where(search_document.c.product.in_(products)))
        await self._documents(tx, documents)
        await self._labels(tx, {facet: label for one in documents for facet, label in one.labels.items()})
        await self._words(tx, {word: by for word, by in counts.items() if by})

    async def _documents(self, tx: Transaction, documents: Sequence[Document]) -> None:
        if not documents:
            return
        source = bulk.rows(
            "source",
            {
                "product": (sa.Uuid(), [one.product for one in documents]),
                "words": (sa.Text, [one.vector for one in documents]),
                "facets": (sa.Text, ["\n".join(one.facets) for one in documents]),
                "currency": (sa.Text, [one.currency for one in documents]),
                "price": (sa.BigInteger, [one.price for one in documents]),
                "launched_at": (sa.DateTime(timezone=True), [one.launched_at for one in documents]),
            },
        )
        chosen = sa.select(
            source.c.product,
            sa.cast(source.c.words, TSVECTOR),
            sa.func.string_to_array(source.c.facets, "\n"),
            source.c.currency,
            source.c.price,
            source.c.launched_at,
        )
        names = ["product", "words", "facets", "currency", "price", "launched_at"]
        await tx.execute(insert(search_document).from_select(names, chosen).on_conflict_do_nothing())

    async def _labels(self, tx: Transaction, labels: dict[str, Texts]) -> None:
        if not labels:
            return
        ordered = sorted(labels.items())
        source = bulk.rows(
            "source", {"facet": (sa.Text, [one for one, _ in ordered]), "label": (JSONB, [dict(x) for _, x in ordered])}
        )
        written = insert(search_label).from_select(["facet", "label"], sa.select(source.c.facet, source.c.label))
        changed = search_label.c.label != written.excluded.label
        await tx.execute(
            written.on_conflict_do_update(
                index_elements=["facet"], set_={"label": written.excluded.label}, where=changed
            )
        )

    async def _words(self, tx: Transaction, counts: dict[str, int]) -> None:
        """Count words up and down, in one order, so that two that write never wait in a circle."""
        # a number is found by its beginning; nobody puts one right
        ordered = sorted(word for word in counts if not word.isdigit())
        if not ordered:
            return
        source = bulk.rows(
            "source",
            {
                "word": (sa.Text, ordered),
                "letters": (sa.Text, [letters_of(word) for word in ordered]),
                "initials": (sa.Text, [initials_of(word) for word in ordered]),
                "grams": (sa.Text, ["\n".join(grams_of(letters_of(word))) for word in ordered]),
                "documents": (sa.Integer, [counts[word] for word in ordered]),
            },
        )
        chosen = sa.select(
            source.c.word,
            source.c.letters,
            source.c.initials,
            sa.func.string_to_array(source.c.grams, "\n"),
            source.c.documents,
        )
        written = insert(search_word).from_select(["word", "letters", "initials", "grams", "documents"], chosen)
        more = search_word.c.documents + written.excluded.documents
        await tx.execute(written.on_conflict_do_update(index_elements=["word"], set_={"documents": more}))
        fewer = [word for word in ordered if counts[word] < 0]
        if fewer:
            gone = sa.and_(search_word.c.word.in_(fewer), search_word.c.documents <= 0)
            await tx.execute(sa.delete(search_word).where(gone))

    async def count(self, tx: Transaction, now: datetime) -> None:
        """Count every facet over the whole catalogue."""
        await tx.execute(sa.text("LOCK TABLE commerce.search_total IN SHARE ROW EXCLUSIVE MODE"))
        await tx.execute(sa.delete(search_total))
        await tx.execute(_COUNTED, {"at": now})


async def _options(tx: Transaction, products: Sequence[UUID]) -> dict[UUID, list[tuple[str, str, Texts, str, Texts]]]:
    query = (
        sa.select(
            option_category.c.product,
            sku_option.c.sku,
            option_category.c.code,
            option_category.c.name,
            option_value.c.code.label("value"),
            option_value.c.name.label("value_name"),
        )
        .select_from(
            sku_option.join(option_value, option_value.c.id == sku_option.c.value).join(
                option_category, option_category.c.id == option_value.c.category
            )
        )
        .where(option_category.c.product.in_(products))
        .order_by(option_category.c.product, option_category.c.position, option_value.c.position, sku_option.c.sku)
    )
    found: dict[UUID, list[tuple[str, str, Texts, str, Texts]]] = {}
    for row in await tx.execute(query):
        found.setdefault(row.product, []).append((row.sku, row.code, row.name, row.value, row.value_name))
    return found
