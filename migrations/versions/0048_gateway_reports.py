"""Which version each gateway decides by is told where policies come from, so that one without Valkey is heard, too.

Revision ID: 0048
Revises: 0047
"""

from __future__ import annotations

from alembic import op

revision = "0048"
down_revision = "0047"
branch_labels = None
depends_on = None

_UP = (
    """
    CREATE TABLE policy.gateway_report (
        gateway text PRIMARY KEY CHECK (gateway <> ''),
        version bigint NOT NULL CHECK (version >= 0),
        at timestamptz NOT NULL
    )
    """,
    "COMMENT ON TABLE policy.gateway_report IS 'what each gateway process said last; who leaves is taken away'",
    "REVOKE ALL ON policy.gateway_report FROM munjigi_policy",
    "GRANT SELECT ON policy.gateway_report TO munjigi_policy",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON policy.gateway_report TO munjigi_gateway",
)


def upgrade() -> None:
    for statement in _UP:
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP TABLE policy.gateway_report")
