"""What the worker needs to tell nobody too much, and to forget sessions, and devices on which nobody ever signed in.

Revision ID: 0018
Revises: 0017
"""

from __future__ import annotations

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_DONE = (
    # whose ends a subscriber may hear of, decided in the transaction of the end
    "GRANT SELECT (scopes) ON idp.client TO munjigi_worker",
    "GRANT SELECT ON idp.client_home, idp.membership TO munjigi_worker",
    # the sweeper forgets
    "GRANT DELETE ON idp.session TO munjigi_worker",
    "GRANT SELECT, DELETE ON idp.device TO munjigi_worker",
    "GRANT UPDATE (last_seen_at) ON idp.device TO munjigi_worker",  # what locking a row asks for
    "GRANT DELETE ON idp.told_attempt TO munjigi_worker",
    "CREATE INDEX told_attempt_at ON idp.told_attempt (told_at)",
    "CREATE INDEX device_never_signed_in ON idp.device (last_seen_at) WHERE sign_ins = 0",
)
_UNDONE = (
    "DROP INDEX idp.device_never_signed_in",
    "DROP INDEX idp.told_attempt_at",
    "REVOKE DELETE ON idp.told_attempt FROM munjigi_worker",
    "REVOKE UPDATE (last_seen_at) ON idp.device FROM munjigi_worker",
    "REVOKE SELECT, DELETE ON idp.device FROM munjigi_worker",
    "REVOKE DELETE ON idp.session FROM munjigi_worker",
    "REVOKE SELECT ON idp.client_home, idp.membership FROM munjigi_worker",
    "REVOKE SELECT (scopes) ON idp.client FROM munjigi_worker",
)


def upgrade() -> None:
    for statement in _DONE:
        op.execute(statement)


def downgrade() -> None:
    for statement in _UNDONE:
        op.execute(statement)
