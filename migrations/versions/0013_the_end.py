"""Who is told of an end: clients of a session, back-channel logouts, shared-signals streams, links of "this wasn't me".

Revision ID: 0013
Revises: 0012
"""

from __future__ import annotations

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_TABLES = (
    """
    CREATE TABLE idp.session_client (
        sid text NOT NULL REFERENCES idp.session ON DELETE CASCADE,
        client_id text NOT NULL REFERENCES idp.client ON DELETE CASCADE,
        first_at timestamptz NOT NULL,
        PRIMARY KEY (sid, client_id)
    )
    """,
    """
    CREATE TABLE idp.signal_stream (
        id uuid PRIMARY KEY,
        client_id text NOT NULL REFERENCES idp.client ON DELETE CASCADE,
        method text NOT NULL CHECK (method IN ('push', 'poll')),
        endpoint_url text CHECK ((endpoint_url IS NULL) = (method = 'poll')),
        sealed_authorization bytea,
        events_requested text[] NOT NULL,
        description text NOT NULL,
        status text NOT NULL CHECK (status IN ('enabled', 'paused', 'disabled')),
        status_reason text NOT NULL,
        verified_at timestamptz,
        created_at timestamptz NOT NULL
    )
    """,
    "CREATE INDEX signal_stream_client ON idp.signal_stream (client_id)",
    """
    CREATE TABLE idp.signal_removed_subject (
        stream_id uuid NOT NULL REFERENCES idp.signal_stream ON DELETE CASCADE,
        user_id uuid NOT NULL REFERENCES idp.user_account ON DELETE CASCADE,
        removed_at timestamptz NOT NULL,
        PRIMARY KEY (stream_id, user_id)
    )
    """,
    """
    CREATE TABLE idp.delivery (
        id uuid PRIMARY KEY,
        client_id text NOT NULL REFERENCES idp.client ON DELETE CASCADE,
        stream_id uuid REFERENCES idp.signal_stream ON DELETE CASCADE,
        facts jsonb NOT NULL,
        happened_at timestamptz NOT NULL,
        due_at timestamptz NOT NULL,
        attempts integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
        settled_at timestamptz,
        outcome text CHECK (outcome IN ('delivered', 'dead')),
        problem text NOT NULL DEFAULT '',
        CHECK ((settled_at IS NULL) = (outcome IS NULL))
    )
    """,
    "COMMENT ON COLUMN idp.delivery.stream_id IS 'NULL: a back-channel logout'",
    "COMMENT ON COLUMN idp.delivery.due_at IS 'not before this moment; under delivery: the end of the lease'",
    "CREATE INDEX delivery_due ON idp.delivery (client_id, due_at) WHERE settled_at IS NULL AND stream_id IS NULL",
    "CREATE INDEX delivery_of_stream ON idp.delivery (stream_id, due_at) WHERE settled_at IS NULL",
    "CREATE INDEX delivery_age ON idp.delivery (happened_at)",
    """
    CREATE TABLE idp.not_me_link (
        digest bytea PRIMARY KEY CHECK (octet_length(digest) = 32),
        user_id uuid NOT NULL REFERENCES idp.user_account ON DELETE CASCADE,
        sid text,
        told jsonb,
        created_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL,
        used_at timestamptz
    )
    """,
    "COMMENT ON COLUMN idp.not_me_link.told IS 'who, when, where; NULL: as the session of the sid says'",
    "CREATE INDEX not_me_link_expiry ON idp.not_me_link (expires_at)",
)

_WORKER = (
    # the sweeper ends sessions, so it writes whom that concerns; of a client's secret it sees nothing
    "GRANT SELECT ON idp.session_client, idp.signal_stream, idp.signal_removed_subject TO munjigi_worker",
    "GRANT SELECT (client_id, backchannel_logout_uri) ON idp.client TO munjigi_worker",
    "GRANT SELECT, INSERT, DELETE ON idp.delivery TO munjigi_worker",
    "GRANT SELECT, INSERT, DELETE ON idp.not_me_link TO munjigi_worker",
)


def upgrade() -> None:
    op.execute("ALTER TABLE idp.client ADD COLUMN backchannel_logout_uri text")
    op.execute("ALTER TABLE idp.client ADD COLUMN backchannel_logout_session_required boolean NOT NULL DEFAULT false")
    for statement in (*_TABLES, *_WORKER):
        op.execute(statement)


def downgrade() -> None:
    for table in ("not_me_link", "delivery", "signal_removed_subject", "signal_stream", "session_client"):
        op.execute(f"DROP TABLE idp.{table}")
    op.execute("REVOKE SELECT (client_id, backchannel_logout_uri) ON idp.client FROM munjigi_worker")
    op.execute("ALTER TABLE idp.client DROP COLUMN backchannel_logout_session_required")
    op.execute("ALTER TABLE idp.client DROP COLUMN backchannel_logout_uri")
