"""What became of a request, event by event, so that a page that was away is told all of it; holds that were released.

Revision ID: 0051
Revises: 0050
"""

from __future__ import annotations

from alembic import op

revision = "0051"
down_revision = "0050"
branch_labels = None
depends_on = None

STATES = ("PENDING", "CONFIRMED", "CANCELLED", "REFUNDED", "EXPIRED")


def _states(*states: str) -> None:
    op.execute("ALTER TABLE reservation.reservation DROP CONSTRAINT reservation_state_check")
    listed = ", ".join(f"'{state}'" for state in states)
    op.execute(
        f"ALTER TABLE reservation.reservation ADD CONSTRAINT reservation_state_check CHECK (state IN ({listed}))"
    )


def upgrade() -> None:
    # no foreign key: a batch writes hundreds, and each is of a request that the same transaction holds locked
    op.execute(
        """
        CREATE TABLE reservation.result (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            person uuid NOT NULL,
            reservation uuid NOT NULL,
            kind text NOT NULL CHECK (kind ~ '^[a-z][a-z_.]{1,39}$'),
            body jsonb NOT NULL CHECK (jsonb_typeof(body) = 'object'),
            told boolean NOT NULL,
            at timestamptz NOT NULL
        )
        """
    )
    op.execute("CREATE INDEX result_of ON reservation.result (person, id)")
    op.execute("CREATE INDEX result_untold ON reservation.result (id) WHERE NOT told")
    op.execute("ALTER TABLE reservation.reservation_event ADD COLUMN reason text")
    _states(*STATES, "RELEASED")


def downgrade() -> None:
    op.execute("UPDATE reservation.reservation SET state = 'EXPIRED' WHERE state = 'RELEASED'")
    _states(*STATES)
    op.execute("ALTER TABLE reservation.reservation_event DROP COLUMN reason")
    op.execute("DROP TABLE reservation.result")
