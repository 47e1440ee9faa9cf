"""Shared signals that others send: their transmitters, what came of each event, devices that they vouch for or not.

Revision ID: 0025
Revises: 0024
"""

from __future__ import annotations

from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

_TABLES = (
    """
    CREATE TABLE idp.signal_transmitter (
        id uuid PRIMARY KEY,
        organisation_id uuid NOT NULL REFERENCES idp.organisation ON DELETE CASCADE,
        name text NOT NULL,
        issuer text NOT NULL,
        jwks_uri text NOT NULL,
        audience text NOT NULL,
        delivery text NOT NULL CHECK (delivery IN ('push', 'poll')),
        poll_uri text CHECK ((poll_uri IS NULL) = (delivery = 'push')),
        token_digest bytea CHECK (octet_length(token_digest) = 32),
        sealed_authorization bytea,
        status text NOT NULL CHECK (status IN ('enabled', 'disabled')),
        on_session_revoked text NOT NULL CHECK (on_session_revoked IN ('end', 'record')),
        on_credential_change text NOT NULL CHECK (on_credential_change IN ('end', 'record')),
        on_device_compliance_change text NOT NULL
            CHECK (on_device_compliance_change IN ('end', 'step_up', 'distrust', 'record')),
        version bigint NOT NULL,
        created_at timestamptz NOT NULL,
        received_at timestamptz,
        problem text NOT NULL DEFAULT '',
        problem_at timestamptz,
        poll_due_at timestamptz NOT NULL,
        poll_failures integer NOT NULL DEFAULT 0 CHECK (poll_failures >= 0),
        UNIQUE (organisation_id, issuer, audience)
    )
    """,
    "COMMENT ON COLUMN idp.signal_transmitter.token_digest IS 'SHA-256 of what it shows with every push'",
    "COMMENT ON COLUMN idp.signal_transmitter.sealed_authorization IS 'what stands in `Authorization` at every poll'",
    "CREATE INDEX signal_transmitter_poll ON idp.signal_transmitter (poll_due_at) "
    "WHERE delivery = 'poll' AND status = 'enabled'",
    """
    CREATE TABLE idp.signal_received (
        transmitter_id uuid NOT NULL REFERENCES idp.signal_transmitter ON DELETE CASCADE,
        jti text NOT NULL,
        received_at timestamptz NOT NULL,
        events text[] NOT NULL,
        user_id uuid REFERENCES idp.user_account ON DELETE SET NULL,
        outcome text NOT NULL CHECK (outcome IN ('acted', 'recorded', 'nobody')),
        correlation_id text NOT NULL,
        PRIMARY KEY (transmitter_id, jti)
    )
    """,
    "CREATE INDEX signal_received_age ON idp.signal_received (received_at)",
    "CREATE INDEX signal_received_person ON idp.signal_received (user_id) WHERE user_id IS NOT NULL",
    """
    CREATE TABLE idp.device_compliance (
        device_id uuid NOT NULL REFERENCES idp.device ON DELETE CASCADE,
        transmitter_id uuid NOT NULL REFERENCES idp.signal_transmitter ON DELETE CASCADE,
        organisation_id uuid NOT NULL REFERENCES idp.organisation ON DELETE CASCADE,
        compliant boolean NOT NULL,
        at timestamptz NOT NULL,
        PRIMARY KEY (device_id, transmitter_id)
    )
    """,
    "COMMENT ON TABLE idp.device_compliance IS "
    "'what was said of it last; not compliant: unknown in sessions of that organisation, whatever its trust'",
)

_WORKER = ("GRANT SELECT (received_at), DELETE ON idp.signal_received TO munjigi_worker",)


def upgrade() -> None:
    for statement in (*_TABLES, *_WORKER):
        op.execute(statement)


def downgrade() -> None:
    for table in ("device_compliance", "signal_received", "signal_transmitter"):
        op.execute(f"DROP TABLE idp.{table}")
