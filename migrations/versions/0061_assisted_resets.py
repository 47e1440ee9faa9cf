"""Two administrators take somebody's lost factors away: one asks, another agrees, a code lets the person in.

Revision ID: 0061
Revises: 0060
"""

from __future__ import annotations

from alembic import op

revision = "0061"
down_revision = "0060"
branch_labels = None
depends_on = None

_UP = (
    """
    CREATE TABLE idp.assisted_reset (
        id uuid PRIMARY KEY,
        user_id uuid NOT NULL REFERENCES idp.user_account ON DELETE CASCADE,
        state text NOT NULL CHECK (state IN ('asked', 'approved', 'refused', 'used', 'stopped', 'lapsed')),
        why text NOT NULL CHECK (length(why) BETWEEN 1 AND 500),
        asked_by uuid NOT NULL CHECK (asked_by <> user_id),
        asked_at timestamptz NOT NULL,
        code_hash bytea NOT NULL CHECK (length(code_hash) = 32),
        stop_hash bytea NOT NULL UNIQUE CHECK (length(stop_hash) = 32),
        decided_by uuid CHECK (decided_by <> user_id),
        decided_why text NOT NULL DEFAULT '',
        decided_at timestamptz,
        expires_at timestamptz NOT NULL CHECK (expires_at > asked_at),
        ended_at timestamptz,
        version bigint NOT NULL DEFAULT 1,
        CHECK ((state IN ('asked', 'approved')) = (ended_at IS NULL)),
        CHECK (state NOT IN ('approved', 'used') OR (decided_by IS NOT NULL AND decided_by <> asked_by))
    )
    """,
    "COMMENT ON TABLE idp.assisted_reset IS 'whoever asks and whoever agrees are two, and neither is the person'",
    "COMMENT ON COLUMN idp.assisted_reset.code_hash IS 'of the code that only whoever asked was shown'",
    "CREATE UNIQUE INDEX assisted_reset_one ON idp.assisted_reset (user_id) WHERE state IN ('asked', 'approved')",
    "CREATE INDEX assisted_reset_newest ON idp.assisted_reset (asked_at DESC, id DESC)",
    "CREATE INDEX assisted_reset_over ON idp.assisted_reset (expires_at) WHERE state IN ('asked', 'approved')",
    "GRANT SELECT, UPDATE ON idp.assisted_reset TO munjigi_worker",
)


def upgrade() -> None:
    for statement in _UP:
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP TABLE idp.assisted_reset")
