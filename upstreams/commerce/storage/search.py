"""Search in PostgreSQL: a tsvector per product, a vocabulary of its words, facets as an array. No extension."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from config.connections import Transaction
from upstreams.commerce.catalogue.offers import Texts
from upstreams.commerce.search.asked import Order, Search
from upstreams.commerce.search.searching import Found, Hits, without
from upstreams.commerce.storage.search_tables import search_word

_LAST = "\U0010ffff"
"""Above every letter, in the order of code points."""
_RANKS = {
    Order.NEW: "-extract(epoch FROM launched_at)::float8",
    Order.CHEAP: "price::float8",
    Order.DEAR: "-price::float8",
}
_BY_WORDS = "-(ts_rank(words, CAST(:query AS tsquery)) + 2 * ts_rank(words, CAST(:exact AS tsquery)))::float8"
_WALKS = {
    Order.NEW: ("launched_at DESC, product", "launched_at <= to_timestamp(-CAST(:rank AS float8)) + interval '1 s'"),
    Order.CHEAP: ("price, product", "price >= CAST(:rank AS float8)::bigint"),
    # the tie goes the other way, as the index is walked backwards
    Order.DEAR: ("price DESC, product DESC", "price <= (-CAST(:rank AS float8))::bigint"),
}
_BY_INDEX = sa.text("SELECT set_config('enable_seqscan', 'off', true)")
"""A scan that looks at each document's words until it has found enough takes ten times as long as the index does."""
_WALKING = sa.text(
    "SELECT set_config('enable_bitmapscan', 'off', true), set_config('enable_seqscan', 'off', true), "
    "set_config('enable_sort', 'off', true)"
)

_ALIKE = sa.text(
    """
    SELECT word, letters, documents FROM commerce.search_word
    WHERE grams && CAST(:grams AS text[])
    ORDER BY (SELECT count(*) FROM unnest(grams) AS piece WHERE piece = ANY (CAST(:grams AS text[]))) DESC,
        documents DESC, word
    LIMIT :limit
    """
)

_LABELS = sa.text("SELECT facet, label FROM commerce.search_label WHERE facet = ANY (CAST(:facets AS text[]))").columns(
    label=JSONB
)
_TOTALS = sa.text("SELECT facet, documents FROM commerce.search_total")


@lru_cache(maxsize=512)
def _statement(text: str) -> sa.TextClause:
    """A statement that is read once: there are as many as groups of filters are taken together."""
    return sa.text(text)


class StoredWords:
    """`commerce.search.searching.Words` in schema `commerce`."""

    async def beginning(self, tx: Transaction, letters: str, *, limit: int) -> Sequence[str]:
        """Words that begin with these letters, those of the most documents first."""
        return await self._from(tx, search_word.c.letters, letters, limit)

    async def by_initials(self, tx: Transaction, initials: str, *, limit: int) -> Sequence[str]:
        """Words whose syllables begin with these consonants, from the first on."""
        return await self._from(tx, search_word.c.initials, initials, limit)

    async def _from(self, tx: Transaction, column: sa.Column[str], start: str, limit: int) -> Sequence[str]:
        ordered = sa.collate(column, "C")
        query = (
            sa.select(search_word.c.word)
            .where(ordered >= start, ordered < start + _LAST)
            .order_by(search_word.c.documents.desc(), search_word.c.word)
            .limit(limit)
        )
        return (await tx.scalars(query)).all()

    async def containing(self, tx: Transaction, letters: str, grams: Sequence[str], *, limit: int) -> Sequence[str]:
        """Words that have these letters inside; `grams`: pieces of three that such a word has."""
        word = search_word.c
        query = (
            sa.select(word.word)
            .where(word.grams.contains(sa.cast(grams, ARRAY(sa.Text))), sa.func.strpos(word.letters, letters) > 1)
            .order_by(word.documents.desc(), word.word)
            .limit(limit)
        )
        return (await tx.scalars(query)).all()

    async def alike(self, tx: Transaction, grams: Sequence[str], *, limit: int) -> Sequence[tuple[str, str, int]]:
        """Words that share the most of these pieces, with their letters and in how many documents they stand."""
        rows = await tx.execute(_ALIKE, {"grams": list(grams), "limit": limit})
        return [(row.word, row.letters, row.documents) for row in rows]


class StoredDocuments:
    """`commerce.search.searching.Documents` in schema `commerce`."""

    async def hits(self, tx: Transaction, search: Search, query: str | None, exact: str | None, *, cap: int) -> Hits:
        """Find. `query`: what must match, as a tsquery, None for everything; `exact`: the words as they were typed."""
        by_words = search.order is Order.BEST and query is not None
        order = Order.NEW if search.order is Order.BEST else search.order
        rank = _BY_WORDS if by_words else _RANKS[order]
        if query is None and not search.filters:
            total, counted = await self._totals(tx)
            return Hits(await self._walk(tx, search, order, query), total, counted, broad=True)
        await tx.execute(_BY_INDEX)
        total, counted, page = await self._counted(tx, search, query, exact, rank, cap)
        for group in search.filters:
            others = without(search, group)
            if query is None and not others.filters:
                _, found = await self._totals(tx)
            else:
                _, found, _ = await self._counted(tx, others, query, exact, None, cap)
            counted.update({facet: count for facet, count in found.items() if facet.startswith(f"{group}:")})
        broad = search.after.broad if search.after else total > cap
        if broad:
            page = await self._walk(tx, search, order, query)
        return Hits(page, total, counted, broad)

    async def labels(self, tx: Transaction, facets: Sequence[str]) -> Mapping[str, Texts]:
        """What people read for facets and their groups."""
        return {row.facet: row.label for row in await tx.execute(_LABELS, {"facets": list(facets)})}

    async def _totals(self, tx: Transaction) -> tuple[int, dict[str, int]]:
        rows = await tx.execute(_TOTALS)
        counted = {row.facet: int(row.documents) for row in rows}
        return counted.pop("", 0), counted

    async def _counted(
        self, tx: Transaction, search: Search, query: str | None, exact: str | None, rank: str | None, cap: int
    ) -> tuple[int, dict[str, int], list[Found]]:
        where, values = _where(search, query)
        beyond = ""
        if search.after is not None:
            beyond = "WHERE (rank, product) > (CAST(:rank AS float8), CAST(:product AS uuid))"
            values |= {"rank": search.after.rank, "product": search.after.product}
            if search.order is Order.DEAR:
                beyond = "WHERE rank > :rank OR (rank = CAST(:rank AS float8) AND product < CAST(:product AS uuid))"
        tie = "product DESC" if search.order is Order.DEAR else "product"
        page = "NULL::jsonb"
        if rank is not None:
            page = f"""(SELECT jsonb_agg(jsonb_build_array(product, rank) ORDER BY rank, {tie}) FROM (
                SELECT product, rank FROM (SELECT product, {rank} AS rank FROM hits) AS ranked
                {beyond} ORDER BY rank, {tie} LIMIT :limit) AS page)"""  # noqa: S608 - made of the constants above; what was sent goes in as values
            values["limit"] = search.limit + 1
            if ":exact" in rank:
                values["exact"] = exact
        else:
            values = {name: value for name, value in values.items() if name not in ("rank", "product")}
        statement = f"""
            WITH hits AS MATERIALIZED (
                SELECT product, facets, price, launched_at, words FROM commerce.search_document
                WHERE {where} LIMIT :cap
            )
            SELECT (SELECT count(*) FROM hits) AS total,
                (SELECT jsonb_object_agg(facet, documents) FROM (
                    SELECT facet, count(*) AS documents FROM hits, unnest(facets) AS facet GROUP BY facet) AS counted
                ) AS counted,
                {page} AS page
            """  # noqa: S608 - as above
        row = (await tx.execute(_statement(statement), {**values, "cap": cap + 1})).one()
        return int(row.total), dict(row.counted or {}), [Found(*_found(one)) for one in row.page or ()]

    async def _walk(self, tx: Transaction, search: Search, order: Order, query: str | None) -> list[Found]:
        """The first of so many that hardly any need to be looked at: along an index, in its order."""
        where, values = _where(search, query)
        by, near = _WALKS[order]
        if search.after is not None:
            tie = "<" if order is Order.DEAR else ">"
            here = _RANKS[order]
            where += f" AND {near} AND ({here} > :rank OR ({here} = :rank AND product {tie} CAST(:product AS uuid)))"
            values |= {"rank": search.after.rank, "product": search.after.product}
        statement = f"""
            SELECT product, {_RANKS[order]} AS rank FROM commerce.search_document
            WHERE {where} ORDER BY {by} LIMIT :limit
            """  # noqa: S608 - as above
        await tx.execute(_WALKING)
        rows = await tx.execute(_statement(statement), {**values, "limit": search.limit + 1})
        return [Found(row.product, row.rank) for row in rows]


def _found(one: Sequence[Any]) -> tuple[Any, float]:
    return UUID(one[0]), float(one[1])


def _where(search: Search, query: str | None) -> tuple[str, dict[str, Any]]:
    conditions, values = [], dict[str, Any]()
    if query is not None:
        conditions.append("words @@ CAST(:query AS tsquery)")
        values["query"] = query
    for place, facets in enumerate(search.facets):
        conditions.append(f"facets && CAST(:facets{place} AS text[])")
        values[f"facets{place}"] = facets
    return " AND ".join(conditions) or "true", values
