"""Signing keys: private ones sealed and seen by one role each, public ones by every role.

Revision ID: 0002
Revises: 0001
"""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_EVERY_ROLE = (
    "munjigi_idp, munjigi_gateway, munjigi_policy, munjigi_commerce, munjigi_reservation, munjigi_worker, munjigi_audit"
)
_SIGNS = {"munjigi_idp": "token", "munjigi_gateway": "assertion", "munjigi_policy": "policy"}


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE jose.signing_key (
            kid text PRIMARY KEY CHECK (length(kid) = 43),
            purpose text NOT NULL CHECK (purpose IN ('token', 'assertion', 'policy')),
            sealed bytea NOT NULL,
            public_jwk jsonb NOT NULL CHECK (NOT public_jwk ? 'd'),
            state text NOT NULL CHECK (state IN ('next', 'active', 'retiring', 'retired')),
            created_at timestamptz NOT NULL,
            activated_at timestamptz,
            retires_at timestamptz
        )
        """
    )
    op.execute("CREATE UNIQUE INDEX signing_key_one_active ON jose.signing_key (purpose) WHERE state = 'active'")
    op.execute("ALTER TABLE jose.signing_key ENABLE ROW LEVEL SECURITY")
    for role, purpose in _SIGNS.items():
        op.execute(f"GRANT SELECT, INSERT, UPDATE ON jose.signing_key TO {role}")
        op.execute(
            f"CREATE POLICY {role} ON jose.signing_key TO {role} "
            f"USING (purpose = '{purpose}') WITH CHECK (purpose = '{purpose}')"
        )
    # a view runs with its owner's rights, whom row level security does not hold back: so public halves reach all
    op.execute(
        """
        CREATE VIEW jose.public_key AS
        SELECT kid, purpose, public_jwk, state FROM jose.signing_key WHERE state <> 'retired'
        """
    )
    op.execute(f"GRANT SELECT ON jose.public_key TO {_EVERY_ROLE}")


def downgrade() -> None:
    op.execute("DROP VIEW jose.public_key")
    op.execute("DROP TABLE jose.signing_key")
