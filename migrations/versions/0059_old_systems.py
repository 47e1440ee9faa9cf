"""Old systems that are asked about people who have no password here yet.

Revision ID: 0059
Revises: 0058
"""

from __future__ import annotations

from alembic import op

revision = "0059"
down_revision = "0058"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE idp.old_system (
            organisation_id uuid PRIMARY KEY REFERENCES idp.organisation ON DELETE CASCADE,
            address text NOT NULL CHECK (address ~ '^https?://'),
            sealed_secret bytea NOT NULL,
            endings text[] NOT NULL,
            roles text[] NOT NULL,
            private text[] NOT NULL,
            changed_at timestamptz NOT NULL
        )
        """
    )
    op.execute(
        "COMMENT ON COLUMN idp.old_system.endings IS "
        "'of login names that nobody has here: accounts are made for those whom the old system knows'"
    )
    op.execute("COMMENT ON COLUMN idp.old_system.private IS 'networks that are not public where it may stand, as CIDR'")


def downgrade() -> None:
    op.execute("DROP TABLE idp.old_system")
