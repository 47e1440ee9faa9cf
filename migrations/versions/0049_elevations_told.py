"""Elevations: who said yes, by name; what becomes of them is told to their people, and they administer for their time.

Revision ID: 0049
Revises: 0048
"""

from __future__ import annotations

from alembic import op

revision = "0049"
down_revision = "0048"
branch_labels = None
depends_on = None

_UP = (
    "ALTER TABLE policy.elevation ADD COLUMN decided_by_name text NOT NULL DEFAULT ''",
    "COMMENT ON COLUMN policy.elevation.decided_by_name IS 'as they were called then, for whoever asked'",
    "GRANT UPDATE (decided_by_name) ON policy.elevation TO munjigi_policy",
    """
    CREATE VIEW policy.elevation_news AS
        SELECT id, sub, organisation, role, state, decided_by_name, decided_why, ended_by, asked_at, ends_at
        FROM policy.elevation
        WHERE state IN ('approved', 'refused', 'ended')
    """,
    "COMMENT ON VIEW policy.elevation_news IS 'what people are told of, and who administers for a time'",
    "REVOKE ALL ON policy.elevation_news FROM munjigi_policy",
    "GRANT USAGE ON SCHEMA policy TO munjigi_idp, munjigi_worker",
    "GRANT SELECT ON policy.elevation_news TO munjigi_idp, munjigi_worker",
    """
    CREATE TABLE idp.told_elevation (
        elevation uuid NOT NULL,
        told text NOT NULL CHECK (told IN ('granted', 'refused', 'over')),
        at timestamptz NOT NULL,
        PRIMARY KEY (elevation, told)
    )
    """,
    "COMMENT ON TABLE idp.told_elevation IS 'each is told once'",
    """
    INSERT INTO idp.told_elevation (elevation, told, at)
        SELECT id, CASE WHEN state = 'refused' THEN 'refused' WHEN state = 'approved' AND ends_at > now() THEN 'granted'
                        ELSE 'over' END, now()
        FROM policy.elevation_news
    """,
    "CREATE INDEX told_elevation_forgotten ON idp.told_elevation (at)",
    "GRANT SELECT, INSERT, DELETE ON idp.told_elevation TO munjigi_worker",
)
_DOWN = (
    "DROP TABLE idp.told_elevation",
    "DROP VIEW policy.elevation_news",
    "REVOKE USAGE ON SCHEMA policy FROM munjigi_idp, munjigi_worker",
    "ALTER TABLE policy.elevation DROP COLUMN decided_by_name",
)


def upgrade() -> None:
    for statement in _UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in _DOWN:
        op.execute(statement)
