"""Links by mail that sign in, and whether an organisation wants them.

Revision ID: 0063
Revises: 0062
"""

from __future__ import annotations

from alembic import op

revision = "0063"
down_revision = "0062"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # one link a login: a new one takes the place of the last
    op.execute(
        """
        CREATE TABLE idp.sign_in_link (
            login_id uuid PRIMARY KEY REFERENCES idp.login ON DELETE CASCADE,
            token_hash bytea NOT NULL UNIQUE CHECK (octet_length(token_hash) = 32),
            code_digest bytea NOT NULL CHECK (octet_length(code_digest) = 32),
            user_id uuid NOT NULL REFERENCES idp.user_account ON DELETE CASCADE,
            sent_to text NOT NULL,
            asked_from jsonb NOT NULL,
            wrong integer NOT NULL DEFAULT 0 CHECK (wrong BETWEEN 0 AND 5),
            created_at timestamptz NOT NULL,
            expires_at timestamptz NOT NULL
        )
        """
    )
    op.execute("CREATE INDEX sign_in_link_user ON idp.sign_in_link (user_id)")
    op.execute("CREATE INDEX sign_in_link_expiry ON idp.sign_in_link (expires_at)")
    op.execute(
        "COMMENT ON COLUMN idp.sign_in_link.code_digest IS "
        "'of the code that another browser shows, to be typed in the one that asked'"
    )
    op.execute("GRANT SELECT, DELETE ON idp.sign_in_link TO munjigi_worker")
    op.execute("ALTER TABLE idp.organisation ADD COLUMN sign_in_links boolean")
    op.execute("COMMENT ON COLUMN idp.organisation.sign_in_links IS 'NULL: as idp.sign_in_links says'")


def downgrade() -> None:
    op.execute("ALTER TABLE idp.organisation DROP COLUMN sign_in_links")
    op.execute("DROP TABLE idp.sign_in_link")
