"""Payments of reservations: what was asked for, taken and given back, and every step of it.

Revision ID: 0054
Revises: 0053
"""

from __future__ import annotations

from alembic import op

revision = "0054"
down_revision = "0053"
branch_labels = None
depends_on = None

UP = (
    """
    CREATE TABLE reservation.payment (
        id uuid PRIMARY KEY,
        subject uuid NOT NULL REFERENCES reservation.reservation,
        person uuid NOT NULL,
        amount bigint NOT NULL CHECK (amount > 0),
        currency char(3) NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
        name text NOT NULL CHECK (length(name) <= 200),
        provider text NOT NULL,
        state text NOT NULL CHECK (state IN ('created', 'confirming', 'unknown', 'captured', 'failed')),
        reference text NOT NULL CHECK (length(reference) <= 300),
        captured bigint NOT NULL CHECK (captured >= 0),
        given_back bigint NOT NULL CHECK (given_back BETWEEN 0 AND captured),
        failure text NOT NULL CHECK (length(failure) <= 80),
        attempts integer NOT NULL CHECK (attempts >= 0),
        dead boolean NOT NULL,
        next_attempt_at timestamptz,
        expires_at timestamptz NOT NULL,
        created_at timestamptz NOT NULL,
        CHECK ((state = 'captured') = (captured > 0)),
        CHECK (state NOT IN ('captured', 'failed') OR next_attempt_at IS NULL),
        CHECK ((state = 'failed') = (failure <> ''))
    )
    """,
    "COMMENT ON COLUMN reservation.payment.given_back IS 'what is or was to be refunded; never more than was taken'",
    "CREATE UNIQUE INDEX one_payment_at_a_time ON reservation.payment (subject) WHERE state <> 'failed'",
    "CREATE INDEX payment_of ON reservation.payment (subject, created_at DESC)",
    "CREATE INDEX payment_due ON reservation.payment (next_attempt_at) WHERE next_attempt_at IS NOT NULL",
    "CREATE INDEX payment_dead ON reservation.payment (created_at) WHERE dead",
    """
    CREATE TABLE reservation.refund (
        id uuid PRIMARY KEY,
        payment uuid NOT NULL REFERENCES reservation.payment,
        cause text NOT NULL CHECK (cause IN ('cancelled', 'too_late', 'unwanted', 'wrong_amount')),
        of uuid REFERENCES reservation.cancellation,
        amount bigint NOT NULL CHECK (amount > 0),
        state text NOT NULL CHECK (state IN ('requested', 'sent', 'succeeded', 'failed', 'unknown')),
        reference text NOT NULL CHECK (length(reference) <= 300),
        failure text NOT NULL CHECK (length(failure) <= 80),
        attempts integer NOT NULL CHECK (attempts >= 0),
        dead boolean NOT NULL,
        next_attempt_at timestamptz,
        requested_at timestamptz NOT NULL,
        CHECK ((cause = 'cancelled') = (of IS NOT NULL)),
        CHECK (state NOT IN ('succeeded', 'failed') OR next_attempt_at IS NULL),
        CONSTRAINT one_refund_of_a_cancellation UNIQUE (of)
    )
    """,
    "CREATE UNIQUE INDEX one_refund_of_a_cause ON reservation.refund (payment, cause) WHERE of IS NULL",
    "CREATE INDEX refund_of ON reservation.refund (payment, requested_at)",
    "CREATE INDEX refund_due ON reservation.refund (next_attempt_at) WHERE next_attempt_at IS NOT NULL",
    "CREATE INDEX refund_dead ON reservation.refund (requested_at) WHERE dead OR state = 'failed'",
    # money moves once for each cause, and what was written stays: a ledger stands on these rows
    """
    CREATE TABLE reservation.money_movement (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        payment uuid NOT NULL REFERENCES reservation.payment,
        cause uuid NOT NULL,
        kind text NOT NULL CHECK (kind IN ('capture', 'refund')),
        amount bigint NOT NULL CHECK (amount <> 0 AND (amount > 0) = (kind = 'capture')),
        reference text NOT NULL,
        at timestamptz NOT NULL,
        CONSTRAINT money_moves_once UNIQUE (cause)
    )
    """,
    "CREATE INDEX money_movement_of ON reservation.money_movement (payment, id)",
    """
    CREATE TABLE reservation.payment_event (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        payment uuid NOT NULL REFERENCES reservation.payment,
        refund uuid REFERENCES reservation.refund,
        from_state text,
        to_state text NOT NULL,
        why text NOT NULL,
        at timestamptz NOT NULL
    )
    """,
    "CREATE INDEX payment_event_of ON reservation.payment_event (payment, id)",
    """
    CREATE TABLE reservation.webhook (
        provider text NOT NULL,
        event text NOT NULL CHECK (length(event) <= 80),
        at timestamptz NOT NULL,
        PRIMARY KEY (provider, event)
    )
    """,
    "CREATE INDEX webhook_age ON reservation.webhook (at)",
    "REVOKE UPDATE, DELETE, TRUNCATE ON reservation.money_movement, reservation.payment_event FROM munjigi_reservation",
    "REVOKE DELETE, TRUNCATE ON reservation.payment, reservation.refund FROM munjigi_reservation",
)
TABLES = ("webhook", "payment_event", "money_movement", "refund", "payment")


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for table in TABLES:
        op.execute(f"DROP TABLE reservation.{table}")
