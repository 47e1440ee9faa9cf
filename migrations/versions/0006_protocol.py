"""Clients, logins, authorization codes, refresh families, secrets that all nodes share.

Revision ID: 0006
Revises: 0005
"""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE idp.client (
            client_id text PRIMARY KEY,
            name jsonb NOT NULL,
            auth_method text NOT NULL
                CHECK (auth_method IN ('client_secret_basic', 'client_secret_post', 'none')),
            secret_hash bytea CHECK (octet_length(secret_hash) = 32),
            redirect_uris text[] NOT NULL CHECK (cardinality(redirect_uris) > 0),
            post_logout_redirect_uris text[] NOT NULL,
            grant_types text[] NOT NULL,
            scopes text[] NOT NULL,
            updated_at timestamptz NOT NULL,
            CHECK ((auth_method = 'none') = (secret_hash IS NULL))
        )
        """
    )
    op.execute(
        """
        CREATE TABLE idp.login (
            id uuid PRIMARY KEY,
            request jsonb NOT NULL,
            client_id text NOT NULL REFERENCES idp.client,
            locale text NOT NULL,
            created_at timestamptz NOT NULL,
            expires_at timestamptz NOT NULL,
            browser_hash bytea NOT NULL CHECK (octet_length(browser_hash) = 32),
            name_hint text,
            user_id uuid,
            amr text[] NOT NULL,
            authenticated_at timestamptz,
            recognised_in text,
            takeover_of text,
            takeover_factor boolean NOT NULL,
            takes_over boolean NOT NULL,
            kept boolean NOT NULL,
            session text,
            CHECK ((user_id IS NULL) = (authenticated_at IS NULL)),
            CHECK (takeover_of IS NOT NULL OR NOT (takeover_factor OR takes_over))
        )
        """
    )
    op.execute("CREATE INDEX login_expiry ON idp.login (expires_at)")
    op.execute(
        """
        CREATE TABLE idp.refresh_family (
            id uuid PRIMARY KEY,
            client_id text NOT NULL REFERENCES idp.client,
            user_id uuid NOT NULL,
            sid text NOT NULL REFERENCES idp.session ON DELETE CASCADE,
            scope text[] NOT NULL,
            expires_at timestamptz NOT NULL,
            revoked_at timestamptz
        )
        """
    )
    op.execute("CREATE INDEX refresh_family_session ON idp.refresh_family (sid)")
    op.execute("CREATE INDEX refresh_family_expiry ON idp.refresh_family (expires_at)")
    op.execute(
        """
        CREATE TABLE idp.refresh_token (
            token_hash bytea PRIMARY KEY CHECK (octet_length(token_hash) = 32),
            family_id uuid NOT NULL REFERENCES idp.refresh_family ON DELETE CASCADE,
            issued_at timestamptz NOT NULL,
            rotated_at timestamptz
        )
        """
    )
    # a family has one token that may still be used: the storage cannot hold two
    op.execute("CREATE UNIQUE INDEX refresh_token_current ON idp.refresh_token (family_id) WHERE rotated_at IS NULL")
    op.execute("CREATE INDEX refresh_token_family ON idp.refresh_token (family_id)")
    op.execute(
        """
        CREATE TABLE idp.authorization_code (
            code_hash bytea PRIMARY KEY CHECK (octet_length(code_hash) = 32),
            client_id text NOT NULL REFERENCES idp.client,
            user_id uuid NOT NULL,
            sid text NOT NULL REFERENCES idp.session ON DELETE CASCADE,
            redirect_uri text NOT NULL,
            code_challenge text NOT NULL,
            scope text[] NOT NULL,
            nonce text,
            expires_at timestamptz NOT NULL,
            redeemed_at timestamptz,
            family_id uuid REFERENCES idp.refresh_family ON DELETE SET NULL
        )
        """
    )
    op.execute("CREATE INDEX authorization_code_expiry ON idp.authorization_code (expires_at)")
    op.execute("CREATE INDEX authorization_code_session ON idp.authorization_code (sid)")
    op.execute("CREATE INDEX authorization_code_family ON idp.authorization_code (family_id)")
    op.execute(
        """
        CREATE TABLE idp.shared_secret (
            name text PRIMARY KEY,
            sealed bytea NOT NULL,
            created_at timestamptz NOT NULL
        )
        """
    )
    op.execute("GRANT SELECT, DELETE ON idp.login, idp.authorization_code, idp.refresh_family TO munjigi_worker")


def downgrade() -> None:
    for table in ("shared_secret", "authorization_code", "refresh_token", "refresh_family", "login", "client"):
        op.execute(f"DROP TABLE idp.{table}")
