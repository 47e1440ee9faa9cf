"""Policy versions as gateways take them up: compiled where they are published.

Revision ID: 0042
Revises: 0041
"""

from __future__ import annotations

from alembic import op

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE policy.compiled (
            number bigint NOT NULL REFERENCES policy.version (number),
            format integer NOT NULL CHECK (format > 0),
            bytes bytea NOT NULL CHECK (length(bytes) > 0),
            PRIMARY KEY (number, format)
        )
        """
    )
    # a gateway reads it part by part, which is quick only where it was not compressed
    op.execute("ALTER TABLE policy.compiled ALTER COLUMN bytes SET STORAGE EXTERNAL")
    op.execute("REVOKE UPDATE ON policy.compiled FROM munjigi_policy")
    op.execute("GRANT SELECT ON policy.compiled TO munjigi_gateway")


def downgrade() -> None:
    op.execute("DROP TABLE policy.compiled")
