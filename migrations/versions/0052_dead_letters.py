"""Requests that could not be decided: why, when, and who had them tried again.

Revision ID: 0052
Revises: 0051
"""

from __future__ import annotations

from alembic import op

revision = "0052"
down_revision = "0051"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE reservation.dead_letter (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            request uuid NOT NULL REFERENCES reservation.request,
            error text NOT NULL,
            sqlstate text,
            buried_at timestamptz NOT NULL,
            retried_at timestamptz,
            retried_by uuid,
            CHECK ((retried_at IS NULL) = (retried_by IS NULL))
        )
        """
    )
    op.execute("CREATE UNIQUE INDEX dead_letter_waiting ON reservation.dead_letter (request) WHERE retried_at IS NULL")
    op.execute("CREATE INDEX dead_letter_of ON reservation.dead_letter (request)")


def downgrade() -> None:
    op.execute("DROP TABLE reservation.dead_letter")
