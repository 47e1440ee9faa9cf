"""The gateway: cookie sessions, sign-ins under way, what was last known of the identity provider.

Revision ID: 0008
Revises: 0007
"""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE gateway.cookie_session (
            cookie_sha256 bytea PRIMARY KEY CHECK (octet_length(cookie_sha256) = 32),
            sid text NOT NULL,
            contents_sealed bytea NOT NULL,
            access_expires_at timestamptz NOT NULL,
            refresh_claimed_until timestamptz,
            begun_at timestamptz NOT NULL,
            expires_at timestamptz NOT NULL,
            ended_at timestamptz,
            ended_reason text,
            ended_by jsonb,
            CHECK ((ended_at IS NULL) = (ended_reason IS NULL))
        )
        """
    )
    op.execute("CREATE INDEX cookie_session_of_session ON gateway.cookie_session (sid) WHERE ended_at IS NULL")
    op.execute("CREATE INDEX cookie_session_ended ON gateway.cookie_session (ended_at) WHERE ended_at IS NOT NULL")
    op.execute("CREATE INDEX cookie_session_over ON gateway.cookie_session (expires_at)")
    op.execute(
        """
        CREATE TABLE gateway.sign_in (
            state_sha256 bytea PRIMARY KEY CHECK (octet_length(state_sha256) = 32),
            browser_sha256 bytea NOT NULL CHECK (octet_length(browser_sha256) = 32),
            authority text NOT NULL,
            nonce_sha256 bytea NOT NULL CHECK (octet_length(nonce_sha256) = 32),
            verifier_sealed bytea NOT NULL,
            return_to text NOT NULL,
            acr text,
            max_age integer,
            expires_at timestamptz NOT NULL
        )
        """
    )
    op.execute("CREATE INDEX sign_in_over ON gateway.sign_in (expires_at)")
    op.execute(
        """
        CREATE TABLE gateway.known_provider (
            issuer text PRIMARY KEY,
            metadata jsonb NOT NULL,
            jwks jsonb NOT NULL,
            fetched_at timestamptz NOT NULL
        )
        """
    )


def downgrade() -> None:
    op.execute("DROP TABLE gateway.known_provider, gateway.sign_in, gateway.cookie_session")
