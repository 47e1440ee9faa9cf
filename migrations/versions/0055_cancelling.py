"""Cancelling: terms of what is reserved, what each cancellation costs and gives back.

Revision ID: 0055
Revises: 0054
"""

from __future__ import annotations

from alembic import op

revision = "0055"
down_revision = "0054"
branch_labels = None
depends_on = None

UP = (
    """
    ALTER TABLE reservation.sku
        ADD COLUMN payment text NOT NULL DEFAULT 'on_site' CHECK (payment IN ('on_site', 'before')),
        ADD COLUMN deadlines jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(deadlines) = 'array')
    """,
    "COMMENT ON COLUMN reservation.sku.deadlines IS "
    "'hours before the beginning and the fee of cancelling until then, in basis points; empty: free until it begins'",
    # the terms of the moment of asking hold, whatever is changed afterwards, as the price does
    """
    ALTER TABLE reservation.request_line
        ADD COLUMN payment text NOT NULL DEFAULT 'on_site' CHECK (payment IN ('on_site', 'before')),
        ADD COLUMN deadlines jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(deadlines) = 'array')
    """,
    # a resource stands in no warehouse
    "ALTER TABLE reservation.cancellation_line DROP CONSTRAINT cancellation_line_sku_warehouse_fkey",
    "ALTER TABLE reservation.cancellation ADD COLUMN whole boolean NOT NULL DEFAULT true",
    """
    CREATE TABLE reservation.cancellation_charge (
        cancellation uuid NOT NULL REFERENCES reservation.cancellation,
        sku text NOT NULL REFERENCES reservation.sku,
        quantity integer NOT NULL CHECK (quantity > 0),
        fee bigint NOT NULL CHECK (fee >= 0),
        refund bigint NOT NULL CHECK (refund >= 0),
        PRIMARY KEY (cancellation, sku)
    )
    """,
    "CREATE UNIQUE INDEX cancelled_whole_once ON reservation.cancellation (reservation) WHERE whole",
    "REVOKE UPDATE, DELETE, TRUNCATE ON reservation.cancellation, reservation.cancellation_line, "
    "reservation.cancellation_charge FROM munjigi_reservation",
)
DOWN = (
    "GRANT UPDATE, DELETE ON reservation.cancellation, reservation.cancellation_line TO munjigi_reservation",
    "DROP TABLE reservation.cancellation_charge",
    "DROP INDEX reservation.cancelled_whole_once",
    "ALTER TABLE reservation.cancellation DROP COLUMN whole",
    """
    ALTER TABLE reservation.cancellation_line
        ADD FOREIGN KEY (sku, warehouse) REFERENCES reservation.stock NOT VALID
    """,
    "ALTER TABLE reservation.request_line DROP COLUMN payment, DROP COLUMN deadlines",
    "ALTER TABLE reservation.sku DROP COLUMN payment, DROP COLUMN deadlines",
)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
