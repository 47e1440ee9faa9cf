"""Only who owns a topic may tell it; what an administrator may read of an organisation's history.

Revision ID: 0019
Revises: 0018
"""

from __future__ import annotations

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_TELLS = {
    "munjigi_idp": ("session", "attempt", "organisation", "client"),
    "munjigi_worker": ("session", "attempt"),
    "munjigi_policy": ("policy",),
}
_SIGNS = {"munjigi_idp": "token", "munjigi_gateway": "assertion", "munjigi_policy": "policy"}
"""Whose key a `key` event may speak of."""
_TELL_NOTHING = "munjigi_commerce, munjigi_reservation, munjigi_audit"


def upgrade() -> None:
    # by policies, not by a trigger: a topic is compared with constants at each insert, and no function is called
    op.execute("ALTER TABLE events.outbox ENABLE ROW LEVEL SECURITY")
    for role, topics in _TELLS.items():
        op.execute(
            f"CREATE POLICY {role}_tells ON events.outbox FOR INSERT TO {role} "
            f"WITH CHECK (topic IN ({', '.join(repr(topic) for topic in topics)}))"
        )
    for role, purpose in _SIGNS.items():
        op.execute(
            f"CREATE POLICY {role}_tells_of_its_key ON events.outbox FOR INSERT TO {role} "
            f"WITH CHECK (topic = 'key' AND payload ->> 'purpose' = '{purpose}')"
        )
    op.execute("CREATE POLICY relay_reads ON events.outbox FOR SELECT TO munjigi_worker USING (true)")
    op.execute("CREATE POLICY relay_takes ON events.outbox FOR DELETE TO munjigi_worker USING (true)")
    op.execute(f"REVOKE INSERT ON events.outbox FROM {_TELL_NOTHING}")
    # what administrators see of an organisation's history: of the audit this kind alone, and only to read
    op.execute(
        """
        CREATE VIEW idp.organisation_change AS
        SELECT id, at, actor, subject AS organisation_id, details FROM audit.record WHERE kind = 'organisation_changed'
        """
    )
    op.execute("REVOKE ALL ON idp.organisation_change FROM munjigi_idp")
    op.execute("GRANT SELECT ON idp.organisation_change TO munjigi_idp")


def downgrade() -> None:
    op.execute("DROP VIEW idp.organisation_change")
    op.execute(f"GRANT INSERT ON events.outbox TO {_TELL_NOTHING}")
    for role in _SIGNS:
        op.execute(f"DROP POLICY {role}_tells_of_its_key ON events.outbox")
    for role in _TELLS:
        op.execute(f"DROP POLICY {role}_tells ON events.outbox")
    op.execute("DROP POLICY relay_takes ON events.outbox")
    op.execute("DROP POLICY relay_reads ON events.outbox")
    op.execute("ALTER TABLE events.outbox DISABLE ROW LEVEL SECURITY")
