"""Whether a person was told of a request behind their back; which mail address a person has proven.

Revision ID: 0036
Revises: 0035
"""

from __future__ import annotations

from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

_TELLERS = ("munjigi_idp", "munjigi_worker")
_UP = (
    "ALTER TABLE idp.pending_grant ADD COLUMN tell_as text",
    "COMMENT ON COLUMN idp.pending_grant.tell_as IS "
    "'the correlation id of the mail that whoever is asked is still to get; NULL: there is none to come'",
    "CREATE INDEX pending_grant_untold ON idp.pending_grant (created_at) WHERE tell_as IS NOT NULL",
    # what a notice says: the app, and the clock that its reader goes by
    "GRANT UPDATE (tell_as) ON idp.pending_grant TO munjigi_worker",
    "GRANT SELECT (name) ON idp.client TO munjigi_worker",
    "GRANT SELECT (id, time_zone) ON idp.organisation TO munjigi_worker",
    *(
        f"CREATE POLICY {role}_tells_of_requests ON events.outbox FOR INSERT TO {role} WITH CHECK (topic = 'request')"
        for role in _TELLERS
    ),
    """
    ALTER TABLE idp.user_account
        ADD COLUMN proven_email text,
        ADD COLUMN updated_at timestamptz
    """,
    "UPDATE idp.user_account SET updated_at = created_at",
    "ALTER TABLE idp.user_account ALTER COLUMN updated_at SET NOT NULL, ALTER COLUMN updated_at SET DEFAULT now()",
    # the address itself, not a flag: whoever changes `email` need not think of it
    "COMMENT ON COLUMN idp.user_account.proven_email IS "
    "'the address that a mailed code proved: the one they have is verified as long as it is this one'",
    "COMMENT ON COLUMN idp.user_account.updated_at IS 'when what tokens say of the person last changed'",
)
_DOWN = (
    "ALTER TABLE idp.user_account DROP COLUMN updated_at, DROP COLUMN proven_email",
    *(f"DROP POLICY {role}_tells_of_requests ON events.outbox" for role in _TELLERS),
    "REVOKE SELECT (id, time_zone) ON idp.organisation FROM munjigi_worker",
    "REVOKE SELECT (name) ON idp.client FROM munjigi_worker",
    "ALTER TABLE idp.pending_grant DROP COLUMN tell_as",
)


def upgrade() -> None:
    for statement in _UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in _DOWN:
        op.execute(statement)
