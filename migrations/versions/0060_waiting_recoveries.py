"""Passwords that were found in a leak, and recovery that waits: whoever lost every factor is let in after a time.

Revision ID: 0060
Revises: 0059
"""

from __future__ import annotations

from alembic import op

revision = "0060"
down_revision = "0059"
branch_labels = None
depends_on = None

_UP = (
    "ALTER TABLE idp.password ADD COLUMN breached_at timestamptz",
    "COMMENT ON COLUMN idp.password.breached_at IS 'when it was first seen in the list of leaked ones, at a sign-in'",
    "ALTER TABLE idp.login ADD COLUMN password_due timestamptz",
    "COMMENT ON COLUMN idp.login.password_due IS 'the password was leaked, and must be another one by then'",
    "ALTER TABLE idp.organisation ADD COLUMN recovery_wait_hours integer CHECK (recovery_wait_hours BETWEEN 0 AND 720)",
    "COMMENT ON COLUMN idp.organisation.recovery_wait_hours IS 'null: as idp.recovery_wait says; 0: never'",
    "ALTER TABLE idp.recovery_link ADD COLUMN anew boolean NOT NULL DEFAULT false",
    "COMMENT ON COLUMN idp.recovery_link.anew IS 'no factor is asked for: they all go with the new password'",
    """
    CREATE TABLE idp.waiting_recovery (
        id uuid PRIMARY KEY,
        user_id uuid NOT NULL REFERENCES idp.user_account ON DELETE CASCADE,
        state text NOT NULL CHECK (state IN ('waiting', 'ready', 'used', 'stopped', 'lapsed')),
        client_id text,
        sent_to text NOT NULL,
        stop_hash bytea NOT NULL UNIQUE CHECK (length(stop_hash) = 32),
        asked_from jsonb NOT NULL,
        correlation_id text NOT NULL,
        asked_at timestamptz NOT NULL,
        ready_at timestamptz NOT NULL CHECK (ready_at > asked_at),
        expires_at timestamptz NOT NULL CHECK (expires_at > ready_at),
        ended_at timestamptz,
        CHECK ((state IN ('waiting', 'ready')) = (ended_at IS NULL))
    )
    """,
    "COMMENT ON COLUMN idp.waiting_recovery.sent_to IS 'whose link asked for it, and who gets the next one'",
    "COMMENT ON COLUMN idp.waiting_recovery.stop_hash IS 'of the link by which its person stops it'",
    "CREATE UNIQUE INDEX waiting_recovery_one ON idp.waiting_recovery (user_id) WHERE state IN ('waiting', 'ready')",
    "CREATE INDEX waiting_recovery_due ON idp.waiting_recovery (ready_at) WHERE state = 'waiting'",
    "CREATE INDEX waiting_recovery_over ON idp.waiting_recovery (expires_at)",
    "GRANT SELECT, UPDATE, DELETE ON idp.waiting_recovery TO munjigi_worker",
    "GRANT INSERT ON idp.recovery_link TO munjigi_worker",
    "GRANT SELECT ON idp.login_name TO munjigi_worker",  # an account is read with its first one
)
_DOWN = (
    "REVOKE SELECT ON idp.login_name FROM munjigi_worker",
    "REVOKE INSERT ON idp.recovery_link FROM munjigi_worker",
    "DROP TABLE idp.waiting_recovery",
    "DELETE FROM idp.recovery_link WHERE anew",  # what comes after this knows no difference
    "ALTER TABLE idp.recovery_link DROP COLUMN anew",
    "ALTER TABLE idp.organisation DROP COLUMN recovery_wait_hours",
    "ALTER TABLE idp.login DROP COLUMN password_due",
    "ALTER TABLE idp.password DROP COLUMN breached_at",
)


def upgrade() -> None:
    for statement in _UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in _DOWN:
        op.execute(statement)
