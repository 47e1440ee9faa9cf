"""What a batch writes by the hundred is not looked up row by row: its parents are rows of the same transaction.

Revision ID: 0053
Revises: 0052
"""

from __future__ import annotations

from alembic import op

revision = "0053"
down_revision = "0052"
branch_labels = None
depends_on = None

# each of these costs a look-up, with a lock, for every row that is written; a batch makes parent and child together
FOREIGN = (
    ("hold_line", "hold_line_hold_fkey", "(hold) REFERENCES reservation.hold"),
    ("hold_line", "hold_line_sku_warehouse_fkey", "(sku, warehouse) REFERENCES reservation.stock"),
    ("reservation", "reservation_id_fkey", "(id) REFERENCES reservation.request"),
    ("reservation", "reservation_hold_fkey", "(hold) REFERENCES reservation.hold"),
    ("reservation_event", "reservation_event_reservation_fkey", "(reservation) REFERENCES reservation.reservation"),
)


def upgrade() -> None:
    for table, name, _ in FOREIGN:
        op.execute(f"ALTER TABLE reservation.{table} DROP CONSTRAINT {name}")


def downgrade() -> None:
    for table, name, columns in FOREIGN:
        op.execute(f"ALTER TABLE reservation.{table} ADD CONSTRAINT {name} FOREIGN KEY {columns}")
