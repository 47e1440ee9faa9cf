"""A payment that will not be taken is let go at the provider before it counts as failed.

Revision ID: 0078
Revises: 0076
"""

from __future__ import annotations

from alembic import op

revision = "0078"
down_revision = "0076"
branch_labels = None
depends_on = None

BEFORE = "'created', 'confirming', 'unknown', 'captured', 'failed'"
AFTER = "'created', 'confirming', 'unknown', 'captured', 'voiding', 'failed'"


def upgrade() -> None:
    _allow(AFTER, failed="state IN ('voiding', 'failed')", open_="state NOT IN ('voiding', 'failed')")


def downgrade() -> None:
    op.execute("UPDATE reservation.payment SET state = 'failed', next_attempt_at = NULL WHERE state = 'voiding'")
    _allow(BEFORE, failed="state = 'failed'", open_="state <> 'failed'")


def _allow(states: str, *, failed: str, open_: str) -> None:
    op.execute("ALTER TABLE reservation.payment DROP CONSTRAINT payment_state_check, DROP CONSTRAINT payment_check3")
    op.execute(
        f"ALTER TABLE reservation.payment ADD CONSTRAINT payment_state_check CHECK (state IN ({states})), "
        f"ADD CONSTRAINT payment_check3 CHECK (({failed}) = (failure <> ''))"
    )
    op.execute("DROP INDEX reservation.one_payment_at_a_time")
    op.execute(f"CREATE UNIQUE INDEX one_payment_at_a_time ON reservation.payment (subject) WHERE {open_}")
