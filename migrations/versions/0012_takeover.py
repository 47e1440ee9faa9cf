"""Codes by mail, what a login remembers of them, the network of a session.

Revision ID: 0012
Revises: 0011
"""

from __future__ import annotations

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Its owner fills it."""


def downgrade() -> None:
    """Its owner fills it."""
