"""Stock is transferred between warehouses, watched, and proven every night.

Revision ID: 0083
Revises: 0082
"""

from __future__ import annotations

from alembic import op

revision = "0083"
down_revision = "0082"
branch_labels = None
depends_on = None

_KINDS = "'receive', 'adjust', 'hold', 'release', 'expire', 'confirm', 'allocate', 'cancel', 'ship', 'return'"

UP = (
    "ALTER TABLE commerce.stock_movement DROP CONSTRAINT stock_movement_kind_check",
    "ALTER TABLE commerce.stock_movement ADD CONSTRAINT stock_movement_kind_check "
    f"CHECK (kind IN ({_KINDS}, 'transfer')) NOT VALID",
    # looked at beside those who write, not before them
    "ALTER TABLE commerce.stock_movement VALIDATE CONSTRAINT stock_movement_kind_check",
    "CREATE INDEX stock_movement_sold ON commerce.stock_movement (at) WHERE kind IN ('confirm', 'allocate', 'cancel')",
    """
    CREATE TABLE commerce.low_stock_rule (
        sku text PRIMARY KEY REFERENCES commerce.sku,
        threshold integer NOT NULL CHECK (threshold >= 0),
        lead_days smallint NOT NULL CHECK (lead_days BETWEEN 0 AND 365)
    )
    """,
    """
    CREATE TABLE commerce.stock_warning (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        sku text NOT NULL,
        warehouse text NOT NULL,
        available integer NOT NULL,
        per_day double precision NOT NULL,
        days_left double precision,
        raised_at timestamptz NOT NULL,
        cleared_at timestamptz,
        FOREIGN KEY (sku, warehouse) REFERENCES commerce.stock
    )
    """,
    "CREATE UNIQUE INDEX one_open_warning ON commerce.stock_warning (sku, warehouse) WHERE cleared_at IS NULL",
    """
    CREATE TABLE commerce.stock_proof (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        at timestamptz NOT NULL,
        rows bigint NOT NULL,
        movements bigint NOT NULL,
        wrong jsonb NOT NULL CHECK (jsonb_typeof(wrong) = 'array')
    )
    """,
    "REVOKE UPDATE, DELETE, TRUNCATE ON commerce.stock_proof FROM munjigi_commerce",
)

DOWN = (
    "DROP TABLE commerce.stock_proof",
    "DROP TABLE commerce.stock_warning",
    "DROP TABLE commerce.low_stock_rule",
    "DROP INDEX commerce.stock_movement_sold",
    "ALTER TABLE commerce.stock_movement DROP CONSTRAINT stock_movement_kind_check",
    "ALTER TABLE commerce.stock_movement ADD CONSTRAINT stock_movement_kind_check "
    f"CHECK (kind IN ({_KINDS})) NOT VALID",
)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
