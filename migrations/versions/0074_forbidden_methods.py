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
    # a code without a refresh token has what its grant is called as well, and no family
    op.execute("ALTER TABLE idp.authorization_code DROP CONSTRAINT authorization_code_family_id_fkey")
    op.execute(
        "COMMENT ON COLUMN idp.authorization_code.family_id IS "
        "'the refresh family that came of it, or, where none did, what its access token calls the grant'"
    )


def downgrade() -> None:
    op.execute("COMMENT ON COLUMN idp.authorization_code.family_id IS NULL")
    op.execute(
        "UPDATE idp.authorization_code SET family_id = NULL "
        "WHERE NOT EXISTS (SELECT FROM idp.refresh_family WHERE refresh_family.id = authorization_code.family_id)"
    )
    op.execute(
        "ALTER TABLE idp.authorization_code ADD CONSTRAINT authorization_code_family_id_fkey "
        "FOREIGN KEY (family_id) REFERENCES idp.refresh_family ON DELETE SET NULL"
    )
    op.execute("ALTER TABLE idp.organisation_authentication DROP COLUMN forbidden, DROP COLUMN verified_approvals")
