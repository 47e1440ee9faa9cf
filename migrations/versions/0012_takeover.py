"""Codes by mail, what a login remembers of them, whom an attempt was told of, the network of a session.

Revision ID: 0012
Revises: 0011
"""

from __future__ import annotations

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_STATEMENTS = (
    "ALTER TABLE idp.session ADD COLUMN network text NOT NULL DEFAULT ''",
    "ALTER TABLE idp.organisation ADD COLUMN new_device_factor boolean",
    "COMMENT ON COLUMN idp.organisation.new_device_factor IS 'NULL: as session.new_device_factor says'",
    """
    ALTER TABLE idp.login
        ADD COLUMN factor_passed boolean NOT NULL DEFAULT false,
        ADD COLUMN wrong_factors integer NOT NULL DEFAULT 0 CHECK (wrong_factors >= 0),
        ADD COLUMN overtaken boolean NOT NULL DEFAULT false,
        ADD COLUMN given_up boolean NOT NULL DEFAULT false,
        ADD COLUMN told boolean NOT NULL DEFAULT false,
        ADD COLUMN came_from jsonb
    """,
    # one code a login: a new one takes the place of the last, whose tries are over with it
    """
    CREATE TABLE idp.one_time_code (
        login_id uuid PRIMARY KEY REFERENCES idp.login ON DELETE CASCADE,
        user_id uuid NOT NULL,
        faced text,
        digest bytea NOT NULL CHECK (octet_length(digest) = 32),
        wrong integer NOT NULL CHECK (wrong BETWEEN 0 AND 5),
        sends integer NOT NULL CHECK (sends > 0),
        sent_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL
    )
    """,
    "COMMENT ON COLUMN idp.one_time_code.faced IS 'the live session that the login faced; NULL: none'",
    """
    CREATE TABLE idp.told_attempt (
        sid text NOT NULL REFERENCES idp.session ON DELETE CASCADE,
        device text NOT NULL,
        told_at timestamptz NOT NULL,
        PRIMARY KEY (sid, device)
    )
    """,
    # the sweeper tells whom an abandoned login concerned
    "GRANT SELECT ON idp.user_account TO munjigi_worker",
    "GRANT UPDATE (told) ON idp.login TO munjigi_worker",  # what locking a row asks for
    "GRANT SELECT, INSERT, UPDATE ON idp.told_attempt TO munjigi_worker",
    "GRANT USAGE ON SCHEMA notifications TO munjigi_worker",
    "GRANT INSERT (id, kind, user_id, locale, sealed, next_attempt_at, created_at, expires_at, correlation_id) "
    "ON notifications.message TO munjigi_worker",
)
_UNDONE = (
    "REVOKE INSERT (id, kind, user_id, locale, sealed, next_attempt_at, created_at, expires_at, correlation_id) "
    "ON notifications.message FROM munjigi_worker",
    "REVOKE UPDATE (told) ON idp.login FROM munjigi_worker",
    "REVOKE USAGE ON SCHEMA notifications FROM munjigi_worker",
    "REVOKE SELECT ON idp.user_account FROM munjigi_worker",
    "DROP TABLE idp.told_attempt",
    "DROP TABLE idp.one_time_code",
    """
    ALTER TABLE idp.login
        DROP COLUMN came_from,
        DROP COLUMN told,
        DROP COLUMN given_up,
        DROP COLUMN overtaken,
        DROP COLUMN wrong_factors,
        DROP COLUMN factor_passed
    """,
    "ALTER TABLE idp.organisation DROP COLUMN new_device_factor",
    "ALTER TABLE idp.session DROP COLUMN network",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    for statement in _UNDONE:
        op.execute(statement)
