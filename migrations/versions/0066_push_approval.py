"""Devices that approve sign-ins elsewhere, what they are asked, and pushes that wait to go to them.

Revision ID: 0066
Revises: 0065
"""

from __future__ import annotations

from alembic import op

revision = "0066"
down_revision = "0065"
branch_labels = None
depends_on = None

_STATEMENTS = (
    """
    CREATE TABLE idp.approval_device (
        id uuid PRIMARY KEY,
        user_id uuid NOT NULL REFERENCES idp.user_account ON DELETE CASCADE,
        device_id uuid NOT NULL UNIQUE REFERENCES idp.device ON DELETE CASCADE,
        label text NOT NULL CHECK (label <> ''),
        public_key bytea NOT NULL UNIQUE CHECK (octet_length(public_key) = 65),
        sealed_subscription bytea,
        push_host text,
        created_at timestamptz NOT NULL,
        last_used_at timestamptz,
        CHECK ((sealed_subscription IS NULL) = (push_host IS NULL))
    )
    """,
    "COMMENT ON COLUMN idp.approval_device.push_host IS "
    "'the push service, so that one that is slow holds up its own alone'",
    "CREATE INDEX approval_device_person ON idp.approval_device (user_id)",
    "COMMENT ON TABLE idp.approval_device IS 'browsers of people that may approve their sign-ins on other devices'",
    "COMMENT ON COLUMN idp.approval_device.public_key IS "
    "'an uncompressed point of P-256; the browser keeps its other half'",
    "COMMENT ON COLUMN idp.approval_device.sealed_subscription IS "
    "'endpoint, p256dh and auth of the Web Push subscription, sealed; null: only open pages are told'",
    """
    CREATE TABLE idp.approval_request (
        id uuid PRIMARY KEY,
        user_id uuid NOT NULL,
        bound_to text NOT NULL,
        asked_by uuid,
        browser_hash bytea CHECK (octet_length(browser_hash) = 32),
        faced text,
        nonce text NOT NULL,
        match text NOT NULL,
        choices text[] NOT NULL,
        app text NOT NULL,
        message text NOT NULL,
        came_from jsonb NOT NULL,
        created_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL CHECK (expires_at > created_at),
        state text NOT NULL CHECK (
            state IN ('pending', 'approved', 'denied', 'not_me', 'mismatched', 'withdrawn', 'used')
        ),
        answered_by uuid
    )
    """,
    "COMMENT ON COLUMN idp.approval_request.user_id IS "
    "'no reference: a name that nobody has is asked about like any other, and waits in vain'",
    "CREATE INDEX approval_request_bound ON idp.approval_request (bound_to, created_at DESC)",
    "CREATE INDEX approval_request_person ON idp.approval_request (user_id, expires_at)",
    "CREATE INDEX approval_request_expiry ON idp.approval_request (expires_at)",
    "COMMENT ON COLUMN idp.approval_request.bound_to IS "
    "'what goes on by it: factor:LOGIN, sign-in:LOGIN, confirm:SID, backchannel:REQUEST'",
    "COMMENT ON COLUMN idp.approval_request.asked_by IS "
    "'the device where it is wanted, which may not answer; no reference'",
    """
    CREATE TABLE idp.approval_push (
        id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
        request_id uuid NOT NULL REFERENCES idp.approval_request ON DELETE CASCADE,
        approval_device_id uuid NOT NULL REFERENCES idp.approval_device ON DELETE CASCADE,
        attempts integer NOT NULL DEFAULT 0,
        next_attempt_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL,
        correlation_id text NOT NULL,
        UNIQUE (request_id, approval_device_id)
    )
    """,
    "CREATE INDEX approval_push_due ON idp.approval_push (next_attempt_at)",
    "CREATE INDEX approval_push_device ON idp.approval_push (approval_device_id)",
    "COMMENT ON TABLE idp.approval_push IS "
    "'pushes that are to go out; a row is gone once it was taken or is worth nothing'",
    "GRANT SELECT, DELETE ON idp.approval_request TO munjigi_worker",  # the sweeper forgets what is over
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    for table in ("approval_push", "approval_request", "approval_device"):
        op.execute(f"DROP TABLE idp.{table}")
