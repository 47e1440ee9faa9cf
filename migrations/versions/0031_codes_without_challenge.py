"""Codes of clients that an administrator lets do without PKCE have no challenge (RFC 9700, section 2.1.1).

Revision ID: 0031
Revises: 0030
"""

from __future__ import annotations

from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE idp.authorization_code ALTER COLUMN code_challenge DROP NOT NULL")
    op.execute(
        "COMMENT ON COLUMN idp.authorization_code.code_challenge IS 'NULL: asked for without PKCE, as its client may'"
    )


def downgrade() -> None:
    op.execute("DELETE FROM idp.authorization_code WHERE code_challenge IS NULL")
    op.execute("COMMENT ON COLUMN idp.authorization_code.code_challenge IS NULL")
    op.execute("ALTER TABLE idp.authorization_code ALTER COLUMN code_challenge SET NOT NULL")
