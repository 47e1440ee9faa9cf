"""The tables of schema `commerce` that orders are sold, delivered and paid by, as migration 0084 makes them."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from upstreams.commerce.storage.tables import metadata
from upstreams.trade.storage.payment_tables import PaymentTables
from upstreams.trade.storage.tables import MOMENT

payments = PaymentTables(metadata)


def _column(name: str, kind: Any, *, key: bool = False, null: bool = False) -> sa.Column[Any]:
    return sa.Column(name, kind, primary_key=key, nullable=null)


seller_application = sa.Table(
    "seller_application",
    metadata,
    _column("id", sa.Uuid, key=True),
    _column("person", sa.Uuid),
    _column("organisation", sa.Uuid, null=True),
    _column("code", sa.Text),
    _column("name", JSONB),
    _column("contact", sa.LargeBinary),
    _column("state", sa.Text),
    _column("applied_at", MOMENT),
    _column("decided_at", MOMENT, null=True),
    _column("decided_by", sa.Uuid, null=True),
    _column("reason", sa.Text),
    _column("seller", sa.Uuid, null=True),
    _column("version", sa.BigInteger),
)
seller_member = sa.Table(
    "seller_member",
    metadata,
    _column("seller", sa.Uuid, key=True),
    _column("person", sa.Uuid, key=True),
    _column("since", MOMENT),
)
seller_terms = sa.Table(
    "seller_terms",
    metadata,
    _column("seller", sa.Uuid, key=True),
    _column("commission", sa.Integer),
    _column("version", sa.BigInteger),
)
shipping_region = sa.Table("shipping_region", metadata, _column("code", sa.Text, key=True), _column("name", JSONB))
shipping_region_postcode = sa.Table(
    "shipping_region_postcode",
    metadata,
    _column("region", sa.Text, key=True),
    _column("first", sa.CHAR(5), key=True),
    _column("last", sa.CHAR(5)),
)
shipping_method = sa.Table(
    "shipping_method",
    metadata,
    _column("seller", sa.Uuid, key=True),
    _column("code", sa.Text, key=True),
    _column("name", JSONB),
    _column("days_min", sa.SmallInteger),
    _column("days_max", sa.SmallInteger),
    _column("position", sa.SmallInteger),
    _column("active", sa.Boolean),
)
shipping_rule = sa.Table(
    "shipping_rule",
    metadata,
    _column("seller", sa.Uuid),
    _column("method", sa.Text),
    _column("region", sa.Text, null=True),
    _column("from_grams", sa.Integer),
    _column("fee", sa.BigInteger),
    _column("free_from", sa.BigInteger, null=True),
)
sku_weight = sa.Table("sku_weight", metadata, _column("sku", sa.Text, key=True), _column("grams", sa.Integer))
cart = sa.Table(
    "cart",
    metadata,
    _column("id", sa.Uuid, key=True),
    _column("person", sa.Uuid, null=True),
    _column("version", sa.BigInteger),
    _column("updated_at", MOMENT),
)
cart_item = sa.Table(
    "cart_item",
    metadata,
    _column("cart", sa.Uuid, key=True),
    _column("offer", sa.Uuid, key=True),
    _column("quantity", sa.Integer),
    _column("added_at", MOMENT),
)
shipment = sa.Table(
    "shipment",
    metadata,
    _column("id", sa.Uuid, key=True),
    _column("seller_order", sa.Uuid),
    _column("state", sa.Text),
    _column("carrier", sa.Text),
    _column("tracking", sa.Text),
    _column("shipped_at", MOMENT),
    _column("delivered_at", MOMENT, null=True),
)
shipment_line = sa.Table(
    "shipment_line",
    metadata,
    _column("shipment", sa.Uuid, key=True),
    _column("sku", sa.Text, key=True),
    _column("warehouse", sa.Text, key=True),
    _column("quantity", sa.Integer),
)
cancellation = sa.Table(
    "cancellation",
    metadata,
    _column("id", sa.Uuid, key=True),
    _column("seller_order", sa.Uuid),
    _column("person", sa.Uuid),
    _column("kind", sa.Text),
    _column("state", sa.Text),
    _column("reason", sa.Text),
    _column("goods", sa.BigInteger),
    _column("shipping", sa.BigInteger),
    _column("commission", sa.BigInteger),
    _column("requested_at", MOMENT),
    _column("done_at", MOMENT, null=True),
)
cancellation_line = sa.Table(
    "cancellation_line",
    metadata,
    _column("cancellation", sa.Uuid, key=True),
    _column("sku", sa.Text, key=True),
    _column("warehouse", sa.Text, key=True),
    _column("quantity", sa.Integer),
)
feedback = sa.Table(
    "feedback",
    metadata,
    _column("seller_order", sa.Uuid, key=True),
    _column("person", sa.Uuid),
    _column("stars", sa.SmallInteger),
    _column("words", sa.Text),
    _column("at", MOMENT),
)
deposit = sa.Table(
    "deposit",
    metadata,
    _column("payment", sa.Uuid, key=True),
    _column("amount", sa.BigInteger),
    _column("reference", sa.Text),
    _column("noted_by", sa.Uuid),
    _column("at", MOMENT),
)
bank_refund = sa.Table(
    "bank_refund",
    metadata,
    _column("key", sa.Uuid, key=True),
    _column("payment", sa.Uuid),
    _column("amount", sa.BigInteger),
    _column("asked_at", MOMENT),
    _column("reference", sa.Text, null=True),
    _column("sent_by", sa.Uuid, null=True),
    _column("sent_at", MOMENT, null=True),
)
ledger_transaction = sa.Table(
    "ledger_transaction",
    metadata,
    _column("id", sa.Uuid, key=True),
    _column("kind", sa.Text),
    _column("cause", sa.Uuid),
    _column("at", MOMENT),
)
ledger_entry = sa.Table(
    "ledger_entry",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    _column("transaction", sa.Uuid),
    _column("account", sa.Text),
    _column("seller", sa.Uuid, null=True),
    _column("amount", sa.BigInteger),
    _column("currency", sa.CHAR(3)),
    _column("at", MOMENT),
)
payout = sa.Table(
    "payout",
    metadata,
    _column("id", sa.Uuid, key=True),
    _column("seller", sa.Uuid),
    _column("period", sa.Date),
    _column("amount", sa.BigInteger),
    _column("currency", sa.CHAR(3)),
    _column("made_at", MOMENT),
    _column("made_by", sa.Uuid, null=True),
)
invoice = sa.Table(
    "invoice",
    metadata,
    _column("id", sa.Uuid, key=True),
    _column("seller_order", sa.Uuid),
    _column("number", sa.BigInteger),
    _column("seller", sa.Uuid),
    _column("cause", sa.Uuid),
    _column("supply", sa.BigInteger),
    _column("vat", sa.BigInteger),
    _column("total", sa.BigInteger),
    _column("currency", sa.CHAR(3)),
    _column("issued_at", MOMENT),
)
