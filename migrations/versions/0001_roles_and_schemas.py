"""Roles and schemas: one of each per service, and who may reach whose.

Revision ID: 0001
Revises:
"""

from __future__ import annotations

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SCHEMAS = ("jose", "events", "audit", "idp", "policy", "gateway", "commerce", "reservation")
ROLES = ("idp", "gateway", "policy", "commerce", "reservation", "worker", "audit")


def upgrade() -> None:
    for role in ROLES:
        # roles belong to the whole cluster, so another database of ours may have made them already
        op.execute(
            f"""
            DO $$ BEGIN
                IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'munjigi_{role}') THEN
                    CREATE ROLE munjigi_{role} LOGIN;
                END IF;
            END $$
            """
        )
    op.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
    for schema in SCHEMAS:
        op.execute(f"CREATE SCHEMA {schema}")
    for role in ROLES:
        if role in SCHEMAS and role != "audit":
            op.execute(f"GRANT USAGE ON SCHEMA {role} TO munjigi_{role}")
            op.execute(
                f"ALTER DEFAULT PRIVILEGES IN SCHEMA {role} "
                f"GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO munjigi_{role}"
            )
            op.execute(f"ALTER DEFAULT PRIVILEGES IN SCHEMA {role} GRANT USAGE ON SEQUENCES TO munjigi_{role}")
        op.execute(f"GRANT USAGE ON SCHEMA jose, events, audit TO munjigi_{role}")


def downgrade() -> None:
    for schema in reversed(SCHEMAS):
        op.execute(f"DROP SCHEMA {schema} CASCADE")
    for role in ROLES:
        op.execute(f"DROP OWNED BY munjigi_{role}")
        op.execute(
            f"""
            DO $$ BEGIN
                DROP ROLE munjigi_{role};
            EXCEPTION WHEN dependent_objects_still_exist THEN
                NULL; -- another database of this cluster still uses it
            END $$
            """
        )
