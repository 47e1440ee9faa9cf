"""The tables of the keeping of stock in schema `commerce`, as migration 0083 makes them."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from upstreams.commerce.storage.tables import metadata
from upstreams.trade.storage.tables import MOMENT

low_stock_rule = sa.Table(
    "low_stock_rule",
    metadata,
    sa.Column("sku", sa.Text, primary_key=True),
    sa.Column("threshold", sa.Integer, nullable=False),
    sa.Column("lead_days", sa.SmallInteger, nullable=False),
)
stock_warning = sa.Table(
    "stock_warning",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("sku", sa.Text, nullable=False),
    sa.Column("warehouse", sa.Text, nullable=False),
    sa.Column("available", sa.Integer, nullable=False),
    sa.Column("per_day", sa.Double, nullable=False),
    sa.Column("days_left", sa.Double),
    sa.Column("raised_at", MOMENT, nullable=False),
    sa.Column("cleared_at", MOMENT),
)
stock_proof = sa.Table(
    "stock_proof",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("at", MOMENT, nullable=False),
    sa.Column("rows", sa.BigInteger, nullable=False),
    sa.Column("movements", sa.BigInteger, nullable=False),
    sa.Column("wrong", JSONB, nullable=False),
)
