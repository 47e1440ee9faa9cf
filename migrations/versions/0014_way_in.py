"""Remembered browsers, recovery links, how an organisation looks and whom its people ask.

Revision ID: 0014
Revises: 0013
"""

from __future__ import annotations

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Its owner fills it."""


def downgrade() -> None:
    """Its owner fills it."""
