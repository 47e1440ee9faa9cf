"""The life of a product: what entering a state does, versions that stay as they are, teams, and when it is to begin.

Revision ID: 0081
Revises: 0080
"""

from __future__ import annotations

from alembic import op

revision = "0081"
down_revision = "0080"
branch_labels = None
depends_on = None

UP = (
    # what a state does to whoever enters it stands in its row, so that one which an administrator adds can do it too
    """
    ALTER TABLE commerce.product_state
        ADD COLUMN on_entry text NOT NULL DEFAULT 'nothing' CHECK (on_entry IN ('nothing', 'version', 'launch', 'end')),
        ADD COLUMN shipped boolean NOT NULL DEFAULT false
    """,
    "UPDATE commerce.product_state SET shipped = true",
    "UPDATE commerce.product_state SET on_entry = 'version' WHERE code = 'ready'",
    "UPDATE commerce.product_state SET on_entry = 'launch' WHERE code = 'on_sale'",
    "UPDATE commerce.product_state SET on_entry = 'end' WHERE code = 'discontinued'",
    "ALTER TABLE commerce.product ADD COLUMN planned_launch_at timestamptz, ADD COLUMN launch_due_at timestamptz",
    "COMMENT ON COLUMN commerce.product.planned_launch_at IS 'what a delay is counted from'",
    "COMMENT ON COLUMN commerce.product.launch_due_at IS 'when a worker launches it by itself; NULL: somebody does'",
    "CREATE INDEX product_launch_due ON commerce.product (launch_due_at) WHERE launch_due_at IS NOT NULL",
    """
    CREATE TABLE commerce.product_version (
        id uuid PRIMARY KEY,
        product uuid NOT NULL REFERENCES commerce.product,
        number text NOT NULL CHECK (number ~ '^[0-9]{1,4}([.][0-9]{1,4}){0,3}$'),
        description text NOT NULL,
        snapshot jsonb NOT NULL CHECK (jsonb_typeof(snapshot) = 'object'),
        created_at timestamptz NOT NULL,
        created_by uuid,
        released_at timestamptz,
        UNIQUE (product, number)
    )
    """,
    "CREATE INDEX product_version_of ON commerce.product_version (product, created_at DESC)",
    # a version is written once, and released once
    "REVOKE UPDATE, DELETE, TRUNCATE ON commerce.product_version FROM munjigi_commerce",
    "GRANT UPDATE (released_at) ON commerce.product_version TO munjigi_commerce",
    """
    CREATE TABLE commerce.team_member (
        id uuid PRIMARY KEY,
        person uuid UNIQUE,
        name text NOT NULL CHECK (name <> ''),
        role text NOT NULL,
        contact bytea,
        active boolean NOT NULL DEFAULT true,
        created_at timestamptz NOT NULL
    )
    """,
    "COMMENT ON COLUMN commerce.team_member.contact IS 'sealed by the envelope, context commerce.team'",
    """
    CREATE TABLE commerce.product_team (
        id uuid PRIMARY KEY,
        product uuid NOT NULL REFERENCES commerce.product,
        member uuid NOT NULL REFERENCES commerce.team_member,
        role text NOT NULL CHECK (role <> ''),
        assigned_on date NOT NULL,
        until date,
        CHECK (until >= assigned_on)
    )
    """,
    "CREATE UNIQUE INDEX one_role_at_a_time ON commerce.product_team (product, member, role) WHERE until IS NULL",
    "CREATE INDEX product_team_of ON commerce.product_team (product, assigned_on)",
    "CREATE INDEX product_team_member ON commerce.product_team (member)",
)

DOWN = (
    "DROP TABLE commerce.product_team",
    "DROP TABLE commerce.team_member",
    "DROP TABLE commerce.product_version",
    "ALTER TABLE commerce.product DROP COLUMN launch_due_at, DROP COLUMN planned_launch_at",
    "ALTER TABLE commerce.product_state DROP COLUMN shipped, DROP COLUMN on_entry",
)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
