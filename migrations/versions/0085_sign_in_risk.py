"""What is usual of all sign-ins, and how odd each of them was.

Revision ID: 0085
Revises: 0084
"""

from __future__ import annotations

from alembic import op

revision = "0085"
down_revision = "0084"
branch_labels = None
depends_on = None

_STATEMENTS = (
    "ALTER TABLE idp.sign_in_history ADD COLUMN risk smallint CHECK (risk BETWEEN 0 AND 100)",
    "ALTER TABLE idp.sign_in_history ADD COLUMN risk_of text[]",
    "COMMENT ON COLUMN idp.sign_in_history.risk IS 'how odd it was for its person; null: nobody asked'",
    "COMMENT ON COLUMN idp.sign_in_history.risk_of IS 'what the risk is made of, the largest share first: NAME POINTS'",
    "ALTER TABLE idp.login ADD COLUMN risk smallint CHECK (risk BETWEEN 0 AND 100)",
    "ALTER TABLE idp.login ADD COLUMN risk_of text[] NOT NULL DEFAULT '{}'",
    "ALTER TABLE idp.login ADD COLUMN odd boolean NOT NULL DEFAULT false",
    "COMMENT ON COLUMN idp.login.odd IS 'not as its person comes at other times: a second factor is due'",
    """
    CREATE TABLE idp.sign_in_learning (
        alone boolean PRIMARY KEY DEFAULT true CHECK (alone),
        population jsonb NOT NULL,
        forest bytea NOT NULL,
        upto_at timestamptz NOT NULL,
        upto_id uuid NOT NULL,
        learned_at timestamptz NOT NULL
    )
    """,
    "COMMENT ON TABLE idp.sign_in_learning IS 'how frequent places, browsers and hours are among all sign-ins, and "
    "which combinations are: one row, bounded in size, without names'",
    "COMMENT ON COLUMN idp.sign_in_learning.upto_at IS 'with upto_id: the last row of the history that was learned'",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP TABLE idp.sign_in_learning")
    for column in ("odd", "risk_of", "risk"):
        op.execute(f"ALTER TABLE idp.login DROP COLUMN {column}")
    op.execute("ALTER TABLE idp.sign_in_history DROP COLUMN risk_of")
    op.execute("ALTER TABLE idp.sign_in_history DROP COLUMN risk")
