"""Recorded decisions found by their id, and decided again by other versions.

Revision ID: 0038
Revises: 0036
"""

from __future__ import annotations

from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

_UP = (
    """
    CREATE TABLE policy.decision_block (
        segment text NOT NULL,
        first bigint NOT NULL CHECK (first > 0),
        last bigint NOT NULL CHECK (last >= first),
        records bigint NOT NULL CHECK (records BETWEEN 1 AND last - first + 1),
        beginning text NOT NULL,
        from_count bigint NOT NULL,
        to_count bigint NOT NULL CHECK (to_count >= from_count),
        from_at timestamptz NOT NULL,
        to_at timestamptz NOT NULL CHECK (to_at >= from_at),
        effects text[] NOT NULL,
        zones text[] NOT NULL,
        content bytea NOT NULL,
        PRIMARY KEY (segment, first)
    )
    """,
    "COMMENT ON TABLE policy.decision_block IS "
    "'copies of what stands in the segments of the audit, to be looked up; the segments are the record'",
    "COMMENT ON COLUMN policy.decision_block.beginning IS "
    "'what correlation ids of one process begin with; they go on with a count'",
    # zlib has made it small already
    "ALTER TABLE policy.decision_block ALTER COLUMN content SET STORAGE EXTERNAL",
    "CREATE INDEX decision_block_id ON policy.decision_block (beginning, from_count)",
    "CREATE INDEX decision_block_time ON policy.decision_block (to_at, segment, first)",
    # what a copy says never changes; it is forgotten, or put together with its neighbours
    "REVOKE UPDATE ON policy.decision_block FROM munjigi_policy",
    # to say whether a copy is what was sealed
    "GRANT SELECT (name, kind, records, torn, root) ON audit.segment TO munjigi_policy",
    """
    CREATE TABLE policy.replay (
        id uuid PRIMARY KEY,
        version bigint NOT NULL REFERENCES policy.version (number),
        against bigint REFERENCES policy.version (number),
        since timestamptz NOT NULL,
        until timestamptz NOT NULL CHECK (until > since),
        most bigint NOT NULL CHECK (most > 0),
        who text NOT NULL CHECK (who <> ''),
        why text NOT NULL,
        asked_at timestamptz NOT NULL,
        state text NOT NULL CHECK (state IN ('waiting', 'running', 'done', 'failed')),
        "of" bigint NOT NULL CHECK ("of" >= 0),
        done bigint NOT NULL CHECK (done >= 0),
        segment text NOT NULL DEFAULT '',
        sequence bigint NOT NULL DEFAULT 0,
        findings jsonb NOT NULL,
        held_until timestamptz,
        over_at timestamptz,
        trouble text NOT NULL DEFAULT '',
        CHECK ((state IN ('done', 'failed')) = (over_at IS NOT NULL))
    )
    """,
    "COMMENT ON COLUMN policy.replay.against IS 'by which version the same requests are decided; NULL: as recorded'",
    "COMMENT ON COLUMN policy.replay.segment IS 'how far it is: up to this record of this segment'",
    "CREATE INDEX replay_unfinished ON policy.replay (asked_at) WHERE state IN ('waiting', 'running')",
    "CREATE INDEX replay_over ON policy.replay (over_at) WHERE over_at IS NOT NULL",
)
_DOWN = (
    "DROP TABLE policy.replay",
    "REVOKE SELECT (name, kind, records, torn, root) ON audit.segment FROM munjigi_policy",
    "DROP TABLE policy.decision_block",
)


def upgrade() -> None:
    for statement in _UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in _DOWN:
        op.execute(statement)
