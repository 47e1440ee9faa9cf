"""The keys that codes and refresh families are bound to (RFC 9449, sections 5 and 10; RFC 8705, section 4).

Revision ID: 0025
Revises: 0028
"""

from __future__ import annotations

from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE idp.authorization_code ADD COLUMN dpop_jkt text CHECK (length(dpop_jkt) = 43)")
    op.execute(
        """
        ALTER TABLE idp.refresh_family
            ADD COLUMN confirmation jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(confirmation) = 'object')
        """
    )
    op.execute("COMMENT ON COLUMN idp.authorization_code.dpop_jkt IS 'NULL: not bound to a key before it is redeemed'")
    op.execute("COMMENT ON COLUMN idp.refresh_family.confirmation IS 'members of cnf (RFC 7800); empty: not bound'")


def downgrade() -> None:
    # what was bound must not become anybody's
    op.execute("DELETE FROM idp.authorization_code WHERE dpop_jkt IS NOT NULL AND redeemed_at IS NULL")
    op.execute("UPDATE idp.refresh_family SET revoked_at = coalesce(revoked_at, now()) WHERE confirmation <> '{}'")
    op.execute("ALTER TABLE idp.authorization_code DROP COLUMN dpop_jkt")
    op.execute("ALTER TABLE idp.refresh_family DROP COLUMN confirmation")
