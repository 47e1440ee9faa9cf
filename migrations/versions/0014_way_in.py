"""Remembered browsers, recovery links, how an organisation looks and whom its people ask.

Revision ID: 0014
Revises: 0013
"""

from __future__ import annotations

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_STATEMENTS = (
    """
    ALTER TABLE idp.user_account
        ADD COLUMN lock_reason text CHECK (lock_reason IN ('administrator', 'response', 'not_me')),
        ADD COLUMN locked_at timestamptz
    """,
    """
    ALTER TABLE idp.organisation
        ADD COLUMN look jsonb,
        ADD COLUMN support jsonb
    """,
    "COMMENT ON COLUMN idp.organisation.look IS 'NULL: as the product looks'",
    "COMMENT ON COLUMN idp.organisation.support IS 'NULL: as the settings support.* say'",
    """
    CREATE TABLE idp.client_home (
        client_id text PRIMARY KEY REFERENCES idp.client ON DELETE CASCADE,
        organisation_id uuid REFERENCES idp.organisation ON DELETE SET NULL,
        starts text[] NOT NULL DEFAULT '{}'
    )
    """,
    "COMMENT ON COLUMN idp.client_home.starts IS 'where its own sign-in begins, one address for each of its origins'",
    """
    CREATE TABLE idp.remembered_browser (
        series uuid PRIMARY KEY,
        user_id uuid NOT NULL REFERENCES idp.user_account ON DELETE CASCADE,
        device_id uuid NOT NULL REFERENCES idp.device ON DELETE CASCADE,
        secret_hash bytea NOT NULL CHECK (octet_length(secret_hash) = 32),
        former_hash bytea CHECK (octet_length(former_hash) = 32),
        rotated_at timestamptz NOT NULL,
        created_at timestamptz NOT NULL,
        last_used_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL,
        ends_at timestamptz NOT NULL,
        UNIQUE (user_id, device_id),
        CHECK (expires_at <= ends_at)
    )
    """,
    "CREATE INDEX remembered_browser_device ON idp.remembered_browser (device_id)",
    "CREATE INDEX remembered_browser_expiry ON idp.remembered_browser (expires_at)",
    """
    CREATE TABLE idp.recovery_link (
        token_hash bytea PRIMARY KEY CHECK (octet_length(token_hash) = 32),
        user_id uuid NOT NULL REFERENCES idp.user_account ON DELETE CASCADE,
        client_id text REFERENCES idp.client ON DELETE SET NULL,
        created_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL,
        attempts integer NOT NULL DEFAULT 0
    )
    """,
    "CREATE INDEX recovery_link_user ON idp.recovery_link (user_id)",
    "CREATE INDEX recovery_link_client ON idp.recovery_link (client_id)",
    "CREATE INDEX recovery_link_expiry ON idp.recovery_link (expires_at)",
    "GRANT SELECT, DELETE ON idp.remembered_browser, idp.recovery_link TO munjigi_worker",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    for table in ("recovery_link", "remembered_browser", "client_home"):
        op.execute(f"DROP TABLE idp.{table}")
    op.execute("ALTER TABLE idp.organisation DROP COLUMN support, DROP COLUMN look")
    op.execute("ALTER TABLE idp.user_account DROP COLUMN locked_at, DROP COLUMN lock_reason")
