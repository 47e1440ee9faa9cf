"""Notifications: messages to be delivered, dead letters.

Revision ID: 0011
Revises: 0010
"""

from __future__ import annotations

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Its owner fills it."""


def downgrade() -> None:
    """Its owner fills it."""
