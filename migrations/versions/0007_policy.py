"""Policy versions: drafts, the published one, and all that were.

Revision ID: 0007
Revises: 0006
"""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE policy.version (
            number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            artefact bytea NOT NULL CHECK (length(artefact) > 0),
            sha256 text NOT NULL CHECK (sha256 = encode(sha256(artefact), 'hex')),
            signature text,
            state text NOT NULL CHECK (state IN ('draft', 'published', 'retired')),
            author text NOT NULL CHECK (author <> ''),
            why text NOT NULL CHECK (why <> ''),
            created_at timestamptz NOT NULL,
            publisher text,
            published_at timestamptz,
            restores bigint REFERENCES policy.version (number),
            CHECK (state = 'draft' OR (signature IS NOT NULL AND publisher IS NOT NULL AND published_at IS NOT NULL)),
            CHECK (restores < number)
        )
        """
    )
    op.execute("CREATE UNIQUE INDEX version_one_published ON policy.version (state) WHERE state = 'published'")
    # what a version says never changes, and none is ever taken away
    op.execute("REVOKE UPDATE, DELETE ON policy.version FROM munjigi_policy")
    op.execute("GRANT UPDATE (state, signature, publisher, published_at) ON policy.version TO munjigi_policy")
    op.execute("GRANT USAGE ON SCHEMA policy TO munjigi_gateway")
    op.execute("GRANT SELECT ON policy.version TO munjigi_gateway")


def downgrade() -> None:
    op.execute("DROP TABLE policy.version")
    op.execute("REVOKE USAGE ON SCHEMA policy FROM munjigi_gateway")
