"""What people allowed apps of others, and whether a login has asked for it.

Revision ID: 0023
Revises: 0022
"""

from __future__ import annotations

from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE idp.consent (
            user_id uuid NOT NULL REFERENCES idp.user_account ON DELETE CASCADE,
            client_id text NOT NULL REFERENCES idp.client ON DELETE CASCADE,
            scopes text[] NOT NULL,
            given_at timestamptz NOT NULL,
            PRIMARY KEY (user_id, client_id)
        )
        """
    )
    op.execute("CREATE INDEX consent_client ON idp.consent (client_id)")
    op.execute("COMMENT ON TABLE idp.consent IS 'what a person allows an app, until they withdraw it'")
    op.execute(
        "ALTER TABLE idp.login ADD COLUMN consent text NOT NULL DEFAULT 'unasked' "
        "CHECK (consent IN ('unasked', 'due', 'given', 'refused'))"
    )
    op.execute("ALTER TABLE idp.login ALTER COLUMN consent DROP DEFAULT")


def downgrade() -> None:
    op.execute("ALTER TABLE idp.login DROP COLUMN consent")
    op.execute("DROP TABLE idp.consent")
