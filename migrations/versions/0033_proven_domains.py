"""Domains of upstream providers lead nowhere before they are proven; who removes clients that nobody uses.

Revision ID: 0033
Revises: 0032
"""

from __future__ import annotations

from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

_UP = (
    """
    ALTER TABLE idp.upstream_domain
        DROP CONSTRAINT upstream_domain_pkey,
        ADD PRIMARY KEY (domain, provider_id),
        ADD COLUMN proven_at timestamptz,
        ADD COLUMN proven_by uuid,
        ADD CONSTRAINT upstream_domain_proof CHECK ((proven_at IS NULL) = (proven_by IS NULL))
    """,
    # anybody may name a domain; of those who do it is one's who has proven it
    "CREATE UNIQUE INDEX upstream_domain_proven ON idp.upstream_domain (domain) WHERE proven_at IS NOT NULL",
    "COMMENT ON TABLE idp.upstream_domain IS 'where mail addresses are to lead, and do once it is proven'",
    "COMMENT ON COLUMN idp.upstream_domain.proven_by IS 'the administrator of the operator whose word it is'",
    "GRANT SELECT (organisation_id, registration_token_hash, created_at, updated_at), DELETE ON idp.client "
    "TO munjigi_worker",
    "CREATE INDEX session_client_client ON idp.session_client (client_id, first_at)",
    "CREATE INDEX client_self_registered ON idp.client (updated_at) WHERE registration_token_hash IS NOT NULL",
    "CREATE POLICY munjigi_worker_tells_of_clients ON events.outbox FOR INSERT TO munjigi_worker "
    "WITH CHECK (topic = 'client')",
)
_DOWN = (
    "DROP POLICY munjigi_worker_tells_of_clients ON events.outbox",
    "DROP INDEX idp.client_self_registered",
    "DROP INDEX idp.session_client_client",
    "REVOKE SELECT (organisation_id, registration_token_hash, created_at, updated_at), DELETE ON idp.client "
    "FROM munjigi_worker",
    "DROP INDEX idp.upstream_domain_proven",
    "DELETE FROM idp.upstream_domain WHERE proven_at IS NULL",
    """
    ALTER TABLE idp.upstream_domain
        DROP CONSTRAINT upstream_domain_pkey,
        ADD PRIMARY KEY (domain),
        DROP COLUMN proven_at,
        DROP COLUMN proven_by
    """,
    "COMMENT ON TABLE idp.upstream_domain IS 'where mail addresses lead: a domain leads to one provider alone'",
)


def upgrade() -> None:
    for statement in _UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in _DOWN:
        op.execute(statement)
