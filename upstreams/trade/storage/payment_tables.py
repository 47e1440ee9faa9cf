"""The tables of payments in one service's schema, as the migrations make them."""

from __future__ import annotations

import sqlalchemy as sa

from upstreams.trade.storage.tables import MOMENT


class PaymentTables:
    """Payment, refund, money_movement, payment_event and webhook of `metadata.schema`."""

    def __init__(self, metadata: sa.MetaData) -> None:
        self.payment = sa.Table(
            "payment",
            metadata,
            sa.Column("id", sa.Uuid, primary_key=True),
            sa.Column("subject", sa.Uuid, nullable=False),
            sa.Column("person", sa.Uuid, nullable=False),
            sa.Column("amount", sa.BigInteger, nullable=False),
            sa.Column("currency", sa.CHAR(3), nullable=False),
            sa.Column("name", sa.Text, nullable=False),
            sa.Column("provider", sa.Text, nullable=False),
            sa.Column("state", sa.Text, nullable=False),
            sa.Column("reference", sa.Text, nullable=False),
            sa.Column("captured", sa.BigInteger, nullable=False),
            sa.Column("given_back", sa.BigInteger, nullable=False),
            sa.Column("failure", sa.Text, nullable=False),
            sa.Column("attempts", sa.Integer, nullable=False),
            sa.Column("dead", sa.Boolean, nullable=False),
            sa.Column("next_attempt_at", MOMENT),
            sa.Column("expires_at", MOMENT, nullable=False),
            sa.Column("created_at", MOMENT, nullable=False),
        )
        self.refund = sa.Table(
            "refund",
            metadata,
            sa.Column("id", sa.Uuid, primary_key=True),
            sa.Column("payment", sa.Uuid, nullable=False),
            sa.Column("cause", sa.Text, nullable=False),
            sa.Column("of", sa.Uuid),
            sa.Column("amount", sa.BigInteger, nullable=False),
            sa.Column("state", sa.Text, nullable=False),
            sa.Column("reference", sa.Text, nullable=False),
            sa.Column("failure", sa.Text, nullable=False),
            sa.Column("attempts", sa.Integer, nullable=False),
            sa.Column("dead", sa.Boolean, nullable=False),
            sa.Column("next_attempt_at", MOMENT),
            sa.Column("requested_at", MOMENT, nullable=False),
        )
        self.money_movement = sa.Table(
            "money_movement",
            metadata,
            sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
            sa.Column("payment", sa.Uuid, nullable=False),
            sa.Column("cause", sa.Uuid, nullable=False),
            sa.Column("kind", sa.Text, nullable=False),
            sa.Column("amount", sa.BigInteger, nullable=False),
            sa.Column("reference", sa.Text, nullable=False),
            sa.Column("at", MOMENT, nullable=False),
        )
        self.payment_event = sa.Table(
            "payment_event",
            metadata,
            sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
            sa.Column("payment", sa.Uuid, nullable=False),
            sa.Column("refund", sa.Uuid),
            sa.Column("from_state", sa.Text),
            sa.Column("to_state", sa.Text, nullable=False),
            sa.Column("why", sa.Text, nullable=False),
            sa.Column("at", MOMENT, nullable=False),
        )
        self.webhook = sa.Table(
            "webhook",
            metadata,
            sa.Column("provider", sa.Text, primary_key=True),
            sa.Column("event", sa.Text, primary_key=True),
            sa.Column("at", MOMENT, nullable=False),
        )
