"""What the gateway keeps for step-up: whose sign-in it must be.

Revision ID: 0016
Revises: 0015
"""

from __future__ import annotations

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE gateway.sign_in ADD COLUMN person text")


def downgrade() -> None:
    op.execute("ALTER TABLE gateway.sign_in DROP COLUMN person")
