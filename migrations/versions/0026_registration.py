"""How often a client was changed, who may register one, and what goes with it when it is removed.

Revision ID: 0026
Revises: 0025
"""

from __future__ import annotations

from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

_WHAT_A_CLIENT_HAS = ("login", "authorization_code", "refresh_family")


def upgrade() -> None:
    op.execute("ALTER TABLE idp.client ADD COLUMN version integer NOT NULL DEFAULT 1")
    for table in _WHAT_A_CLIENT_HAS:
        _refers_to_client(table, "ON DELETE CASCADE")
    op.execute(
        """
        CREATE TABLE idp.initial_access_token (
            id uuid PRIMARY KEY,
            token_hash bytea NOT NULL UNIQUE CHECK (octet_length(token_hash) = 32),
            organisation_id uuid REFERENCES idp.organisation ON DELETE CASCADE,
            label text NOT NULL,
            uses_left integer NOT NULL CHECK (uses_left >= 0),
            created_by uuid NOT NULL,
            created_at timestamptz NOT NULL,
            expires_at timestamptz NOT NULL
        )
        """
    )
    op.execute("CREATE INDEX initial_access_token_organisation ON idp.initial_access_token (organisation_id)")
    op.execute("CREATE INDEX initial_access_token_expiry ON idp.initial_access_token (expires_at)")
    op.execute("COMMENT ON COLUMN idp.initial_access_token.organisation_id IS 'NULL: one of the house itself'")
    op.execute("GRANT SELECT, DELETE ON idp.initial_access_token TO munjigi_worker")


def downgrade() -> None:
    op.execute("DROP TABLE idp.initial_access_token")
    for table in _WHAT_A_CLIENT_HAS:
        _refers_to_client(table, "")
    op.execute("ALTER TABLE idp.client DROP COLUMN version")


def _refers_to_client(table: str, on_delete: str) -> None:
    op.execute(
        f"""
        ALTER TABLE idp.{table} DROP CONSTRAINT {table}_client_id_fkey,
            ADD CONSTRAINT {table}_client_id_fkey FOREIGN KEY (client_id) REFERENCES idp.client {on_delete}
        """
    )
