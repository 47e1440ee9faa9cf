"""What sign-ins take and come to, day by day without anybody's name; what people say of it; who asked for help.

Revision ID: 0069
Revises: 0068
"""

from __future__ import annotations

from alembic import op

revision = "0069"
down_revision = "0068"
branch_labels = None
depends_on = None

_STATEMENTS = (
    "ALTER TABLE idp.sign_in_history ADD COLUMN seconds double precision CHECK (seconds >= 0)",
    "COMMENT ON COLUMN idp.sign_in_history.seconds IS 'from the first page until the session began'",
    """
    CREATE TABLE idp.sign_in_day (
        day date NOT NULL,
        organisation_id uuid NOT NULL,
        method text NOT NULL,
        outcome text NOT NULL CHECK (outcome IN ('got_in', 'failed', 'given_up', 'left')),
        platform text NOT NULL,
        took smallint NOT NULL CHECK (took >= -1),
        attempts bigint NOT NULL CHECK (attempts > 0),
        PRIMARY KEY (day, organisation_id, method, outcome, platform, took)
    )
    """,
    "COMMENT ON TABLE idp.sign_in_day IS 'attempts of each day (UTC) that is over, without whose they were'",
    "COMMENT ON COLUMN idp.sign_in_day.organisation_id IS "
    "'the person''s first, or the app''s; no foreign key: it outlives organisations'",
    "COMMENT ON COLUMN idp.sign_in_day.took IS 'bucket of the time (idp.rollout.daily); -1: no time'",
    "COMMENT ON COLUMN idp.sign_in_day.outcome IS 'left: gone before anybody was known, at the first page'",
    """
    CREATE TABLE idp.measured_day (
        day date PRIMARY KEY,
        measured_at timestamptz NOT NULL
    )
    """,
    "COMMENT ON TABLE idp.measured_day IS 'days of the history that are counted into sign_in_day, each once'",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON idp.sign_in_day TO munjigi_worker",
    "GRANT SELECT, INSERT, DELETE ON idp.measured_day TO munjigi_worker",
    """
    CREATE TABLE idp.feedback (
        id uuid PRIMARY KEY,
        user_id uuid NOT NULL REFERENCES idp.user_account ON DELETE CASCADE,
        organisation_id uuid NOT NULL REFERENCES idp.organisation ON DELETE CASCADE,
        method text NOT NULL,
        at timestamptz NOT NULL,
        score smallint CHECK (score BETWEEN 1 AND 5),
        sealed_text bytea,
        CHECK (sealed_text IS NULL OR score IS NOT NULL)
    )
    """,
    "CREATE INDEX feedback_person ON idp.feedback (user_id, method, at DESC)",
    "CREATE INDEX feedback_organisation ON idp.feedback (organisation_id, at DESC, id DESC) WHERE score IS NOT NULL",
    "COMMENT ON COLUMN idp.feedback.score IS 'from 1 to 5, 5 is best; null: they did not want to say'",
    "GRANT SELECT, DELETE ON idp.feedback TO munjigi_worker",
    """
    CREATE VIEW idp.help_asked AS
    SELECT id, at, CAST(subject AS uuid) AS user_id,
        CASE kind WHEN 'recovery_asked' THEN 'recovery' WHEN 'factor_passed' THEN 'recovery_code'
            WHEN 'support_looked' THEN 'support' ELSE 'gave_up' END AS kind
    FROM audit.record
    WHERE (
        kind IN ('recovery_asked', 'support_looked')
        OR (kind = 'factor_passed' AND details ->> 'method' = 'recovery_code')
        OR (kind = 'sign_in_abandoned' AND details ->> 'outcome' = 'given_up')
    ) AND subject ~ '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$'
    """,
    "REVOKE ALL ON idp.help_asked FROM munjigi_idp",
    "GRANT SELECT ON idp.help_asked TO munjigi_idp",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP VIEW idp.help_asked")
    for table in ("feedback", "measured_day", "sign_in_day"):
        op.execute(f"DROP TABLE idp.{table}")
    op.execute("ALTER TABLE idp.sign_in_history DROP COLUMN seconds")
