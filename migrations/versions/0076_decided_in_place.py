"""A decision writes less: what waits has a table of its own, and a request bears the number of the event it ended in.

Revision ID: 0076
Revises: 0074
"""

from __future__ import annotations

from alembic import op

revision = "0076"
down_revision = "0074"
branch_labels = None
depends_on = None

UP = (
    # whoever decides a request takes its row away, which touches no index; `request` changes in place then
    """
    CREATE TABLE reservation.waiting (
        request uuid PRIMARY KEY,
        arrival bigint NOT NULL,
        shard smallint NOT NULL CHECK (shard >= 0),
        person uuid NOT NULL,
        requested_at timestamptz NOT NULL,
        enqueued_at timestamptz NOT NULL
    ) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000,
            autovacuum_vacuum_insert_threshold = -1)
    """,
    "INSERT INTO reservation.waiting SELECT id, arrival, shard, person, requested_at, enqueued_at "
    "FROM reservation.request WHERE state = 'queued'",
    "DROP INDEX reservation.request_queued",
    "ALTER TABLE reservation.request ADD COLUMN event bigint, DROP COLUMN enqueued_at, SET (fillfactor = 50)",
    "COMMENT ON COLUMN reservation.request.event IS "
    "'number of its decision among the events of reservation.result, which has no row for it'",
    "GRANT USAGE ON SEQUENCE reservation.result_id_seq TO munjigi_reservation",
    # a hold bears the id of its reservation; whose it is stands in the request
    "ALTER TABLE reservation.reservation DROP CONSTRAINT reservation_hold_key, "
    "ADD CONSTRAINT held_by_its_own_id CHECK (hold = id)",
    "DROP INDEX reservation.reservation_of",
)
DOWN = (
    "CREATE INDEX reservation_of ON reservation.reservation (person, reserved_at DESC)",
    "ALTER TABLE reservation.reservation DROP CONSTRAINT held_by_its_own_id, "
    "ADD CONSTRAINT reservation_hold_key UNIQUE (hold)",
    "REVOKE USAGE ON SEQUENCE reservation.result_id_seq FROM munjigi_reservation",
    # the events that decisions are become rows again
    """
    INSERT INTO reservation.result (id, person, reservation, kind, body, told, at) OVERRIDING SYSTEM VALUE
    SELECT r.event, r.person, r.id, CASE r.state WHEN 'granted' THEN 'held' ELSE 'refused' END,
           CASE r.state WHEN 'granted' THEN jsonb_build_object('state', 'PENDING', 'expires_at', h.expires_at)
                        ELSE jsonb_build_object('state', 'REFUSED', 'refusal', r.refusal) END,
           true, r.decided_at
    FROM reservation.request r LEFT JOIN reservation.hold h ON h.id = r.id WHERE r.event IS NOT NULL
    """,
    "ALTER TABLE reservation.request RESET (fillfactor), DROP COLUMN event, ADD COLUMN enqueued_at timestamptz",
    "UPDATE reservation.request r SET enqueued_at = coalesce("
    "(SELECT w.enqueued_at FROM reservation.waiting w WHERE w.request = r.id), requested_at)",
    "ALTER TABLE reservation.request ALTER COLUMN enqueued_at SET NOT NULL",
    "CREATE INDEX request_queued ON reservation.request (shard, arrival) WHERE state = 'queued'",
    "DROP TABLE reservation.waiting",
)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
