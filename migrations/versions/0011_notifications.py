"""Notifications: messages to be delivered, dead letters, and the role that delivers them.

Revision ID: 0011
Revises: 0010
"""

from __future__ import annotations

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_ROLE = "munjigi_notifications"
_PUT = "id, kind, user_id, locale, sealed, next_attempt_at, created_at, expires_at, correlation_id"
_SEEN = (
    "id, kind, user_id, locale, state, attempts, next_attempt_at, created_at, expires_at, finished_at, last_error, "
    "correlation_id"
)


def upgrade() -> None:
    op.execute(
        f"""
        DO $$ BEGIN
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{_ROLE}') THEN
                CREATE ROLE {_ROLE} LOGIN;
            END IF;
        END $$
        """
    )
    op.execute("CREATE SCHEMA notifications")
    op.execute(
        """
        CREATE TABLE notifications.message (
            id uuid PRIMARY KEY,
            kind text NOT NULL CHECK (kind ~ '^[a-z_]{1,64}$'),
            user_id uuid,
            locale text NOT NULL CHECK (locale IN ('ko', 'en')),
            sealed bytea,
            state text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'sent', 'dead')),
            attempts integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
            next_attempt_at timestamptz NOT NULL,
            created_at timestamptz NOT NULL,
            expires_at timestamptz NOT NULL,
            finished_at timestamptz,
            last_error text,
            correlation_id text NOT NULL,
            CHECK ((state = 'queued') = (finished_at IS NULL)),
            CHECK (state <> 'queued' OR sealed IS NOT NULL),
            CHECK (state <> 'sent' OR sealed IS NULL)
        )
        """
    )
    op.execute("CREATE INDEX message_due ON notifications.message (next_attempt_at) WHERE state = 'queued'")
    op.execute("CREATE INDEX message_dead ON notifications.message (created_at, id) WHERE state = 'dead'")
    op.execute("CREATE INDEX message_finished ON notifications.message (finished_at) WHERE state <> 'queued'")
    op.execute(
        """
        COMMENT ON COLUMN notifications.message.sealed IS
        'to, name and facts; gone once it was sent or can no longer be'
        """
    )
    # an acknowledged message is never sent again, whatever an administrator or a late worker does
    op.execute(
        """
        CREATE FUNCTION notifications.message_stays_sent() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'message % was sent and stays sent', OLD.id USING ERRCODE = 'check_violation';
        END $$
        """
    )
    op.execute(
        """
        CREATE TRIGGER message_stays_sent BEFORE UPDATE ON notifications.message
        FOR EACH ROW WHEN (OLD.state = 'sent') EXECUTE FUNCTION notifications.message_stays_sent()
        """
    )
    op.execute(f"GRANT USAGE ON SCHEMA notifications TO {_ROLE}, munjigi_idp")
    op.execute(f"GRANT SELECT, UPDATE, DELETE ON notifications.message TO {_ROLE}")
    op.execute(f"GRANT INSERT ({_PUT}) ON notifications.message TO munjigi_idp")
    op.execute(f"GRANT SELECT ({_SEEN}) ON notifications.message TO munjigi_idp")
    op.execute(
        "GRANT UPDATE (state, attempts, next_attempt_at, finished_at, last_error) ON notifications.message "
        "TO munjigi_idp"
    )


def downgrade() -> None:
    op.execute("DROP SCHEMA notifications CASCADE")
    op.execute(f"DROP OWNED BY {_ROLE}")
    op.execute(
        f"""
        DO $$ BEGIN
            DROP ROLE {_ROLE};
        EXCEPTION WHEN dependent_objects_still_exist THEN
            NULL; -- another database of this cluster still uses it
        END $$
        """
    )
