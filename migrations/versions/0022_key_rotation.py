"""Signing keys rotate: one active and at most one next for each purpose and algorithm; private halves go with the duty.

Revision ID: 0022
Revises: 0021
"""

from __future__ import annotations

from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        ALTER TABLE jose.signing_key
            ADD COLUMN algorithm text NOT NULL DEFAULT 'ES256' CHECK (algorithm IN ('ES256', 'RS256')),
            ADD COLUMN activates_at timestamptz,
            ALTER COLUMN sealed DROP NOT NULL,
            DROP CONSTRAINT signing_key_public_jwk_check,
            ADD CONSTRAINT signing_key_public_jwk_check
                CHECK (NOT public_jwk ?| array['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'])
        """
    )
    op.execute("ALTER TABLE jose.signing_key ALTER COLUMN algorithm DROP DEFAULT")
    op.execute("UPDATE jose.signing_key SET sealed = NULL WHERE state IN ('retiring', 'retired')")
    op.execute(
        """
        ALTER TABLE jose.signing_key ADD CONSTRAINT signing_key_private_while_it_may_sign
            CHECK ((sealed IS NOT NULL) = (state IN ('next', 'active')))
        """
    )
    op.execute("COMMENT ON COLUMN jose.signing_key.activates_at IS 'of a next key: when it is to sign'")
    op.execute(
        "COMMENT ON COLUMN jose.signing_key.retires_at IS "
        "'of a retiring key: when it is to be believed no more; of a retired one: when that was'"
    )
    op.execute("DROP INDEX jose.signing_key_one_active")
    for state in ("active", "next"):
        op.execute(
            f"CREATE UNIQUE INDEX signing_key_one_{state} ON jose.signing_key (purpose, algorithm) "
            f"WHERE state = '{state}'"
        )


def downgrade() -> None:
    # who came before knows neither RSA nor keys without a private half, and would stumble over them
    op.execute("DELETE FROM jose.signing_key WHERE algorithm <> 'ES256'")
    op.execute("ALTER TABLE jose.signing_key DROP CONSTRAINT signing_key_private_while_it_may_sign")
    op.execute("UPDATE jose.signing_key SET sealed = '' WHERE sealed IS NULL")
    op.execute("DROP INDEX jose.signing_key_one_next")
    op.execute("DROP INDEX jose.signing_key_one_active")
    op.execute("CREATE UNIQUE INDEX signing_key_one_active ON jose.signing_key (purpose) WHERE state = 'active'")
    op.execute("COMMENT ON COLUMN jose.signing_key.retires_at IS NULL")
    op.execute(
        """
        ALTER TABLE jose.signing_key
            DROP COLUMN algorithm,
            DROP COLUMN activates_at,
            ALTER COLUMN sealed SET NOT NULL,
            DROP CONSTRAINT signing_key_public_jwk_check,
            ADD CONSTRAINT signing_key_public_jwk_check CHECK (NOT public_jwk ? 'd')
        """
    )
