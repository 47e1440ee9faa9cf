"""A login remembers that its person put off what a phase asked them to set up.

Revision ID: 0068
Revises: 0067
"""

from __future__ import annotations

from alembic import op

revision = "0068"
down_revision = "0067"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE idp.login ADD COLUMN put_off boolean NOT NULL DEFAULT false")


def downgrade() -> None:
    op.execute("ALTER TABLE idp.login DROP COLUMN put_off")
