"""An organisation forbids ways to sign in outright, and says whether a device that approves verifies its user.

Revision ID: 0074
Revises: 0072
"""

from __future__ import annotations

from alembic import op

revision = "0074"
down_revision = "0072"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        ALTER TABLE idp.organisation_authentication
            ADD COLUMN forbidden text[] NOT NULL DEFAULT '{}',
            ADD COLUMN verified_approvals boolean NOT NULL DEFAULT false
        """
    )
    op.execute(
        "COMMENT ON COLUMN idp.organisation_authentication.forbidden IS "
        "'ways that are neither offered nor taken: passkey, push, totp, sms, email, link'"
    )


def downgrade() -> None:
    op.execute("ALTER TABLE idp.organisation_authentication DROP COLUMN forbidden, DROP COLUMN verified_approvals")
