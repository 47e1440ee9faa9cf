"""Directory: users, organisations, credentials, factors, devices, sessions.

Revision ID: 0005
Revises: 0004
"""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE idp.user_account (
    id uuid PRIMARY KEY,
    display_name text NOT NULL CHECK (display_name <> ''),
    email text,
    locale text NOT NULL DEFAULT 'ko' CHECK (locale IN ('ko', 'en')),
    state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'locked')),
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL
);

CREATE TABLE idp.login_name (
    name text PRIMARY KEY CHECK (name <> '' AND name = lower(btrim(name))),
    user_id uuid NOT NULL REFERENCES idp.user_account ON DELETE CASCADE
);
CREATE INDEX login_name_user ON idp.login_name (user_id);

CREATE TABLE idp.organisation (
    id uuid PRIMARY KEY,
    name text NOT NULL UNIQUE,
    time_zone text NOT NULL DEFAULT 'Asia/Seoul',
    duplicate_login text CHECK (duplicate_login IN ('ask', 'take_over')),
    created_at timestamptz NOT NULL
);
COMMENT ON COLUMN idp.organisation.duplicate_login IS 'NULL: as session.duplicate_login says';

CREATE TABLE idp.membership (
    user_id uuid NOT NULL REFERENCES idp.user_account ON DELETE CASCADE,
    organisation_id uuid NOT NULL REFERENCES idp.organisation ON DELETE CASCADE,
    roles text[] NOT NULL DEFAULT '{}',
    joined_at timestamptz NOT NULL,
    PRIMARY KEY (user_id, organisation_id)
);

CREATE TABLE idp.password (
    user_id uuid PRIMARY KEY REFERENCES idp.user_account ON DELETE CASCADE,
    hash text NOT NULL CHECK (hash LIKE '$argon2id$%'),
    changed_at timestamptz NOT NULL
);

CREATE TABLE idp.totp (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES idp.user_account ON DELETE CASCADE,
    sealed_secret bytea NOT NULL,
    label text NOT NULL,
    last_accepted_step bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL,
    confirmed_at timestamptz
);
CREATE UNIQUE INDEX totp_one_pending ON idp.totp (user_id) WHERE confirmed_at IS NULL;
CREATE INDEX totp_user ON idp.totp (user_id);

CREATE TABLE idp.passkey (
    credential_id bytea PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES idp.user_account ON DELETE CASCADE,
    public_key bytea NOT NULL,
    sign_count bigint NOT NULL CHECK (sign_count >= 0),
    transports text[] NOT NULL DEFAULT '{}',
    aaguid text NOT NULL,
    label text NOT NULL,
    user_verified boolean NOT NULL,
    backup_eligible boolean NOT NULL,
    backed_up boolean NOT NULL,
    created_at timestamptz NOT NULL,
    last_used_at timestamptz,
    clone_suspected_at timestamptz
);
CREATE INDEX passkey_user ON idp.passkey (user_id);

CREATE TABLE idp.passkey_challenge (
    digest bytea PRIMARY KEY,
    ceremony text NOT NULL CHECK (ceremony IN ('registration', 'authentication')),
    bound_to text NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX passkey_challenge_expiry ON idp.passkey_challenge (expires_at);
CREATE INDEX passkey_challenge_place ON idp.passkey_challenge (bound_to);

CREATE TABLE idp.device (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES idp.user_account ON DELETE CASCADE,
    cookie_hash bytea NOT NULL,
    trust text NOT NULL CHECK (trust IN ('unknown', 'known', 'registered', 'attested')),
    label text NOT NULL,
    sign_ins integer NOT NULL DEFAULT 0 CHECK (sign_ins >= 0),
    first_seen_at timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    UNIQUE (cookie_hash, user_id)
);
CREATE INDEX device_user ON idp.device (user_id);

CREATE TABLE idp.session (
    sid text PRIMARY KEY CHECK (length(sid) = 22),
    user_id uuid NOT NULL REFERENCES idp.user_account,
    organisation_id uuid NOT NULL REFERENCES idp.organisation,
    version bigint NOT NULL CHECK (version >= 1),
    cookie_hash bytea NOT NULL UNIQUE,
    device_id uuid,
    device_label text NOT NULL,
    browser text NOT NULL,
    ip inet NOT NULL,
    place text NOT NULL,
    amr text[] NOT NULL,
    acr text NOT NULL,
    authenticated_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    last_activity_at timestamptz NOT NULL,
    idle_expires_at timestamptz NOT NULL,
    absolute_expires_at timestamptz NOT NULL,
    ended_at timestamptz,
    end_reason text CHECK (end_reason IN (
        'sign_out', 'takeover', 'administrator', 'response', 'idle', 'absolute',
        'password_change', 'account_lock', 'device_removal', 'refresh_reuse'
    )),
    ended_by jsonb,
    CHECK ((ended_at IS NULL) = (end_reason IS NULL)),
    CHECK (ended_at IS NOT NULL OR ended_by IS NULL),
    CHECK (ended_at >= created_at),
    CHECK (idle_expires_at <= absolute_expires_at)
);
CREATE UNIQUE INDEX session_one_per_user ON idp.session (user_id) WHERE ended_at IS NULL;
CREATE INDEX session_expiry ON idp.session (idle_expires_at) WHERE ended_at IS NULL;
CREATE INDEX session_history ON idp.session (user_id, created_at);
"""

_THE_END_IS_THE_END = """
CREATE FUNCTION idp.session_only_moves_on() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.ended_at IS NOT NULL THEN
        RAISE EXCEPTION 'session % has ended and stays ended', OLD.sid USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.version < OLD.version OR (NEW.ended_at IS NOT NULL AND NEW.version = OLD.version) THEN
        RAISE EXCEPTION 'the version of session % only rises', OLD.sid USING ERRCODE = 'check_violation';
    END IF;
    IF (NEW.sid, NEW.user_id, NEW.absolute_expires_at)
        IS DISTINCT FROM (OLD.sid, OLD.user_id, OLD.absolute_expires_at)
    THEN
        RAISE EXCEPTION 'what session % is does not change', OLD.sid USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER session_only_moves_on BEFORE UPDATE ON idp.session
    FOR EACH ROW EXECUTE FUNCTION idp.session_only_moves_on();
"""

_MADE = (
    "session",
    "device",
    "passkey_challenge",
    "passkey",
    "totp",
    "password",
    "membership",
    "organisation",
    "login_name",
    "user_account",
)


def upgrade() -> None:
    for statement in _TABLES.split(";\n"):
        if statement.strip():
            op.execute(statement)
    function, trigger = _THE_END_IS_THE_END.split("END $$;\n")
    op.execute(function + "END $$")
    op.execute(trigger)
    op.execute("GRANT USAGE ON SCHEMA idp TO munjigi_worker")
    op.execute("GRANT SELECT, UPDATE ON idp.session TO munjigi_worker")
    op.execute("GRANT SELECT, DELETE ON idp.passkey_challenge TO munjigi_worker")


def downgrade() -> None:
    for table in _MADE:
        op.execute(f"DROP TABLE idp.{table}")
    op.execute("DROP FUNCTION idp.session_only_moves_on()")
    op.execute("REVOKE USAGE ON SCHEMA idp FROM munjigi_worker")
