"""What clients register beyond redirect URIs and a secret, and whose administrators look after them.

Revision ID: 0021
Revises: 0020
"""

from __future__ import annotations

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        ALTER TABLE idp.client
            DROP CONSTRAINT client_auth_method_check,
            DROP CONSTRAINT client_check,
            DROP CONSTRAINT client_redirect_uris_check,
            ADD COLUMN organisation_id uuid REFERENCES idp.organisation ON DELETE CASCADE,
            ADD COLUMN enabled boolean NOT NULL DEFAULT true,
            ADD COLUMN metadata jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(metadata) = 'object'),
            ADD COLUMN registration_token_hash bytea CHECK (octet_length(registration_token_hash) = 32),
            ADD COLUMN created_at timestamptz NOT NULL DEFAULT now(),
            ADD CONSTRAINT client_auth_method CHECK (auth_method IN (
                'client_secret_basic', 'client_secret_post', 'private_key_jwt',
                'tls_client_auth', 'self_signed_tls_client_auth', 'none'
            )),
            ADD CONSTRAINT client_secret CHECK (
                (auth_method IN ('client_secret_basic', 'client_secret_post')) = (secret_hash IS NOT NULL)
            ),
            ADD CONSTRAINT client_redirect_uris CHECK (
                cardinality(redirect_uris) > 0 OR NOT 'authorization_code' = ANY (grant_types)
            )
        """
    )
    op.execute("UPDATE idp.client SET created_at = updated_at")
    op.execute("CREATE INDEX client_organisation ON idp.client (organisation_id)")
    op.execute("COMMENT ON COLUMN idp.client.organisation_id IS 'NULL: one of the house itself'")
    op.execute("COMMENT ON COLUMN idp.client.metadata IS 'members of RFC 7591 and its registries, defaults left out'")


def downgrade() -> None:
    op.execute(
        """
        DELETE FROM idp.client WHERE auth_method NOT IN ('client_secret_basic', 'client_secret_post', 'none')
            OR cardinality(redirect_uris) = 0
        """
    )
    op.execute(
        """
        ALTER TABLE idp.client
            DROP COLUMN organisation_id, DROP COLUMN enabled, DROP COLUMN metadata,
            DROP COLUMN registration_token_hash, DROP COLUMN created_at,
            DROP CONSTRAINT client_auth_method,
            DROP CONSTRAINT client_secret,
            DROP CONSTRAINT client_redirect_uris,
            ADD CONSTRAINT client_auth_method_check CHECK (
                auth_method IN ('client_secret_basic', 'client_secret_post', 'none')
            ),
            ADD CONSTRAINT client_check CHECK ((auth_method = 'none') = (secret_hash IS NULL)),
            ADD CONSTRAINT client_redirect_uris_check CHECK (cardinality(redirect_uris) > 0)
        """
    )
