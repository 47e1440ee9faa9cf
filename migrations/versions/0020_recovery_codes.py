"""Saved recovery codes; what a login wants remembered; whether a remembered browser has its newest secret.

Revision ID: 0020
Revises: 0019
"""

from __future__ import annotations

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE idp.recovery_code (
            user_id uuid NOT NULL REFERENCES idp.user_account ON DELETE CASCADE,
            digest bytea NOT NULL CHECK (octet_length(digest) = 32),
            made_at timestamptz NOT NULL,
            PRIMARY KEY (user_id, digest)
        )
        """
    )
    op.execute("COMMENT ON TABLE idp.recovery_code IS 'those that are left; one that was used is gone'")
    op.execute("ALTER TABLE idp.login ADD COLUMN remember boolean NOT NULL DEFAULT false")
    op.execute("COMMENT ON COLUMN idp.login.remember IS 'this browser is to be remembered once a session begins'")
    op.execute("CREATE INDEX login_browser ON idp.login (browser_hash)")
    op.execute("ALTER TABLE idp.remembered_browser ADD COLUMN seen_at timestamptz")
    op.execute(
        "COMMENT ON COLUMN idp.remembered_browser.seen_at IS "
        "'when the browser first came with this secret; NULL: perhaps it never got it, so the former one is believed'"
    )


def downgrade() -> None:
    op.execute("ALTER TABLE idp.remembered_browser DROP COLUMN seen_at")
    op.execute("DROP INDEX idp.login_browser")
    op.execute("ALTER TABLE idp.login DROP COLUMN remember")
    op.execute("DROP TABLE idp.recovery_code")
