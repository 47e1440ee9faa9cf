"""The programme that leads an organisation's people from passwords to MFA and passwordless.

Revision ID: 0067
Revises: 0066
"""

from __future__ import annotations

from alembic import op

revision = "0067"
down_revision = "0066"
branch_labels = None
depends_on = None

_STATES = "'draft', 'announced', 'piloting', 'running', 'enforced', 'finished', 'paused', 'rolled_back'"
_STATEMENTS = (
    """
    CREATE TABLE idp.programme (
        id uuid PRIMARY KEY,
        organisation_id uuid NOT NULL REFERENCES idp.organisation ON DELETE CASCADE,
        name text NOT NULL CHECK (length(name) BETWEEN 1 AND 120),
        texts jsonb NOT NULL DEFAULT '{}',
        started_at timestamptz,
        version bigint NOT NULL DEFAULT 1 CHECK (version > 0),
        created_at timestamptz NOT NULL
    )
    """,
    "CREATE INDEX programme_organisation ON idp.programme (organisation_id, created_at DESC, id DESC)",
    "COMMENT ON COLUMN idp.programme.texts IS 'words of notices that differ from the shipped ones'",
    "COMMENT ON COLUMN idp.programme.started_at IS 'from when on its phases go on by their dates'",
    """
    CREATE TABLE idp.cohort (
        id uuid PRIMARY KEY,
        programme_id uuid NOT NULL REFERENCES idp.programme ON DELETE CASCADE,
        name text NOT NULL CHECK (length(name) BETWEEN 1 AND 120),
        rule jsonb NOT NULL,
        UNIQUE (programme_id, name)
    )
    """,
    "COMMENT ON COLUMN idp.cohort.rule IS 'who belongs to it (idp.rollout.cohorts)'",
    f"""
    CREATE TABLE idp.phase (
        id uuid PRIMARY KEY,
        programme_id uuid NOT NULL REFERENCES idp.programme ON DELETE CASCADE,
        position integer NOT NULL CHECK (position > 0),
        key text NOT NULL CHECK (key ~ '^[a-z][a-z0-9-]{{0,63}}$'),
        name jsonb NOT NULL,
        kind text NOT NULL CHECK (kind IN ('mfa', 'passwordless')),
        cohort_id uuid NOT NULL REFERENCES idp.cohort,
        share integer NOT NULL CHECK (share BETWEEN 1 AND 100),
        demand jsonb NOT NULL,
        announce_at timestamptz NOT NULL,
        begin_at timestamptz NOT NULL CHECK (begin_at >= announce_at),
        enforce_at timestamptz NOT NULL CHECK (enforce_at >= begin_at),
        end_at timestamptz NOT NULL CHECK (end_at >= enforce_at),
        grace_days integer NOT NULL CHECK (grace_days BETWEEN 0 AND 365),
        reminders jsonb NOT NULL,
        thresholds jsonb NOT NULL,
        state text NOT NULL CHECK (state IN ({_STATES})),
        paused_from text CHECK (paused_from IN ('announced', 'piloting', 'running', 'enforced')),
        paused_at timestamptz,
        begun_at timestamptz,
        version bigint NOT NULL DEFAULT 1 CHECK (version > 0),
        changed_at timestamptz NOT NULL,
        UNIQUE (programme_id, key),
        UNIQUE (programme_id, position) DEFERRABLE INITIALLY DEFERRED,
        CHECK ((state = 'paused') = (paused_from IS NOT NULL)),
        CHECK ((state = 'paused') = (paused_at IS NOT NULL))
    )
    """,
    "COMMENT ON COLUMN idp.phase.share IS 'percentage of the cohort that the phase reaches, by a stable hash'",
    "COMMENT ON COLUMN idp.phase.begun_at IS 'when it first reached people; null: it never did'",
    "CREATE INDEX phase_cohort ON idp.phase (cohort_id)",
    """
    CREATE TABLE idp.phase_event (
        id uuid PRIMARY KEY,
        phase_id uuid NOT NULL REFERENCES idp.phase ON DELETE CASCADE,
        at timestamptz NOT NULL,
        act text NOT NULL,
        from_state text NOT NULL,
        to_state text NOT NULL,
        who text NOT NULL,
        why text NOT NULL,
        details jsonb NOT NULL DEFAULT '{}'
    )
    """,
    "CREATE INDEX phase_event_phase ON idp.phase_event (phase_id, at DESC, id DESC)",
    """
    CREATE TABLE idp.phase_person (
        phase_id uuid NOT NULL REFERENCES idp.phase ON DELETE CASCADE,
        user_id uuid NOT NULL REFERENCES idp.user_account ON DELETE CASCADE,
        taken_in_at timestamptz NOT NULL,
        asked_at timestamptz,
        skipped integer NOT NULL DEFAULT 0,
        enrolled_at timestamptz,
        method text,
        PRIMARY KEY (phase_id, user_id)
    )
    """,
    "CREATE INDEX phase_person_user ON idp.phase_person (user_id)",
    "COMMENT ON TABLE idp.phase_person IS "
    "'whom a phase has reached: they stay in it although what its cohort asks of them is true no more'",
    "COMMENT ON COLUMN idp.phase_person.asked_at IS 'when a login first asked them; their grace runs from then'",
    "COMMENT ON COLUMN idp.phase_person.skipped IS 'how often they put it off'",
    "COMMENT ON COLUMN idp.phase_person.method IS 'what they set up where a login led them to it'",
    """
    CREATE TABLE idp.phase_exception (
        id uuid PRIMARY KEY,
        phase_id uuid NOT NULL REFERENCES idp.phase ON DELETE CASCADE,
        user_id uuid NOT NULL REFERENCES idp.user_account ON DELETE CASCADE,
        until timestamptz NOT NULL,
        why text NOT NULL,
        who text NOT NULL,
        granted_at timestamptz NOT NULL,
        withdrawn_at timestamptz,
        withdrawn_by text,
        CHECK (until > granted_at),
        CHECK ((withdrawn_at IS NULL) = (withdrawn_by IS NULL))
    )
    """,
    "CREATE UNIQUE INDEX phase_exception_one ON idp.phase_exception (phase_id, user_id) WHERE withdrawn_at IS NULL",
    "CREATE INDEX phase_exception_user ON idp.phase_exception (user_id)",
    """
    CREATE TABLE idp.phase_notice (
        phase_id uuid NOT NULL REFERENCES idp.phase ON DELETE CASCADE,
        user_id uuid NOT NULL REFERENCES idp.user_account ON DELETE CASCADE,
        moment text NOT NULL,
        at timestamptz NOT NULL,
        PRIMARY KEY (phase_id, moment, user_id)
    )
    """,
    "CREATE INDEX phase_notice_user ON idp.phase_notice (user_id)",
    "COMMENT ON COLUMN idp.phase_notice.moment IS 'the date of the phase and the days from it, such as enforce-7'",
    "CREATE POLICY munjigi_idp_tells_of_programmes ON events.outbox FOR INSERT TO munjigi_idp "
    "WITH CHECK (topic = 'programme')",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP POLICY munjigi_idp_tells_of_programmes ON events.outbox")
    for table in ("phase_notice", "phase_exception", "phase_person", "phase_event", "phase", "cohort", "programme"):
        op.execute(f"DROP TABLE idp.{table}")
