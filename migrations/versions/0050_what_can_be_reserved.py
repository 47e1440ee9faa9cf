"""What can be reserved besides counted things: unique seats, and resources over time; shares of one person.

Revision ID: 0050
Revises: 0047
"""

from __future__ import annotations

from alembic import op

revision = "0050"
down_revision = "0047"
branch_labels = None
depends_on = None

UP = (
    # `number` stands for a thing in the exclusion constraint below, which needs a range; no extension is needed then
    """
    ALTER TABLE reservation.sku
        ADD COLUMN number bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
        ADD COLUMN kind text NOT NULL DEFAULT 'counted' CHECK (kind IN ('counted', 'seated', 'resource')),
        ADD COLUMN limit_per_person integer CHECK (limit_per_person > 0),
        ADD COLUMN unit_minutes integer CHECK (unit_minutes > 0),
        ADD CONSTRAINT a_resource_is_let_by_the_unit CHECK ((kind = 'resource') = (unit_minutes IS NOT NULL))
    """,
    "CREATE INDEX sku_of_product ON reservation.sku (product, starts_at)",
    "ALTER TABLE reservation.request_line ADD COLUMN seats text[], ADD COLUMN during tstzrange",
    # what was given back of a line is counted beside it: never more than was kept, however often it is asked
    *(
        f"ALTER TABLE {schema}.hold_line ADD COLUMN given_back integer NOT NULL DEFAULT 0 "
        "CHECK (given_back BETWEEN 0 AND quantity)"
        for schema in ("commerce", "reservation")
    ),
    # one row a seat: it has one holder or none
    """
    CREATE TABLE reservation.seat (
        sku text NOT NULL REFERENCES reservation.sku,
        label text NOT NULL CHECK (label ~ '^[A-Za-z0-9가-힣][A-Za-z0-9가-힣 .-]{0,19}$'),
        place integer NOT NULL,
        hold uuid REFERENCES reservation.hold,
        PRIMARY KEY (sku, label),
        UNIQUE (sku, place)
    )
    """,
    "CREATE INDEX seat_free ON reservation.seat (sku, place) WHERE hold IS NULL",
    "CREATE INDEX seat_held ON reservation.seat (hold) WHERE hold IS NOT NULL",
    """
    CREATE TABLE reservation.hold_seat (
        hold uuid NOT NULL REFERENCES reservation.hold,
        sku text NOT NULL,
        label text NOT NULL,
        PRIMARY KEY (hold, sku, label),
        FOREIGN KEY (sku, label) REFERENCES reservation.seat
    )
    """,
    """
    CREATE TABLE reservation.booking (
        hold uuid NOT NULL REFERENCES reservation.hold,
        sku text NOT NULL REFERENCES reservation.sku,
        resource bigint NOT NULL REFERENCES reservation.sku (number),
        during tstzrange NOT NULL,
        quantity integer NOT NULL CHECK (quantity > 0),
        active boolean NOT NULL DEFAULT true,
        PRIMARY KEY (hold, sku),
        CHECK (NOT isempty(during) AND lower_inc(during) AND NOT upper_inc(during)
               AND NOT lower_inf(during) AND NOT upper_inf(during)),
        CONSTRAINT never_at_the_same_time
            EXCLUDE USING gist (int8range(resource, resource, '[]') WITH &&, during WITH &&) WHERE (active)
    )
    """,
    "REVOKE UPDATE, DELETE, TRUNCATE ON reservation.hold_seat FROM munjigi_reservation",
)

DOWN = (
    "DROP TABLE reservation.booking",
    "DROP TABLE reservation.hold_seat",
    "DROP TABLE reservation.seat",
    *(f"ALTER TABLE {schema}.hold_line DROP COLUMN given_back" for schema in ("reservation", "commerce")),
    "ALTER TABLE reservation.request_line DROP COLUMN seats, DROP COLUMN during",
    "DROP INDEX reservation.sku_of_product",
    """
    ALTER TABLE reservation.sku
        DROP CONSTRAINT a_resource_is_let_by_the_unit,
        DROP COLUMN unit_minutes, DROP COLUMN limit_per_person, DROP COLUMN kind, DROP COLUMN number
    """,
)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
