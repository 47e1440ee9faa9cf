"""The outbox, which every service writes and the relay empties, and the epochs of relays.

Revision ID: 0003
Revises: 0002
"""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_WRITERS = (
    "munjigi_idp, munjigi_gateway, munjigi_policy, munjigi_commerce, munjigi_reservation, munjigi_worker, munjigi_audit"
)


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE events.outbox (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            topic text NOT NULL CHECK (topic ~ '^[a-z_]{1,32}$' AND topic <> 'heartbeat'),
            key text NOT NULL,
            payload jsonb NOT NULL CHECK (jsonb_typeof(payload) = 'object'),
            at timestamptz NOT NULL DEFAULT clock_timestamp()
        ) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000)
        """
    )
    op.execute("CREATE SEQUENCE events.epoch")
    op.execute(f"GRANT INSERT ON events.outbox TO {_WRITERS}")
    op.execute("GRANT SELECT, DELETE ON events.outbox TO munjigi_worker")
    op.execute("GRANT USAGE, SELECT, UPDATE ON SEQUENCE events.epoch TO munjigi_worker")


def downgrade() -> None:
    op.execute("DROP SEQUENCE events.epoch")
    op.execute("DROP TABLE events.outbox")
