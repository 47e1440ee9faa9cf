"""Which mail address a link of recovery was sent to: whoever uses it has proven that address.

Revision ID: 0047
Revises: 0046
"""

from __future__ import annotations

from alembic import op

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE idp.recovery_link ADD COLUMN sent_to text")


def downgrade() -> None:
    op.execute("ALTER TABLE idp.recovery_link DROP COLUMN sent_to")
