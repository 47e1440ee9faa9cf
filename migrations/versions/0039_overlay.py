"""What stands above the policy for a time: elevations and measures, and which incidents were answered by one.

Revision ID: 0039
Revises: 0036
"""

from __future__ import annotations

from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None

_UP = (
    "CREATE SEQUENCE policy.overlay_change",
    """
    CREATE TABLE policy.elevation (
        id uuid PRIMARY KEY,
        sub text NOT NULL CHECK (sub <> ''),
        organisation text NOT NULL,
        role text NOT NULL CHECK (role <> ''),
        reason text NOT NULL CHECK (reason <> ''),
        seconds integer NOT NULL CHECK (seconds >= 60),
        state text NOT NULL CHECK (state IN ('asked', 'approved', 'refused', 'withdrawn', 'ended', 'expired')),
        asked_at timestamptz NOT NULL,
        decided_by text NOT NULL DEFAULT '',
        decided_why text NOT NULL DEFAULT '',
        starts_at timestamptz,
        ends_at timestamptz,
        ended_by text NOT NULL DEFAULT '',
        ended_why text NOT NULL DEFAULT '',
        changed bigint NOT NULL DEFAULT nextval('policy.overlay_change'),
        CHECK (decided_by <> sub),
        CHECK (state NOT IN ('approved', 'ended') OR (decided_by <> '' AND starts_at < ends_at + interval '1 second')),
        CHECK (ends_at <= starts_at + make_interval(secs => seconds))
    )
    """,
    "COMMENT ON COLUMN policy.elevation.state IS "
    "'approved with a past ends_at, and asked more than a day ago, are over without anybody writing it'",
    "CREATE UNIQUE INDEX elevation_asked_once ON policy.elevation (sub, organisation, role) WHERE state = 'asked'",
    "CREATE INDEX elevation_in_force ON policy.elevation (ends_at) WHERE state = 'approved'",
    "CREATE INDEX elevation_listed ON policy.elevation (asked_at, id)",
    """
    CREATE TABLE policy.measure (
        id uuid PRIMARY KEY,
        kind text NOT NULL CHECK (kind IN ('person', 'device', 'address', 'country', 'organisation')),
        value text NOT NULL CHECK (value <> ''),
        effect text NOT NULL CHECK (effect IN ('deny', 'shrink', 'step_up', 'risk')),
        points integer NOT NULL CHECK (points BETWEEN 0 AND 100),
        obligations text[] NOT NULL,
        why text NOT NULL CHECK (why <> ''),
        "by" text NOT NULL CHECK ("by" <> ''),
        at timestamptz NOT NULL,
        until timestamptz NOT NULL CHECK (until > at),
        lifted_at timestamptz,
        lifted_by text NOT NULL DEFAULT '',
        lifted_why text NOT NULL DEFAULT '',
        changed bigint NOT NULL DEFAULT nextval('policy.overlay_change'),
        CHECK (until <= at + interval '30 days'),
        CHECK ((lifted_at IS NULL) = (lifted_by = ''))
    )
    """,
    "CREATE INDEX measure_in_force ON policy.measure (until) WHERE lifted_at IS NULL",
    "CREATE INDEX measure_listed ON policy.measure (at, id)",
    "CREATE TABLE policy.answered_incident (record bigint PRIMARY KEY, at timestamptz NOT NULL)",
    "COMMENT ON TABLE policy.answered_incident IS 'records of the audit that automatic responses have looked at'",
    # what was asked, granted and ordered is never taken away, and says for good who it was
    "REVOKE UPDATE, DELETE ON policy.elevation, policy.measure FROM munjigi_policy",
    "GRANT UPDATE (state, decided_by, decided_why, starts_at, ends_at, ended_by, ended_why, changed) "
    "ON policy.elevation TO munjigi_policy",
    "GRANT UPDATE (lifted_at, lifted_by, lifted_why, changed) ON policy.measure TO munjigi_policy",
    "GRANT SELECT (id, sub, organisation, role, state, ends_at, changed) ON policy.elevation TO munjigi_gateway",
    "GRANT SELECT (id, kind, value, effect, points, obligations, at, until, lifted_at, changed) "
    "ON policy.measure TO munjigi_gateway",
    """
    CREATE VIEW policy.incident AS
        SELECT record.id, record.at, record.kind, record.subject, record.details,
               host(record.ip) AS address, session.device_id::text AS device
        FROM audit.record LEFT JOIN idp.session ON session.sid = record.sid
        WHERE record.kind IN (
            'account_locked', 'refresh_reused', 'code_replayed', 'remembered_stolen', 'signal_received', 'throttled',
            'rate_exceeded'
        )
    """,
    "COMMENT ON VIEW policy.incident IS 'what automatic responses may read of the audit: these kinds alone'",
    """
    CREATE VIEW policy.administrator AS
        SELECT member.user_id::text AS sub, member.organisation_id::text AS organisation
        FROM idp.membership AS member JOIN idp.user_account AS person ON person.id = member.user_id
        WHERE person.state = 'active' AND 'administrator' = ANY (member.roles)
    """,
    "COMMENT ON VIEW policy.administrator IS 'who may sign in and administer what: nobody locks out the last of them'",
    "REVOKE ALL ON policy.incident, policy.administrator FROM munjigi_policy",
    "GRANT SELECT ON policy.incident, policy.administrator TO munjigi_policy",
    "CREATE POLICY munjigi_policy_tells_of_overlay ON events.outbox FOR INSERT TO munjigi_policy "
    "WITH CHECK (topic IN ('elevation', 'measure'))",
)
_DOWN = (
    "DROP POLICY munjigi_policy_tells_of_overlay ON events.outbox",
    "DROP VIEW policy.administrator",
    "DROP VIEW policy.incident",
    "DROP TABLE policy.answered_incident",
    "DROP TABLE policy.measure",
    "DROP TABLE policy.elevation",
    "DROP SEQUENCE policy.overlay_change",
)


def upgrade() -> None:
    for statement in _UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in _DOWN:
        op.execute(statement)
