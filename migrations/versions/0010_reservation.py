"""Reservation: what can be reserved, its stock, requests in order of arrival, holds, reservations, cancellations.

Revision ID: 0010
Revises: 0009
"""

from __future__ import annotations

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    CREATE TABLE reservation.sku (
        code text PRIMARY KEY CHECK (code ~ '^[A-Z0-9][A-Z0-9-]{1,39}$'),
        product uuid NOT NULL,
        name jsonb NOT NULL CHECK (jsonb_typeof(name) = 'object'),
        starts_at timestamptz,
        ends_at timestamptz,
        currency char(3) NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
        price bigint NOT NULL CHECK (price >= 0),
        limit_per_request integer NOT NULL DEFAULT 10 CHECK (limit_per_request > 0),
        active boolean NOT NULL DEFAULT true,
        CHECK (ends_at IS NULL OR ends_at > starts_at)
    )
    """,
    """
    CREATE TABLE reservation.warehouse (
        code text PRIMARY KEY CHECK (code ~ '^[a-z0-9][a-z0-9-]{0,39}$'),
        name jsonb NOT NULL
    )
    """,
    """
    CREATE TABLE reservation.stock (
        sku text NOT NULL REFERENCES reservation.sku,
        warehouse text NOT NULL REFERENCES reservation.warehouse,
        on_hand integer NOT NULL DEFAULT 0 CHECK (on_hand >= 0),
        held integer NOT NULL DEFAULT 0 CHECK (held >= 0),
        allocated integer NOT NULL DEFAULT 0 CHECK (allocated >= 0),
        version bigint NOT NULL DEFAULT 0,
        PRIMARY KEY (sku, warehouse),
        CONSTRAINT never_oversold CHECK (held + allocated <= on_hand)
    ) WITH (fillfactor = 70)
    """,
    """
    CREATE TABLE reservation.stock_movement (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        sku text NOT NULL,
        warehouse text NOT NULL,
        kind text NOT NULL CHECK (kind IN
            ('receive', 'adjust', 'hold', 'release', 'expire', 'confirm', 'allocate', 'cancel', 'ship', 'return')),
        cause text NOT NULL,
        on_hand integer NOT NULL DEFAULT 0,
        held integer NOT NULL DEFAULT 0,
        allocated integer NOT NULL DEFAULT 0,
        at timestamptz NOT NULL,
        FOREIGN KEY (sku, warehouse) REFERENCES reservation.stock,
        CONSTRAINT one_movement_per_cause UNIQUE (cause, kind, sku, warehouse)
    )
    """,
    "CREATE INDEX stock_movement_of ON reservation.stock_movement (sku, warehouse, id)",
    """
    CREATE TABLE reservation.hold (
        id uuid PRIMARY KEY,
        person uuid NOT NULL,
        state text NOT NULL CHECK (state IN ('held', 'confirmed', 'released', 'expired')),
        created_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL,
        ended_at timestamptz,
        CHECK ((state = 'held') = (ended_at IS NULL)),
        CHECK (expires_at > created_at)
    )
    """,
    "CREATE INDEX hold_to_expire ON reservation.hold (expires_at) WHERE state = 'held'",
    """
    CREATE TABLE reservation.hold_line (
        hold uuid NOT NULL REFERENCES reservation.hold,
        sku text NOT NULL,
        warehouse text NOT NULL,
        quantity integer NOT NULL CHECK (quantity > 0),
        PRIMARY KEY (hold, sku, warehouse),
        FOREIGN KEY (sku, warehouse) REFERENCES reservation.stock
    )
    """,
    # what was asked for: `arrival` is the order in which requests are served
    """
    CREATE TABLE reservation.request (
        id uuid PRIMARY KEY,
        arrival bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
        person uuid NOT NULL,
        organisation uuid,
        shard smallint NOT NULL CHECK (shard >= 0),
        state text NOT NULL CHECK (state IN ('queued', 'granted', 'refused', 'dead')),
        refusal text,
        currency char(3) NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
        requested_at timestamptz NOT NULL,
        enqueued_at timestamptz NOT NULL,
        decided_at timestamptz,
        acknowledged_at timestamptz,
        CHECK ((state = 'queued') = (decided_at IS NULL)),
        CHECK ((state IN ('refused', 'dead')) = (refusal IS NOT NULL))
    )
    """,
    "CREATE INDEX request_queued ON reservation.request (shard, arrival) WHERE state = 'queued'",
    "CREATE INDEX request_of ON reservation.request (person, arrival DESC)",
    """
    CREATE TABLE reservation.request_line (
        request uuid NOT NULL REFERENCES reservation.request,
        sku text NOT NULL REFERENCES reservation.sku,
        quantity integer NOT NULL CHECK (quantity > 0),
        unit_price bigint NOT NULL CHECK (unit_price >= 0),
        PRIMARY KEY (request, sku)
    )
    """,
    "CREATE INDEX request_line_of_sku ON reservation.request_line (sku)",
    # what was granted: a reservation bears the id of its request
    """
    CREATE TABLE reservation.reservation (
        id uuid PRIMARY KEY REFERENCES reservation.request,
        person uuid NOT NULL,
        hold uuid NOT NULL UNIQUE REFERENCES reservation.hold,
        state text NOT NULL CHECK (state IN ('PENDING', 'CONFIRMED', 'CANCELLED', 'REFUNDED', 'EXPIRED')),
        reserved_at timestamptz NOT NULL,
        version bigint NOT NULL DEFAULT 1
    )
    """,
    "CREATE INDEX reservation_of ON reservation.reservation (person, reserved_at DESC)",
    """
    CREATE TABLE reservation.reservation_event (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        reservation uuid NOT NULL REFERENCES reservation.reservation,
        from_state text,
        to_state text NOT NULL,
        actor uuid,
        at timestamptz NOT NULL
    )
    """,
    "CREATE INDEX reservation_event_of ON reservation.reservation_event (reservation, id)",
    """
    CREATE TABLE reservation.cancellation (
        id uuid PRIMARY KEY,
        reservation uuid NOT NULL REFERENCES reservation.reservation,
        person uuid NOT NULL,
        reason text NOT NULL CHECK (length(reason) <= 500),
        cancelled_at timestamptz NOT NULL
    )
    """,
    "CREATE INDEX cancellation_of ON reservation.cancellation (reservation)",
    """
    CREATE TABLE reservation.cancellation_line (
        cancellation uuid NOT NULL REFERENCES reservation.cancellation,
        sku text NOT NULL,
        warehouse text NOT NULL,
        quantity integer NOT NULL CHECK (quantity > 0),
        PRIMARY KEY (cancellation, sku, warehouse),
        FOREIGN KEY (sku, warehouse) REFERENCES reservation.stock
    )
    """,
    """
    CREATE TABLE reservation.idempotency (
        person uuid NOT NULL,
        key text NOT NULL CHECK (length(key) BETWEEN 1 AND 64),
        digest bytea NOT NULL CHECK (octet_length(digest) = 32),
        result uuid,
        refusal text,
        at timestamptz NOT NULL,
        PRIMARY KEY (person, key),
        CHECK (result IS NULL OR refusal IS NULL)
    )
    """,
    "CREATE INDEX idempotency_age ON reservation.idempotency (at)",
    "REVOKE UPDATE, DELETE, TRUNCATE ON reservation.stock_movement, reservation.reservation_event "
    "FROM munjigi_reservation",
)

TABLES = (
    "idempotency", "cancellation_line", "cancellation", "reservation_event", "reservation", "request_line", "request",
    "hold_line", "hold", "stock_movement", "stock", "warehouse", "sku",
)  # fmt: skip


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    for table in TABLES:
        op.execute(f"DROP TABLE reservation.{table}")
