"""A thousand imported people in one statement; those of a batch that is all or nothing wait beside it.

Revision ID: 0072
Revises: 0071
"""

from __future__ import annotations

from alembic import op

revision = "0072"
down_revision = "0071"
branch_labels = None
depends_on = None

_SIGNATURE = (
    "idp.keep_imported(uuid, uuid, timestamptz, uuid[], text[], text[], text[], boolean[], text[], boolean[], text[],"
    " text[], bigint[], bytea[])"
)
_STATE = "ALTER TABLE idp.import_batch ADD CONSTRAINT import_batch_state_check CHECK (state IN ({}))"
_STATEMENTS = (
    """
    CREATE FUNCTION idp.keep_imported(
        of_batch uuid, of_organisation uuid, at timestamptz, ids uuid[], names text[], display_names text[],
        emails text[], proven boolean[], locales text[], locked boolean[], roles text[], hashes text[],
        lines bigint[], checksums bytea[]
    ) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
    BEGIN
        PERFORM FROM idp.organisation WHERE id = of_organisation FOR KEY SHARE;
        IF NOT FOUND THEN
            RAISE foreign_key_violation USING MESSAGE = 'there is no such organisation';
        END IF;
        WITH person AS MATERIALIZED (
            SELECT * FROM unnest(
                ids, names, display_names, emails, proven, locales, locked, roles, hashes, lines, checksums
            ) AS one (id, name, display_name, email, proven, locale, locked, roles, hash, line, checksum)
        ), account AS (
            INSERT INTO idp.user_account (
                id, display_name, email, proven_email, locale, state, lock_reason, locked_at, version, created_at,
                updated_at
            )
            SELECT id, display_name, email, CASE WHEN person.proven THEN email END, locale,
                CASE WHEN person.locked THEN 'locked' ELSE 'active' END,
                CASE WHEN person.locked THEN 'administrator' END, CASE WHEN person.locked THEN at END, 1, at, at
            FROM person
        ), called AS (
            INSERT INTO idp.login_name (name, user_id) SELECT name, id FROM person
        ), belonging AS (
            INSERT INTO idp.membership (user_id, organisation_id, roles, joined_at)
            SELECT id, of_organisation, string_to_array(person.roles, ' '), at FROM person
        ), secret AS (
            INSERT INTO idp.password (user_id, hash, changed_at) SELECT id, hash, at FROM person WHERE hash IS NOT NULL
        )
        INSERT INTO idp.imported_person (user_id, batch_id, line, checksum)
        SELECT id, of_batch, line, checksum FROM person;
    END
    $$
    """,
    f"COMMENT ON FUNCTION {_SIGNATURE} IS "
    "'new people with all that belongs to them; whom its rows refer to is sure by itself, so nothing looks it up'",
    # Each row of four tables refers to the account that the same statement makes, and which nobody else sees before its
    # end; the organisation is held. So the look-up for each row, twice the work of writing it, may be left out: within
    # this function alone. An owner who may not say so (of a managed PostgreSQL) has the look-ups, and a slower import.
    f"""
    DO $$ BEGIN
        ALTER FUNCTION {_SIGNATURE} SET session_replication_role = 'replica';
    EXCEPTION WHEN insufficient_privilege THEN
        RAISE NOTICE 'imports look up every reference: the owner may not set session_replication_role';
    END $$
    """,
    f"REVOKE ALL ON FUNCTION {_SIGNATURE} FROM PUBLIC",
    f"GRANT EXECUTE ON FUNCTION {_SIGNATURE} TO munjigi_idp",
    "ALTER TABLE idp.import_batch DROP CONSTRAINT import_batch_state_check",
    _STATE.format("'running', 'landing', 'finished', 'undone'"),
    "COMMENT ON COLUMN idp.import_batch.state IS "
    "'landing: of one that is all or nothing, sure of everybody, whom it moves in: whoever comes next goes on with it'",
    """
    CREATE TABLE idp.import_staged (
        batch_id uuid NOT NULL REFERENCES idp.import_batch ON DELETE CASCADE,
        line bigint NOT NULL,
        user_id uuid NOT NULL,
        name text NOT NULL,
        display_name text NOT NULL,
        email text,
        email_verified boolean NOT NULL,
        locale text NOT NULL,
        state text NOT NULL,
        roles text[] NOT NULL,
        hash text,
        checksum bytea NOT NULL,
        PRIMARY KEY (batch_id, line),
        UNIQUE (batch_id, name)
    )
    """,
    "COMMENT ON TABLE idp.import_staged IS 'people of a batch that is all or nothing, until it is sure of all of them'",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP TABLE idp.import_staged")
    op.execute("ALTER TABLE idp.import_batch DROP CONSTRAINT import_batch_state_check")
    # for the older release one of these runs: given its file again, it brings whoever is not there yet
    op.execute("UPDATE idp.import_batch SET state = 'running', read = 0 WHERE state = 'landing'")
    op.execute(_STATE.format("'running', 'finished', 'undone'"))
    op.execute(f"DROP FUNCTION {_SIGNATURE}")
