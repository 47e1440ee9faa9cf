"""The tables of schema `reservation`, as migrations 0010 0050 to 0052, 0054, 0055 and 0076 make them."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TSTZRANGE

from upstreams.trade.storage.payment_tables import PaymentTables
from upstreams.trade.storage.tables import MOMENT, TradeTables

metadata = sa.MetaData(schema="reservation")
trade = TradeTables(metadata)
payments = PaymentTables(metadata)

sku = sa.Table(
    "sku",
    metadata,
    sa.Column("code", sa.Text, primary_key=True),
    sa.Column("product", sa.Uuid, nullable=False),
    sa.Column("name", JSONB, nullable=False),
    sa.Column("starts_at", MOMENT),
    sa.Column("ends_at", MOMENT),
    sa.Column("currency", sa.CHAR(3), nullable=False),
    sa.Column("price", sa.BigInteger, nullable=False),
    sa.Column("limit_per_request", sa.Integer, nullable=False),
    sa.Column("active", sa.Boolean, nullable=False),
    sa.Column("number", sa.BigInteger, sa.Identity(always=True), nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("limit_per_person", sa.Integer),
    sa.Column("unit_minutes", sa.Integer),
    sa.Column("payment", sa.Text, nullable=False),
    sa.Column("deadlines", JSONB, nullable=False),
)
seat = sa.Table(
    "seat",
    metadata,
    sa.Column("sku", sa.Text, primary_key=True),
    sa.Column("label", sa.Text, primary_key=True),
    sa.Column("place", sa.Integer, nullable=False),
    sa.Column("hold", sa.Uuid),
)
hold_seat = sa.Table(
    "hold_seat",
    metadata,
    sa.Column("hold", sa.Uuid, primary_key=True),
    sa.Column("sku", sa.Text, primary_key=True),
    sa.Column("label", sa.Text, primary_key=True),
)
booking = sa.Table(
    "booking",
    metadata,
    sa.Column("hold", sa.Uuid, primary_key=True),
    sa.Column("sku", sa.Text, primary_key=True),
    sa.Column("resource", sa.BigInteger, nullable=False),
    sa.Column("during", TSTZRANGE, nullable=False),
    sa.Column("quantity", sa.Integer, nullable=False),
    sa.Column("active", sa.Boolean, nullable=False),
)
request = sa.Table(
    "request",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("arrival", sa.BigInteger, sa.Identity(always=True), nullable=False),
    sa.Column("person", sa.Uuid, nullable=False),
    sa.Column("organisation", sa.Uuid),
    sa.Column("shard", sa.SmallInteger, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("refusal", sa.Text),
    sa.Column("currency", sa.CHAR(3), nullable=False),
    sa.Column("requested_at", MOMENT, nullable=False),
    sa.Column("decided_at", MOMENT),
    sa.Column("acknowledged_at", MOMENT),
    sa.Column("event", sa.BigInteger),
)
waiting = sa.Table(
    "waiting",
    metadata,
    sa.Column("request", sa.Uuid, primary_key=True),
    sa.Column("arrival", sa.BigInteger, nullable=False),
    sa.Column("shard", sa.SmallInteger, nullable=False),
    sa.Column("person", sa.Uuid, nullable=False),
    sa.Column("requested_at", MOMENT, nullable=False),
    sa.Column("enqueued_at", MOMENT, nullable=False),
)
request_line = sa.Table(
    "request_line",
    metadata,
    sa.Column("request", sa.Uuid, primary_key=True),
    sa.Column("sku", sa.Text, primary_key=True),
    sa.Column("quantity", sa.Integer, nullable=False),
    sa.Column("unit_price", sa.BigInteger, nullable=False),
    sa.Column("seats", ARRAY(sa.Text)),
    sa.Column("during", TSTZRANGE),
    sa.Column("payment", sa.Text, nullable=False),
    sa.Column("deadlines", JSONB, nullable=False),
)
reservation = sa.Table(
    "reservation",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("person", sa.Uuid, nullable=False),
    sa.Column("hold", sa.Uuid, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("reserved_at", MOMENT, nullable=False),
    sa.Column("version", sa.BigInteger, nullable=False),
)
reservation_event = sa.Table(
    "reservation_event",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("reservation", sa.Uuid, nullable=False),
    sa.Column("from_state", sa.Text),
    sa.Column("to_state", sa.Text, nullable=False),
    sa.Column("actor", sa.Uuid),
    sa.Column("at", MOMENT, nullable=False),
    sa.Column("reason", sa.Text),
)
result = sa.Table(
    "result",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("person", sa.Uuid, nullable=False),
    sa.Column("reservation", sa.Uuid, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("body", JSONB, nullable=False),
    sa.Column("told", sa.Boolean, nullable=False),
    sa.Column("at", MOMENT, nullable=False),
)
dead_letter = sa.Table(
    "dead_letter",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("request", sa.Uuid, nullable=False),
    sa.Column("error", sa.Text, nullable=False),
    sa.Column("sqlstate", sa.Text),
    sa.Column("buried_at", MOMENT, nullable=False),
    sa.Column("retried_at", MOMENT),
    sa.Column("retried_by", sa.Uuid),
)
cancellation = sa.Table(
    "cancellation",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("reservation", sa.Uuid, nullable=False),
    sa.Column("person", sa.Uuid, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("cancelled_at", MOMENT, nullable=False),
    sa.Column("whole", sa.Boolean, nullable=False),
)
cancellation_line = sa.Table(
    "cancellation_line",
    metadata,
    sa.Column("cancellation", sa.Uuid, primary_key=True),
    sa.Column("sku", sa.Text, primary_key=True),
    sa.Column("warehouse", sa.Text, primary_key=True),
    sa.Column("quantity", sa.Integer, nullable=False),
)
cancellation_charge = sa.Table(
    "cancellation_charge",
    metadata,
    sa.Column("cancellation", sa.Uuid, primary_key=True),
    sa.Column("sku", sa.Text, primary_key=True),
    sa.Column("quantity", sa.Integer, nullable=False),
    sa.Column("fee", sa.BigInteger, nullable=False),
    sa.Column("refund", sa.BigInteger, nullable=False),
)
