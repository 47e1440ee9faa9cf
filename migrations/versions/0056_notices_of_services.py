"""Services behind the gateway may have people told: by mail without knowing the address, and by the event stream.

Revision ID: 0056
Revises: 0055
"""

from __future__ import annotations

from alembic import op

revision = "0056"
down_revision = "0055"
branch_labels = None
depends_on = None

_PUT = "id, kind, user_id, locale, sealed, next_attempt_at, created_at, expires_at, correlation_id"
_KINDS = {"munjigi_reservation": "reservation", "munjigi_commerce": "order"}
"""With which word the kinds of a service's notices begin."""
_ALL = ("munjigi_notifications", "munjigi_idp")
_PUTS_ANY = "munjigi_worker"
"""Sweeps for the identity provider and has people told; it reads none."""
_TELLS = {"munjigi_reservation": "reservation"}


def upgrade() -> None:
    op.execute(
        "CREATE VIEW idp.addressee AS SELECT id AS user_id, email, display_name AS name, locale "
        "FROM idp.user_account WHERE email IS NOT NULL"
    )
    op.execute("COMMENT ON VIEW idp.addressee IS 'where mail reaches people, for whoever delivers it and nobody else'")
    op.execute("REVOKE ALL ON idp.addressee FROM munjigi_idp")
    op.execute("GRANT SELECT ON idp.addressee TO munjigi_notifications")
    # a service queues notices of its own kinds, and reads none
    op.execute("ALTER TABLE notifications.message ENABLE ROW LEVEL SECURITY")
    for role in _ALL:
        op.execute(f"CREATE POLICY {role}_all ON notifications.message TO {role} USING (true) WITH CHECK (true)")
    op.execute(f"CREATE POLICY {_PUTS_ANY}_puts ON notifications.message FOR INSERT TO {_PUTS_ANY} WITH CHECK (true)")
    for role, word in _KINDS.items():
        op.execute(f"GRANT USAGE ON SCHEMA notifications TO {role}")
        op.execute(f"GRANT INSERT ({_PUT}) ON notifications.message TO {role}")
        op.execute(
            f"CREATE POLICY {role}_puts ON notifications.message FOR INSERT TO {role} "
            f"WITH CHECK (kind LIKE '{word}\\_%')"
        )
    for role, topic in _TELLS.items():
        op.execute(f"GRANT INSERT ON events.outbox TO {role}")
        op.execute(f"CREATE POLICY {role}_tells ON events.outbox FOR INSERT TO {role} WITH CHECK (topic = '{topic}')")


def downgrade() -> None:
    for role in _TELLS:
        op.execute(f"DROP POLICY {role}_tells ON events.outbox")
        op.execute(f"REVOKE INSERT ON events.outbox FROM {role}")
    for role in _KINDS:
        op.execute(f"DROP POLICY {role}_puts ON notifications.message")
        op.execute(f"REVOKE INSERT ({_PUT}) ON notifications.message FROM {role}")
        op.execute(f"REVOKE USAGE ON SCHEMA notifications FROM {role}")
    op.execute(f"DROP POLICY {_PUTS_ANY}_puts ON notifications.message")
    for role in _ALL:
        op.execute(f"DROP POLICY {role}_all ON notifications.message")
    op.execute("ALTER TABLE notifications.message DISABLE ROW LEVEL SECURITY")
    op.execute("DROP VIEW idp.addressee")
