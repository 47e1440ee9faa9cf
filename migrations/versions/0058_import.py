"""People of other systems: what was imported, by whom, and hashes of their passwords as those systems made them.

Revision ID: 0058
Revises: 0056
"""

from __future__ import annotations

from alembic import op

revision = "0058"
down_revision = "0056"
branch_labels = None
depends_on = None

_HASHES = "hash LIKE '$argon2id$%'"
_STATEMENTS = (
    "ALTER TABLE idp.password DROP CONSTRAINT password_hash_check",
    "ALTER TABLE idp.password ADD CONSTRAINT password_hash_check "
    f"CHECK ({_HASHES} OR hash LIKE 'wrapped %' OR hash LIKE 'kept %')",
    "COMMENT ON COLUMN idp.password.hash IS "
    "'argon2id; or, until its person signs in, another system''s, wrapped by argon2id or strong enough as it came'",
    """
    CREATE TABLE idp.import_batch (
        id uuid PRIMARY KEY,
        organisation_id uuid NOT NULL REFERENCES idp.organisation ON DELETE CASCADE,
        file_name text NOT NULL,
        file_size bigint NOT NULL CHECK (file_size >= 0),
        file_digest bytea NOT NULL CHECK (length(file_digest) = 32),
        format text NOT NULL,
        options jsonb NOT NULL,
        state text NOT NULL CHECK (state IN ('running', 'finished', 'undone')),
        who text NOT NULL,
        why text NOT NULL,
        read bigint NOT NULL DEFAULT 0,
        created bigint NOT NULL DEFAULT 0,
        unchanged bigint NOT NULL DEFAULT 0,
        refused bigint NOT NULL DEFAULT 0,
        removed bigint NOT NULL DEFAULT 0,
        passwords jsonb NOT NULL DEFAULT '{}',
        started_at timestamptz NOT NULL,
        ended_at timestamptz,
        undone_at timestamptz
    )
    """,
    "CREATE INDEX import_batch_organisation ON idp.import_batch (organisation_id, started_at DESC, id DESC)",
    "COMMENT ON COLUMN idp.import_batch.read IS 'people of the file that were looked at: where a run goes on'",
    'COMMENT ON COLUMN idp.import_batch.passwords IS \'how many of each scheme lie how: {"ldap": {"wrapped": 3}}\'',
    """
    CREATE TABLE idp.imported_person (
        user_id uuid PRIMARY KEY REFERENCES idp.user_account ON DELETE CASCADE,
        batch_id uuid NOT NULL,
        line bigint NOT NULL,
        checksum bytea NOT NULL CHECK (length(checksum) = 32)
    )
    """,
    "CREATE INDEX imported_person_batch ON idp.imported_person (batch_id, line)",
    "COMMENT ON COLUMN idp.imported_person.batch_id IS "
    "'import_batch; no foreign key, which would cost a lock of that one row for each person'",
    "COMMENT ON COLUMN idp.imported_person.checksum IS "
    "'HMAC-SHA256 of what the file said, by a secret of the house: without it a fast hash would lie bare in here'",
    """
    CREATE TABLE idp.import_fault (
        batch_id uuid NOT NULL REFERENCES idp.import_batch ON DELETE CASCADE,
        line bigint NOT NULL,
        what text NOT NULL,
        PRIMARY KEY (batch_id, line)
    )
    """,
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    for table in ("import_fault", "imported_person", "import_batch"):
        op.execute(f"DROP TABLE idp.{table}")
    op.execute("COMMENT ON COLUMN idp.password.hash IS NULL")
    op.execute("ALTER TABLE idp.password DROP CONSTRAINT password_hash_check")
    # not valid: what lies there of other systems stays, and counts again after the next step up
    op.execute(f"ALTER TABLE idp.password ADD CONSTRAINT password_hash_check CHECK ({_HASHES}) NOT VALID")
