"""The tables of schema `commerce`, as migration 0009 makes them, with what 0080 and 0081 add to them."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from upstreams.trade.storage.tables import MOMENT, TradeTables

metadata = sa.MetaData(schema="commerce")
trade = TradeTables(metadata)
trade.warehouse.append_column(sa.Column("seller", sa.Uuid, nullable=False))

product_type = sa.Table(
    "product_type",
    metadata,
    sa.Column("code", sa.Text, primary_key=True),
    sa.Column("strategy", sa.Text, nullable=False),
    sa.Column("name", JSONB, nullable=False),
    sa.Column("attributes", JSONB, nullable=False),
)
product_state = sa.Table(
    "product_state",
    metadata,
    sa.Column("code", sa.Text, primary_key=True),
    sa.Column("name", JSONB, nullable=False),
    sa.Column("description", JSONB, nullable=False),
    sa.Column("sellable", sa.Boolean, nullable=False),
    sa.Column("position", sa.SmallInteger, nullable=False),
    sa.Column("on_entry", sa.Text, nullable=False),
    sa.Column("shipped", sa.Boolean, nullable=False),
)
product_state_transition = sa.Table(
    "product_state_transition",
    metadata,
    sa.Column("from_state", sa.Text, primary_key=True),
    sa.Column("to_state", sa.Text, primary_key=True),
)
product = sa.Table(
    "product",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("name", JSONB, nullable=False),
    sa.Column("description", JSONB, nullable=False),
    sa.Column("picture", sa.Text, nullable=False),
    sa.Column("currency", sa.CHAR(3), nullable=False),
    sa.Column("base_price", sa.BigInteger, nullable=False),
    sa.Column("attributes", JSONB, nullable=False),
    sa.Column("launched_at", MOMENT),
    sa.Column("ended_at", MOMENT),
    sa.Column("created_at", MOMENT, nullable=False),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("category", sa.Text),
    sa.Column("seller", sa.Uuid),
    sa.Column("planned_launch_at", MOMENT),
    sa.Column("launch_due_at", MOMENT),
)
product_event = sa.Table(
    "product_event",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("product", sa.Uuid, nullable=False),
    sa.Column("from_state", sa.Text),
    sa.Column("to_state", sa.Text, nullable=False),
    sa.Column("notes", sa.Text, nullable=False),
    sa.Column("actor", sa.Uuid),
    sa.Column("at", MOMENT, nullable=False),
)
sku = sa.Table(
    "sku",
    metadata,
    sa.Column("code", sa.Text, primary_key=True),
    sa.Column("product", sa.Uuid, nullable=False),
    sa.Column("option_key", sa.Text, nullable=False),
    sa.Column("price", sa.BigInteger),
    sa.Column("active", sa.Boolean, nullable=False),
)
seller = sa.Table(
    "seller",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("organisation", sa.Uuid),
    sa.Column("name", JSONB, nullable=False),
    sa.Column("contact", sa.LargeBinary),
    sa.Column("active", sa.Boolean, nullable=False),
    sa.Column("created_at", MOMENT, nullable=False),
)
offer = sa.Table(
    "offer",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("seller", sa.Uuid, nullable=False),
    sa.Column("sku", sa.Text, nullable=False),
    sa.Column("price", sa.BigInteger),
    sa.Column("active", sa.Boolean, nullable=False),
    sa.Column("version", sa.BigInteger, nullable=False),
)
purchase = sa.Table(
    "purchase",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("person", sa.Uuid, nullable=False),
    sa.Column("organisation", sa.Uuid),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("hold", sa.Uuid),
    sa.Column("currency", sa.CHAR(3), nullable=False),
    sa.Column("total", sa.BigInteger, nullable=False),
    sa.Column("placed_at", MOMENT, nullable=False),
    sa.Column("number", sa.Text),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("method", sa.Text, nullable=False),
    sa.Column("locale", sa.Text, nullable=False),
    sa.Column("destination", sa.LargeBinary),
    sa.Column("version", sa.BigInteger, nullable=False),
)
seller_order = sa.Table(
    "seller_order",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("purchase", sa.Uuid, nullable=False),
    sa.Column("seller", sa.Uuid, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("goods", sa.BigInteger, nullable=False),
    sa.Column("shipping", sa.BigInteger, nullable=False),
    sa.Column("method", sa.Text, nullable=False),
    sa.Column("commission", sa.BigInteger, nullable=False),
    sa.Column("due_from", sa.Date),
    sa.Column("due_until", sa.Date),
    sa.Column("completed_at", MOMENT),
    sa.Column("shipping_back", sa.BigInteger, nullable=False),
    sa.Column("version", sa.BigInteger, nullable=False),
)
order_line = sa.Table(
    "order_line",
    metadata,
    sa.Column("seller_order", sa.Uuid, primary_key=True),
    sa.Column("sku", sa.Text, primary_key=True),
    sa.Column("warehouse", sa.Text, primary_key=True),
    sa.Column("offer", sa.Uuid, nullable=False),
    sa.Column("quantity", sa.Integer, nullable=False),
    sa.Column("unit_price", sa.BigInteger, nullable=False),
    sa.Column("name", JSONB, nullable=False),
    sa.Column("shipped", sa.Integer, nullable=False),
    sa.Column("cancelled", sa.Integer, nullable=False),
    sa.Column("returned", sa.Integer, nullable=False),
)
order_event = sa.Table(
    "order_event",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("seller_order", sa.Uuid, nullable=False),
    sa.Column("from_state", sa.Text),
    sa.Column("to_state", sa.Text, nullable=False),
    sa.Column("actor", sa.Uuid),
    sa.Column("at", MOMENT, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("subject", sa.Uuid),
    sa.Column("note", sa.Text, nullable=False),
)
