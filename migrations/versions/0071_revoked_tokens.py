"""A person's session remembers which of its access tokens are revoked (RFC 7009), as a program's does.

Revision ID: 0071
Revises: 0070
"""

from __future__ import annotations

from alembic import op

revision = "0071"
down_revision = "0070"
branch_labels = None
depends_on = None


_REVOKING = "WHERE ended_at IS NULL AND revoked_tokens <> '{}'"  # what Valkey must know before it may be believed


def upgrade() -> None:
    # NOT VALID: the default holds it, and nothing waits while every session is read
    op.execute("ALTER TABLE idp.session ADD COLUMN revoked_tokens jsonb NOT NULL DEFAULT '{}'")
    op.execute(
        "ALTER TABLE idp.session ADD CONSTRAINT session_revoked_tokens_check "
        "CHECK (jsonb_typeof(revoked_tokens) = 'object') NOT VALID"
    )
    op.execute(
        "COMMENT ON COLUMN idp.session.revoked_tokens IS 'jti or grant: the epoch second at which its tokens are over'"
    )
    op.execute(f"CREATE INDEX session_revoking ON idp.session (user_id) {_REVOKING}")
    op.execute(f"CREATE INDEX machine_session_revoking ON idp.machine_session (client_id) {_REVOKING}")


def downgrade() -> None:
    op.execute("DROP INDEX idp.machine_session_revoking")
    op.execute("ALTER TABLE idp.session DROP COLUMN revoked_tokens")
