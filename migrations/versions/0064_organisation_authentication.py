"""Which keys the people of an organisation may register, and which methods count there for which `acr`.

Revision ID: 0064
Revises: 0063
"""

from __future__ import annotations

from alembic import op

revision = "0064"
down_revision = "0063"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE idp.organisation_authentication (
            organisation_id uuid PRIMARY KEY REFERENCES idp.organisation ON DELETE CASCADE,
            attestation jsonb NOT NULL,
            methods jsonb NOT NULL,
            version bigint NOT NULL CHECK (version > 0),
            changed_at timestamptz NOT NULL
        )
        """
    )
    op.execute(
        "COMMENT ON COLUMN idp.organisation_authentication.methods IS "
        "'by level of assurance (\"2\", \"3\") those that count; a level that is not named is the house''s'"
    )


def downgrade() -> None:
    op.execute("DROP TABLE idp.organisation_authentication")
