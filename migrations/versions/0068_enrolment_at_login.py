"""What a login remembers of the second step that a phase asked its person to set up.

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
    op.execute(
        "ALTER TABLE idp.login ADD COLUMN enrolment text NOT NULL DEFAULT 'unasked' "
        "CHECK (enrolment IN ('unasked', 'skipped', 'done'))"
    )
    op.execute(
        "COMMENT ON COLUMN idp.login.enrolment IS "
        "'skipped: put off in this login; done: set up in it'"
    )


def downgrade() -> None:
    op.execute("ALTER TABLE idp.login DROP COLUMN enrolment")
