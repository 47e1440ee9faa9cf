"""Organisations' own identity providers as upstream login: providers, their domains, links, questions that wait.

Revision ID: 0027
Revises: 0026
"""

from __future__ import annotations

from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

_STATEMENTS = (
    """
    CREATE TABLE idp.upstream_provider (
        id uuid PRIMARY KEY,
        organisation_id uuid NOT NULL REFERENCES idp.organisation ON DELETE CASCADE,
        issuer text NOT NULL,
        client_id text NOT NULL,
        auth_method text NOT NULL CHECK (auth_method IN ('client_secret_basic', 'client_secret_post', 'none')),
        sealed_secret bytea,
        scopes text[] NOT NULL CHECK ('openid' = ANY (scopes)),
        name jsonb NOT NULL,
        just_in_time boolean NOT NULL DEFAULT false,
        roles text[] NOT NULL DEFAULT '{}',
        name_claim text NOT NULL DEFAULT 'name',
        counts jsonb NOT NULL DEFAULT '{}',
        enabled boolean NOT NULL DEFAULT true,
        version bigint NOT NULL DEFAULT 1,
        created_at timestamptz NOT NULL,
        UNIQUE (organisation_id, issuer, client_id),
        CHECK ((auth_method = 'none') = (sealed_secret IS NULL))
    )
    """,
    "COMMENT ON TABLE idp.upstream_provider IS 'an organisation''s own identity provider; its issuer never changes'",
    "COMMENT ON COLUMN idp.upstream_provider.counts IS 'which acr and amr values count as which methods here'",
    """
    CREATE TABLE idp.upstream_domain (
        domain text PRIMARY KEY CHECK (domain = lower(domain)),
        provider_id uuid NOT NULL REFERENCES idp.upstream_provider ON DELETE CASCADE
    )
    """,
    "COMMENT ON TABLE idp.upstream_domain IS 'where mail addresses lead: a domain leads to one provider alone'",
    "CREATE INDEX upstream_domain_provider ON idp.upstream_domain (provider_id)",
    """
    CREATE TABLE idp.upstream_link (
        provider_id uuid NOT NULL REFERENCES idp.upstream_provider ON DELETE CASCADE,
        subject text NOT NULL CHECK (subject <> ''),
        user_id uuid NOT NULL REFERENCES idp.user_account ON DELETE CASCADE,
        shown text NOT NULL,
        linked_at timestamptz NOT NULL,
        last_used_at timestamptz,
        PRIMARY KEY (provider_id, subject)
    )
    """,
    "CREATE INDEX upstream_link_user ON idp.upstream_link (user_id)",
    """
    CREATE TABLE idp.upstream_attempt (
        state_hash bytea PRIMARY KEY CHECK (octet_length(state_hash) = 32),
        provider_id uuid NOT NULL REFERENCES idp.upstream_provider ON DELETE CASCADE,
        login_id uuid REFERENCES idp.login ON DELETE CASCADE,
        sid text REFERENCES idp.session ON DELETE CASCADE,
        created_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL,
        CHECK (num_nonnulls(login_id, sid) = 1)
    )
    """,
    "COMMENT ON TABLE idp.upstream_attempt IS 'a question to an upstream; its answer takes it away'",
    "CREATE INDEX upstream_attempt_provider ON idp.upstream_attempt (provider_id)",
    "CREATE INDEX upstream_attempt_login ON idp.upstream_attempt (login_id)",
    "CREATE INDEX upstream_attempt_sid ON idp.upstream_attempt (sid)",
    "CREATE INDEX upstream_attempt_expiry ON idp.upstream_attempt (expires_at)",
    "ALTER TABLE idp.login ADD COLUMN linking jsonb",
    "COMMENT ON COLUMN idp.login.linking IS 'the upstream account that its person is asked to link'",
    "GRANT SELECT, DELETE ON idp.upstream_attempt TO munjigi_worker",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    op.execute("ALTER TABLE idp.login DROP COLUMN linking")
    for table in ("upstream_attempt", "upstream_link", "upstream_domain", "upstream_provider"):
        op.execute(f"DROP TABLE idp.{table}")
