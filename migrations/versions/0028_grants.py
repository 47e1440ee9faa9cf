"""Sessions of programs (RFC 6749, section 4.4); requests that wait for a person elsewhere (RFC 8628).

Revision ID: 0028
Revises: 0027
"""

from __future__ import annotations

from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

_MACHINES = (
    """
    CREATE TABLE idp.machine_session (
        sid text PRIMARY KEY CHECK (length(sid) = 22),
        client_id text NOT NULL,
        version bigint NOT NULL CHECK (version >= 1),
        created_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL CHECK (expires_at > created_at),
        revoked_tokens jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(revoked_tokens) = 'object'),
        ended_at timestamptz CHECK (ended_at >= created_at),
        end_reason text CHECK (end_reason IN (
            'administrator', 'absolute', 'client_disabled', 'client_credentials_replaced', 'revoked'
        )),
        CHECK ((ended_at IS NULL) = (end_reason IS NULL))
    )
    """,
    "COMMENT ON COLUMN idp.machine_session.client_id IS 'no reference: an end is told after its client is gone, too'",
    "COMMENT ON COLUMN idp.machine_session.revoked_tokens IS 'jti: the epoch second at which the token is over'",
    "CREATE UNIQUE INDEX machine_session_one_per_client ON idp.machine_session (client_id) WHERE ended_at IS NULL",
    "CREATE INDEX machine_session_expiry ON idp.machine_session (expires_at) WHERE ended_at IS NULL",
    "CREATE INDEX machine_session_end ON idp.machine_session (ended_at, sid) WHERE ended_at IS NOT NULL",
    """
    CREATE FUNCTION idp.machine_session_only_moves_on() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF OLD.ended_at IS NOT NULL THEN
            RAISE EXCEPTION 'session % has ended and stays ended', OLD.sid USING ERRCODE = 'check_violation';
        END IF;
        IF NEW.version <= OLD.version THEN
            RAISE EXCEPTION 'the version of session % only rises', OLD.sid USING ERRCODE = 'check_violation';
        END IF;
        IF (NEW.sid, NEW.client_id, NEW.expires_at) IS DISTINCT FROM (OLD.sid, OLD.client_id, OLD.expires_at) THEN
            RAISE EXCEPTION 'what session % is does not change', OLD.sid USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    END $$
    """,
    """
    CREATE TRIGGER machine_session_only_moves_on BEFORE UPDATE ON idp.machine_session
        FOR EACH ROW EXECUTE FUNCTION idp.machine_session_only_moves_on()
    """,
    "GRANT SELECT, UPDATE, DELETE ON idp.machine_session TO munjigi_worker",
)
_PENDING = (
    """
    CREATE TABLE idp.pending_grant (
        code_hash bytea PRIMARY KEY CHECK (octet_length(code_hash) = 32),
        client_id text NOT NULL REFERENCES idp.client ON DELETE CASCADE,
        scope text[] NOT NULL,
        user_code_hash bytea NOT NULL UNIQUE CHECK (octet_length(user_code_hash) = 32),
        user_id uuid REFERENCES idp.user_account ON DELETE CASCADE,
        came_from jsonb NOT NULL,
        created_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL,
        interval integer NOT NULL CHECK (interval > 0),
        polled_at timestamptz,
        state text NOT NULL CHECK (state IN ('pending', 'approved', 'refused')),
        sid text REFERENCES idp.session ON DELETE CASCADE,
        CHECK ((state = 'approved') = (sid IS NOT NULL)),
        CHECK ((state = 'pending') = (user_id IS NULL))
    )
    """,
    "COMMENT ON COLUMN idp.pending_grant.interval IS 'seconds between two questions of the client'",
    "CREATE INDEX pending_grant_expiry ON idp.pending_grant (expires_at)",
    "CREATE INDEX pending_grant_person ON idp.pending_grant (user_id)",
    "CREATE INDEX pending_grant_session ON idp.pending_grant (sid)",
    "CREATE INDEX pending_grant_client ON idp.pending_grant (client_id)",
    "GRANT SELECT, DELETE ON idp.pending_grant TO munjigi_worker",
)


def upgrade() -> None:
    for statement in (*_MACHINES, *_PENDING):
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP TABLE idp.pending_grant")
    op.execute("DROP TABLE idp.machine_session")
    op.execute("DROP FUNCTION idp.machine_session_only_moves_on()")
