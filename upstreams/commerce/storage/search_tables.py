"""The tables of search in schema `commerce`, as migration 0082 makes them."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TSVECTOR

from upstreams.commerce.storage.tables import metadata
from upstreams.trade.storage.tables import MOMENT

search_document = sa.Table(
    "search_document",
    metadata,
    sa.Column("product", sa.Uuid, primary_key=True),
    sa.Column("words", TSVECTOR, nullable=False),
    sa.Column("facets", ARRAY(sa.Text), nullable=False),
    sa.Column("currency", sa.CHAR(3), nullable=False),
    sa.Column("price", sa.BigInteger, nullable=False),
    sa.Column("launched_at", MOMENT, nullable=False),
)
search_word = sa.Table(
    "search_word",
    metadata,
    sa.Column("word", sa.Text, primary_key=True),
    sa.Column("letters", sa.Text, nullable=False),
    sa.Column("initials", sa.Text, nullable=False),
    sa.Column("grams", ARRAY(sa.Text), nullable=False),
    sa.Column("documents", sa.Integer, nullable=False),
)
search_change = sa.Table(
    "search_change",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("product", sa.Uuid, nullable=False),
)
search_total = sa.Table(
    "search_total",
    metadata,
    sa.Column("facet", sa.Text, primary_key=True),
    sa.Column("documents", sa.BigInteger, nullable=False),
    sa.Column("counted_at", MOMENT, nullable=False),
)
search_label = sa.Table(
    "search_label",
    metadata,
    sa.Column("facet", sa.Text, primary_key=True),
    sa.Column("label", JSONB, nullable=False),
)
