"""Answers of the policy API to requests with an Idempotency-Key, kept for a day.

Revision ID: 0041
Revises: 0038
"""

from __future__ import annotations

from alembic import op

revision = "0041"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE policy.answer (
            who text NOT NULL CHECK (who <> ''),
            key text NOT NULL CHECK (key <> '' AND length(key) <= 255),
            fingerprint bytea NOT NULL CHECK (length(fingerprint) = 32),
            status smallint NOT NULL CHECK (status BETWEEN 200 AND 299),
            headers jsonb NOT NULL,
            body bytea NOT NULL,
            at timestamptz NOT NULL,
            PRIMARY KEY (who, key)
        )
        """
    )
    op.execute("CREATE INDEX answer_at ON policy.answer (at)")
    # an answer is given again as it was, or not at all (SELECT … FOR UPDATE SKIP LOCKED needs UPDATE of one column)
    op.execute("REVOKE UPDATE ON policy.answer FROM munjigi_policy")
    op.execute("GRANT UPDATE (at) ON policy.answer TO munjigi_policy")


def downgrade() -> None:
    op.execute("DROP TABLE policy.answer")
