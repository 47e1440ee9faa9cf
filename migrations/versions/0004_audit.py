"""The audit's record, its sealed segments and their chain: written once, never changed.

Revision ID: 0004
Revises: 0003
"""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_WRITERS = (
    "munjigi_idp, munjigi_gateway, munjigi_policy, munjigi_commerce, munjigi_reservation, munjigi_worker, munjigi_audit"
)


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE audit.record (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            transaction xid8 NOT NULL DEFAULT pg_current_xact_id(),
            at timestamptz NOT NULL DEFAULT clock_timestamp(),
            kind text NOT NULL CHECK (kind ~ '^[a-z_]{1,64}$'),
            actor text NOT NULL,
            subject text NOT NULL,
            sid text NOT NULL,
            ip inet,
            details jsonb NOT NULL CHECK (jsonb_typeof(details) = 'object'),
            correlation_id text NOT NULL
        )
        """
    )
    op.execute("CREATE INDEX record_transaction ON audit.record (transaction, id)")
    op.execute("CREATE INDEX record_subject ON audit.record (subject, at)")
    op.execute("CREATE INDEX record_kind ON audit.record (kind, at)")
    op.execute("COMMENT ON COLUMN audit.record.transaction IS 'who wrote it in one commit; sealing goes by it'")
    op.execute(
        """
        CREATE TABLE audit.segment (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            kind text NOT NULL CHECK (kind IN ('file', 'records')),
            name text NOT NULL UNIQUE,
            first bigint NOT NULL,
            last bigint NOT NULL,
            records bigint NOT NULL CHECK (records >= 0),
            torn bigint NOT NULL DEFAULT 0 CHECK (torn >= 0),
            root bytea NOT NULL CHECK (octet_length(root) = 32),
            leaves bytea,
            sealed_at timestamptz NOT NULL,
            CHECK ((kind = 'records') = (leaves IS NOT NULL)),
            CHECK (leaves IS NULL OR octet_length(leaves) = 32 * records)
        )
        """
    )
    op.execute(
        """
        COMMENT ON TABLE audit.segment IS
        'file: first and last are sequence numbers of records; records: transactions, first <= transaction < last'
        """
    )
    op.execute(
        """
        CREATE TABLE audit.chain (
            position bigint PRIMARY KEY CHECK (position >= 1),
            segment_id bigint NOT NULL UNIQUE REFERENCES audit.segment,
            previous bytea NOT NULL CHECK (octet_length(previous) = 32),
            hash bytea NOT NULL UNIQUE CHECK (octet_length(hash) = 32)
        )
        """
    )
    # `transaction`, `id` and `at` are not theirs to give
    op.execute(f"GRANT INSERT (kind, actor, subject, sid, ip, details, correlation_id) ON audit.record TO {_WRITERS}")
    op.execute("GRANT SELECT ON audit.record, audit.segment, audit.chain TO munjigi_audit")
    op.execute("GRANT INSERT ON audit.segment, audit.chain TO munjigi_audit")


def downgrade() -> None:
    op.execute("DROP TABLE audit.chain")
    op.execute("DROP TABLE audit.segment")
    op.execute("DROP TABLE audit.record")
