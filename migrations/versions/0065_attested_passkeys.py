"""What the maker of a passkey's authenticator vouched for when it was registered; a copy of one is an incident.

Revision ID: 0065
Revises: 0064
"""

from __future__ import annotations

from alembic import op

revision = "0065"
down_revision = "0064"
branch_labels = None
depends_on = None


_INCIDENT = """
    CREATE OR REPLACE VIEW policy.incident AS
        SELECT record.id, record.at, record.kind, record.subject, record.details,
               host(record.ip) AS address, session.device_id::text AS device
        FROM audit.record LEFT JOIN idp.session ON session.sid = record.sid
        WHERE record.kind IN (
            'account_locked', 'refresh_reused', 'code_replayed', 'remembered_stolen', 'signal_received', 'throttled',
            'rate_exceeded'{more}
        )
"""


def upgrade() -> None:
    op.execute("ALTER TABLE idp.passkey ADD attestation_format text NOT NULL DEFAULT 'none'")
    op.execute("ALTER TABLE idp.passkey ADD attested boolean NOT NULL DEFAULT false")
    op.execute(
        "COMMENT ON COLUMN idp.passkey.attested IS "
        "'its attestation was verified up to a root of the metadata of its model (FIDO Metadata Service)'"
    )
    op.execute(_INCIDENT.format(more=", 'passkey_clone_suspected'"))


def downgrade() -> None:
    op.execute(_INCIDENT.format(more=""))
    op.execute("ALTER TABLE idp.passkey DROP attested")
    op.execute("ALTER TABLE idp.passkey DROP attestation_format")
