"""Domains of upstream providers may be proven by a file; of which the operator said that no file is believed.

Revision ID: 0046
Revises: 0042
"""

from __future__ import annotations

from alembic import op

revision = "0046"
down_revision = "0042"
branch_labels = None
depends_on = None

_UP = (
    "ALTER TABLE idp.upstream_domain ADD COLUMN by_file boolean NOT NULL DEFAULT false",
    "COMMENT ON COLUMN idp.upstream_domain.proven_by IS 'the administrator of the operator whose word it is, or of the "
    "organisation who had its file looked at'",
    """
    CREATE TABLE idp.withdrawn_domain (
        domain text PRIMARY KEY CHECK (domain = lower(domain)),
        withdrawn_at timestamptz NOT NULL,
        withdrawn_by uuid NOT NULL
    )
    """,
    "COMMENT ON TABLE idp.withdrawn_domain IS 'domains that the operator took back: no file proves them again'",
)
_DOWN = (
    "DROP TABLE idp.withdrawn_domain",
    "COMMENT ON COLUMN idp.upstream_domain.proven_by IS 'the administrator of the operator whose word it is'",
    "ALTER TABLE idp.upstream_domain DROP COLUMN by_file",
)


def upgrade() -> None:
    for statement in _UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in _DOWN:
        op.execute(statement)
