"""Who is told of an end: clients of a session, back-channel logouts, shared-signals streams, links of "this wasn't me".

Revision ID: 0013
Revises: 0012
"""

from __future__ import annotations

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Its owner fills it."""


def downgrade() -> None:
    """Its owner fills it."""
