"""Authorization requests that clients push; what of a request lives on with its code and its refresh tokens.

Revision ID: 0024
Revises: 0023
"""

from __future__ import annotations

from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE idp.pushed_request (
            reference_hash bytea PRIMARY KEY CHECK (octet_length(reference_hash) = 32),
            client_id text NOT NULL REFERENCES idp.client ON DELETE CASCADE,
            request jsonb NOT NULL CHECK (jsonb_typeof(request) = 'object'),
            expires_at timestamptz NOT NULL
        )
        """
    )
    op.execute("COMMENT ON TABLE idp.pushed_request IS 'RFC 9126: each is gone once a login has begun with it'")
    op.execute("CREATE INDEX pushed_request_expiry ON idp.pushed_request (expires_at)")
    op.execute("CREATE INDEX pushed_request_client ON idp.pushed_request (client_id)")
    for table in ("authorization_code", "refresh_family"):
        op.execute(
            f"""
            ALTER TABLE idp.{table}
                ADD COLUMN claims jsonb NOT NULL DEFAULT '{{}}' CHECK (jsonb_typeof(claims) = 'object'),
                ADD COLUMN resources text[] NOT NULL DEFAULT '{{}}'
            """
        )
    op.execute("GRANT SELECT, DELETE ON idp.pushed_request TO munjigi_worker")


def downgrade() -> None:
    for table in ("authorization_code", "refresh_family"):
        op.execute(f"ALTER TABLE idp.{table} DROP COLUMN claims, DROP COLUMN resources")
    op.execute("DROP TABLE idp.pushed_request")
