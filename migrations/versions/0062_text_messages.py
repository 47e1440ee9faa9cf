"""Text messages: numbers that people have proven to be theirs, codes that were sent there, and how messages went out.

Revision ID: 0062
Revises: 0061
"""

from __future__ import annotations

from alembic import op

revision = "0062"
down_revision = "0061"
branch_labels = None
depends_on = None

_STATEMENTS = (
    "ALTER TABLE notifications.message ADD COLUMN channel text NOT NULL DEFAULT 'mail' "
    "CHECK (channel IN ('mail', 'text'))",
    "GRANT INSERT (channel), SELECT (channel) ON notifications.message TO munjigi_idp",
    # a provider says later, and to the identity provider, whether a message arrived: the message itself stays as it is
    """
    CREATE TABLE notifications.handed_over (
        message_id uuid PRIMARY KEY REFERENCES notifications.message ON DELETE CASCADE,
        provider text NOT NULL CHECK (provider ~ '^[a-z]{1,16}$'),
        reference text NOT NULL,
        state text NOT NULL DEFAULT 'taken' CHECK (state IN ('taken', 'sent', 'delivered', 'failed')),
        problem text NOT NULL DEFAULT '',
        changed_at timestamptz NOT NULL
    )
    """,
    "COMMENT ON COLUMN notifications.handed_over.reference IS 'what the provider calls the message'",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON notifications.handed_over TO munjigi_notifications",
    "GRANT SELECT, UPDATE (state, problem, changed_at) ON notifications.handed_over TO munjigi_idp",
    """
    CREATE TABLE idp.phone (
        id uuid PRIMARY KEY,
        user_id uuid NOT NULL REFERENCES idp.user_account ON DELETE CASCADE,
        sealed_number bytea NOT NULL,
        number_index bytea NOT NULL CHECK (octet_length(number_index) = 32),
        created_at timestamptz NOT NULL,
        confirmed_at timestamptz
    )
    """,
    "COMMENT ON COLUMN idp.phone.number_index IS 'HMAC-SHA256 of the number (E.164), by which it is found'",
    "CREATE UNIQUE INDEX phone_confirmed ON idp.phone (user_id) WHERE confirmed_at IS NOT NULL",
    "CREATE UNIQUE INDEX phone_pending ON idp.phone (user_id) WHERE confirmed_at IS NULL",
    "CREATE INDEX phone_number ON idp.phone (number_index) WHERE confirmed_at IS NOT NULL",
    # one code a login, and one for each thing that a person confirms in their account
    """
    CREATE TABLE idp.texted_code (
        login_id uuid PRIMARY KEY,
        user_id uuid NOT NULL REFERENCES idp.user_account ON DELETE CASCADE,
        faced text,
        digest bytea NOT NULL CHECK (octet_length(digest) = 32),
        wrong integer NOT NULL CHECK (wrong BETWEEN 0 AND 5),
        sends integer NOT NULL CHECK (sends > 0),
        sent_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL
    )
    """,
    "CREATE INDEX texted_code_user ON idp.texted_code (user_id)",
    "CREATE INDEX texted_code_expiry ON idp.texted_code (expires_at)",
    "COMMENT ON COLUMN idp.texted_code.login_id IS 'of a login, or of what is confirmed in an account'",
    "GRANT SELECT, DELETE ON idp.texted_code, idp.phone TO munjigi_worker",
    "ALTER TABLE idp.organisation ADD COLUMN text_countries text[]",
    "COMMENT ON COLUMN idp.organisation.text_countries IS "
    "'countries (ISO 3166-1) whose numbers get codes; NULL: as texts.countries says'",
)
_UNDONE = (
    "ALTER TABLE idp.organisation DROP COLUMN text_countries",
    "DROP TABLE idp.texted_code",
    "DROP TABLE idp.phone",
    "DROP TABLE notifications.handed_over",
    "DELETE FROM notifications.message WHERE channel <> 'mail'",
    "ALTER TABLE notifications.message DROP COLUMN channel",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    for statement in _UNDONE:
        op.execute(statement)
