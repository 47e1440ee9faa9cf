"""APIs of others: what they are called, and what people read of their scopes.

Revision ID: 0032
Revises: 0031
"""

from __future__ import annotations

from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

_STATEMENTS = (
    """
    CREATE TABLE idp.resource_server (
        id uuid PRIMARY KEY,
        identifier text NOT NULL UNIQUE CHECK (identifier <> '' AND length(identifier) <= 512),
        name jsonb NOT NULL,
        organisation_id uuid REFERENCES idp.organisation ON DELETE CASCADE,
        version bigint NOT NULL DEFAULT 1,
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL
    )
    """,
    "COMMENT ON TABLE idp.resource_server IS 'an API that tokens are for (RFC 8707); its identifier never changes'",
    "COMMENT ON COLUMN idp.resource_server.organisation_id IS 'whose administrators look after it; NULL: the house''s'",
    "CREATE INDEX resource_server_organisation ON idp.resource_server (organisation_id)",
    """
    CREATE TABLE idp.resource_scope (
        name text PRIMARY KEY CHECK (name <> ''),
        resource_id uuid NOT NULL REFERENCES idp.resource_server ON DELETE CASCADE,
        words jsonb NOT NULL
    )
    """,
    "COMMENT ON TABLE idp.resource_scope IS 'what people read of a scope where they are asked for it, by locale'",
    "CREATE INDEX resource_scope_resource ON idp.resource_scope (resource_id)",
    "CREATE POLICY munjigi_idp_tells_of_resources ON events.outbox FOR INSERT TO munjigi_idp "
    "WITH CHECK (topic = 'resource')",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP POLICY munjigi_idp_tells_of_resources ON events.outbox")
    for table in ("resource_scope", "resource_server"):
        op.execute(f"DROP TABLE idp.{table}")
