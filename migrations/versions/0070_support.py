"""What support asks for, for one person: an exception from a phase, which an administrator gives or refuses.

Revision ID: 0070
Revises: 0069
"""

from __future__ import annotations

from alembic import op

revision = "0070"
down_revision = "0069"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE idp.exception_request (
            id uuid PRIMARY KEY,
            phase_id uuid NOT NULL REFERENCES idp.phase ON DELETE CASCADE,
            user_id uuid NOT NULL REFERENCES idp.user_account ON DELETE CASCADE,
            until timestamptz NOT NULL,
            why text NOT NULL,
            who text NOT NULL,
            asked_at timestamptz NOT NULL,
            decided_at timestamptz,
            decided_by text,
            granted boolean,
            CHECK ((decided_at IS NULL) = (decided_by IS NULL)),
            CHECK ((decided_at IS NULL) = (granted IS NULL))
        )
        """
    )
    op.execute(
        "CREATE UNIQUE INDEX exception_request_one ON idp.exception_request (phase_id, user_id) "
        "WHERE decided_at IS NULL"
    )
    op.execute("CREATE INDEX exception_request_phase ON idp.exception_request (phase_id, asked_at DESC, id DESC)")
    op.execute("CREATE INDEX exception_request_user ON idp.exception_request (user_id)")


def downgrade() -> None:
    op.execute("DROP TABLE idp.exception_request")
