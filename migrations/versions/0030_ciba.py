"""Requests that clients make behind people's backs (OpenID Connect CIBA Core 1.0) wait beside those of devices.

Revision ID: 0030
Revises: 0029
"""

from __future__ import annotations

from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

_UP = (
    """
    ALTER TABLE idp.pending_grant
        ALTER COLUMN user_code_hash DROP NOT NULL,
        ADD COLUMN kind text NOT NULL DEFAULT 'device' CHECK (kind IN ('device', 'backchannel')),
        ADD COLUMN request_id uuid UNIQUE,
        ADD COLUMN asked_of uuid REFERENCES idp.user_account ON DELETE CASCADE,
        ADD COLUMN binding_message text NOT NULL DEFAULT '' CHECK (length(binding_message) <= 100),
        ADD COLUMN acr_values text[] NOT NULL DEFAULT '{}',
        ADD COLUMN resources text[] NOT NULL DEFAULT '{}',
        DROP CONSTRAINT pending_grant_state_check,
        DROP CONSTRAINT pending_grant_check1,
        ADD CONSTRAINT pending_grant_state_check CHECK (state IN ('pending', 'approved', 'refused', 'expired')),
        ADD CONSTRAINT pending_grant_answered CHECK ((state IN ('pending', 'expired')) = (user_id IS NULL)),
        ADD CONSTRAINT pending_grant_user_code CHECK ((kind = 'device') = (user_code_hash IS NOT NULL)),
        ADD CONSTRAINT pending_grant_request CHECK ((kind = 'backchannel') = (request_id IS NOT NULL)),
        ADD CONSTRAINT pending_grant_nobody_else CHECK (
            CASE kind
                WHEN 'device' THEN asked_of IS NULL
                ELSE user_id IS NULL OR user_id IS NOT DISTINCT FROM asked_of
            END
        )
    """,
    "COMMENT ON COLUMN idp.pending_grant.asked_of IS 'who alone may answer; NULL: a device, or a name that nobody has'",
    "CREATE INDEX pending_grant_asked_of ON idp.pending_grant (asked_of)",
    "GRANT UPDATE (state) ON idp.pending_grant TO munjigi_worker",
)
_DOWN = (
    "REVOKE UPDATE (state) ON idp.pending_grant FROM munjigi_worker",
    "DELETE FROM idp.pending_grant WHERE kind <> 'device'",
    """
    ALTER TABLE idp.pending_grant
        DROP CONSTRAINT pending_grant_nobody_else,
        DROP CONSTRAINT pending_grant_request,
        DROP CONSTRAINT pending_grant_user_code,
        DROP CONSTRAINT pending_grant_answered,
        DROP CONSTRAINT pending_grant_state_check,
        ADD CONSTRAINT pending_grant_state_check CHECK (state IN ('pending', 'approved', 'refused')),
        ADD CONSTRAINT pending_grant_check1 CHECK ((state = 'pending') = (user_id IS NULL)),
        DROP COLUMN resources,
        DROP COLUMN acr_values,
        DROP COLUMN binding_message,
        DROP COLUMN asked_of,
        DROP COLUMN request_id,
        DROP COLUMN kind,
        ALTER COLUMN user_code_hash SET NOT NULL
    """,
)


def upgrade() -> None:
    for statement in _UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in _DOWN:
        op.execute(statement)
