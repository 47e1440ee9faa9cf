"""What the worker `mail` may know of an organisation: how it meets the person whom a mail goes to.

Revision ID: 0034
Revises: 0033
"""

from __future__ import annotations

from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

_UP = (
    """
    CREATE VIEW idp.face_of_person AS
        SELECT DISTINCT ON (member.user_id) member.user_id, theirs.look, theirs.support
        FROM idp.membership AS member JOIN idp.organisation AS theirs ON theirs.id = member.organisation_id
        ORDER BY member.user_id, member.joined_at, member.organisation_id
    """,
    "COMMENT ON VIEW idp.face_of_person IS 'how the organisation that a person joined first meets people'",
    "GRANT USAGE ON SCHEMA idp TO munjigi_notifications",
    "GRANT SELECT ON idp.face_of_person TO munjigi_notifications",
)
_DOWN = (
    "DROP VIEW idp.face_of_person",
    "REVOKE USAGE ON SCHEMA idp FROM munjigi_notifications",
)


def upgrade() -> None:
    for statement in _UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in _DOWN:
        op.execute(statement)
