"""Drafts that are edited, approvals of their exact content, shadows on live traffic, and the history of all of it.

Revision ID: 0037
Revises: 0042
"""

from __future__ import annotations

from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None

_STATES = "draft', 'published', 'retired"
_UNSIGNED = "signature IS NOT NULL AND publisher IS NOT NULL AND published_at IS NOT NULL"
_UP = (
    f"""
    ALTER TABLE policy.version
        DROP CONSTRAINT version_state_check,
        DROP CONSTRAINT version_check1,
        ADD CONSTRAINT version_state_check CHECK (state IN ('{_STATES}', 'withdrawn')),
        ADD CONSTRAINT version_check1 CHECK (state IN ('draft', 'withdrawn') OR ({_UNSIGNED}))
    """,
    # a draft may be written anew; what is no draft any more never changes, and never becomes one again
    "GRANT UPDATE (artefact, sha256) ON policy.version TO munjigi_policy",
    """
    CREATE FUNCTION policy.only_drafts_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'permission denied: version % is no draft', OLD.number USING ERRCODE = 'insufficient_privilege';
    END $$
    """,
    """
    CREATE TRIGGER only_drafts_change BEFORE UPDATE ON policy.version FOR EACH ROW
    WHEN (
        OLD.state <> 'draft' AND current_user <> 'munjigi_owner'
        AND (NEW.sha256 <> OLD.sha256 OR NEW.state = 'draft' OR OLD.state IN ('retired', 'withdrawn'))
    )
    EXECUTE FUNCTION policy.only_drafts_change()
    """,
    """
    CREATE TABLE policy.approval (
        version bigint NOT NULL REFERENCES policy.version (number),
        sha256 text NOT NULL,
        who text NOT NULL CHECK (who <> ''),
        why text NOT NULL CHECK (why <> ''),
        at timestamptz NOT NULL,
        PRIMARY KEY (version, who)
    )
    """,
    "COMMENT ON COLUMN policy.approval.sha256 IS 'the content that was approved: no other counts'",
    "REVOKE UPDATE ON policy.approval FROM munjigi_policy",
    """
    CREATE TABLE policy.history (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        at timestamptz NOT NULL,
        act text NOT NULL CHECK (act IN (
            'drafted', 'edited', 'withdrawn', 'approved', 'approval_withdrawn',
            'shadow_began', 'shadow_ended', 'published', 'rolled_back'
        )),
        version bigint NOT NULL REFERENCES policy.version (number),
        sha256 text NOT NULL,
        who text NOT NULL CHECK (who <> ''),
        why text NOT NULL,
        details jsonb NOT NULL DEFAULT '{}'
    )
    """,
    "CREATE INDEX history_of_version ON policy.history (version, id)",
    "REVOKE UPDATE, DELETE ON policy.history FROM munjigi_policy",
    """
    INSERT INTO policy.history (at, act, version, sha256, who, why)
    SELECT at, act, number, sha256, who, why FROM (
        SELECT created_at AS at, 'drafted' AS act, number, sha256, author AS who, why, 0 AS step FROM policy.version
        UNION ALL
        SELECT published_at, CASE WHEN restores IS NULL THEN 'published' ELSE 'rolled_back' END, number, sha256,
               publisher, CASE WHEN restores IS NULL THEN '' ELSE why END, 1
        FROM policy.version WHERE published_at IS NOT NULL
    ) AS act ORDER BY at, number, step
    """,
    """
    CREATE TABLE policy.shadow (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        version bigint NOT NULL REFERENCES policy.version (number),
        sha256 text NOT NULL,
        signature text NOT NULL,
        share double precision NOT NULL CHECK (share > 0 AND share <= 1),
        who text NOT NULL CHECK (who <> ''),
        why text NOT NULL CHECK (why <> ''),
        since timestamptz NOT NULL,
        until timestamptz NOT NULL CHECK (until > since),
        ended_at timestamptz CHECK (ended_at >= since)
    )
    """,
    "COMMENT ON COLUMN policy.shadow.ended_at IS 'when somebody ended it; NULL: its time runs, or ran, out'",
    "CREATE INDEX shadow_of_version ON policy.shadow (version, id)",
    "REVOKE UPDATE, DELETE ON policy.shadow FROM munjigi_policy",
    "GRANT UPDATE (ended_at) ON policy.shadow TO munjigi_policy",
    "GRANT SELECT ON policy.shadow TO munjigi_gateway",
    """
    CREATE TABLE policy.shadow_count (
        shadow bigint NOT NULL REFERENCES policy.shadow (id),
        was text NOT NULL,
        would_be text NOT NULL,
        zone text NOT NULL,
        rule text NOT NULL,
        same boolean NOT NULL,
        count bigint NOT NULL CHECK (count > 0),
        example text NOT NULL,
        PRIMARY KEY (shadow, was, would_be, zone, rule, same)
    )
    """,
    "COMMENT ON COLUMN policy.shadow_count.example IS 'the correlation id of one of these decisions'",
    "REVOKE INSERT, UPDATE, DELETE ON policy.shadow_count FROM munjigi_policy",
    "GRANT SELECT, INSERT, UPDATE (count) ON policy.shadow_count TO munjigi_gateway",
)
_DOWN = (
    "DROP TABLE policy.shadow_count",
    "DROP TABLE policy.shadow",
    "DROP TABLE policy.history",
    "DROP TABLE policy.approval",
    "DROP TRIGGER only_drafts_change ON policy.version",
    "DROP FUNCTION policy.only_drafts_change",
    "REVOKE UPDATE (artefact, sha256) ON policy.version FROM munjigi_policy",
    # what was withdrawn has no place in the former schema
    "DELETE FROM policy.version WHERE state = 'withdrawn'",
    f"""
    ALTER TABLE policy.version
        DROP CONSTRAINT version_state_check,
        DROP CONSTRAINT version_check1,
        ADD CONSTRAINT version_state_check CHECK (state IN ('{_STATES}')),
        ADD CONSTRAINT version_check1 CHECK (state = 'draft' OR ({_UNSIGNED}))
    """,
)


def upgrade() -> None:
    for statement in _UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in _DOWN:
        op.execute(statement)
