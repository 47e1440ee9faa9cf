"""What the gateway keeps for the page script and for step-up.

Revision ID: 0016
Revises: 0015
"""

from __future__ import annotations

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Its owner fills it."""


def downgrade() -> None:
    """Its owner fills it."""
