"""The console's role: it keeps nothing, and reads the keys by which it knows the gateway.

Revision ID: 0017
Revises: 0016
"""

from __future__ import annotations

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_ROLE = "munjigi_console"


def upgrade() -> None:
    op.execute(
        f"""
        DO $$ BEGIN
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{_ROLE}') THEN
                CREATE ROLE {_ROLE} LOGIN;
            END IF;
        END $$
        """
    )
    op.execute(f"GRANT USAGE ON SCHEMA jose TO {_ROLE}")
    op.execute(f"GRANT SELECT ON jose.public_key TO {_ROLE}")


def downgrade() -> None:
    op.execute(f"DROP OWNED BY {_ROLE}")
    op.execute(
        f"""
        DO $$ BEGIN
            DROP ROLE {_ROLE};
        EXCEPTION WHEN dependent_objects_still_exist THEN
            NULL; -- another database of this cluster still uses it
        END $$
        """
    )
