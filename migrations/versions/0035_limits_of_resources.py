"""What is said of APIs limits tokens: how long they live, whom scopes are for; and the gateway names its own scopes.

Revision ID: 0035
Revises: 0034
"""

from __future__ import annotations

from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

_UP = (
    """
    ALTER TABLE idp.resource_server
        ADD COLUMN access_token_lifetime integer CHECK (access_token_lifetime BETWEEN 1 AND 86400)
    """,
    "COMMENT ON COLUMN idp.resource_server.access_token_lifetime IS "
    "'seconds, never more than idp.access_token_lifetime; NULL: as long as that'",
    """
    ALTER TABLE idp.resource_scope
        ADD COLUMN for_people boolean NOT NULL DEFAULT true,
        ADD COLUMN for_programs boolean NOT NULL DEFAULT true,
        ADD CONSTRAINT resource_scope_is_for_somebody CHECK (for_people OR for_programs)
    """,
    """
    CREATE VIEW idp.resource_of_house AS
        SELECT server.identifier, server.name,
               array(SELECT scope.name FROM idp.resource_scope scope
                     WHERE scope.resource_id = server.id ORDER BY scope.name) AS scopes
        FROM idp.resource_server server
        WHERE server.organisation_id IS NULL
    """,
    "COMMENT ON VIEW idp.resource_of_house IS 'what the gateway publishes of its hosts (RFC 9728)'",
    "GRANT USAGE ON SCHEMA idp TO munjigi_gateway",
    "GRANT SELECT ON idp.resource_of_house TO munjigi_gateway",
)
_DOWN = (
    "REVOKE USAGE ON SCHEMA idp FROM munjigi_gateway",
    "DROP VIEW idp.resource_of_house",
    "ALTER TABLE idp.resource_scope DROP COLUMN for_people, DROP COLUMN for_programs",
    "ALTER TABLE idp.resource_server DROP COLUMN access_token_lifetime",
)


def upgrade() -> None:
    for statement in _UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in _DOWN:
        op.execute(statement)
