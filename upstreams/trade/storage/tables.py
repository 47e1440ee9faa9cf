"""The tables of trade in one service's schema, as the migrations make them."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

MOMENT = sa.DateTime(timezone=True)


class TradeTables:
    """Stock, stock_movement, hold, hold_line and idempotency of `metadata.schema`."""

    def __init__(self, metadata: sa.MetaData) -> None:
        self.warehouse = sa.Table(
            "warehouse",
            metadata,
            sa.Column("code", sa.Text, primary_key=True),
            sa.Column("name", JSONB, nullable=False),
        )
        self.stock = sa.Table(
            "stock",
            metadata,
            sa.Column("sku", sa.Text, primary_key=True),
            sa.Column("warehouse", sa.Text, primary_key=True),
            sa.Column("on_hand", sa.Integer, nullable=False),
            sa.Column("held", sa.Integer, nullable=False),
            sa.Column("allocated", sa.Integer, nullable=False),
            sa.Column("version", sa.BigInteger, nullable=False),
        )
        self.stock_movement = sa.Table(
            "stock_movement",
            metadata,
            sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
            sa.Column("sku", sa.Text, nullable=False),
            sa.Column("warehouse", sa.Text, nullable=False),
            sa.Column("kind", sa.Text, nullable=False),
            sa.Column("cause", sa.Text, nullable=False),
            sa.Column("on_hand", sa.Integer, nullable=False),
            sa.Column("held", sa.Integer, nullable=False),
            sa.Column("allocated", sa.Integer, nullable=False),
            sa.Column("at", MOMENT, nullable=False),
        )
        self.hold = sa.Table(
            "hold",
            metadata,
            sa.Column("id", sa.Uuid, primary_key=True),
            sa.Column("person", sa.Uuid, nullable=False),
            sa.Column("state", sa.Text, nullable=False),
            sa.Column("created_at", MOMENT, nullable=False),
            sa.Column("expires_at", MOMENT, nullable=False),
            sa.Column("ended_at", MOMENT),
        )
        self.hold_line = sa.Table(
            "hold_line",
            metadata,
            sa.Column("hold", sa.Uuid, primary_key=True),
            sa.Column("sku", sa.Text, primary_key=True),
            sa.Column("warehouse", sa.Text, primary_key=True),
            sa.Column("quantity", sa.Integer, nullable=False),
            sa.Column("given_back", sa.Integer, nullable=False),
        )
        self.idempotency = sa.Table(
            "idempotency",
            metadata,
            sa.Column("person", sa.Uuid, primary_key=True),
            sa.Column("key", sa.Text, primary_key=True),
            sa.Column("digest", sa.LargeBinary, nullable=False),
            sa.Column("result", sa.Uuid),
            sa.Column("refusal", sa.Text),
            sa.Column("at", MOMENT, nullable=False),
        )
