"""The map of the customer's entities says only what the database has, and leaves none of their fields out."""

from __future__ import annotations

import re
from collections.abc import Callable

from sqlalchemy import text

from cli.services import PROJECT
from config.connections import Database
from config.sections.engines import Role

PAGE = (PROJECT / "docs" / "reservation-data.md").read_text(encoding="utf-8")
COLUMN = re.compile(r"`([a-z_]+)\.([a-z_]+)`")
DRAWN = {
    "Inventory": {"id", "name", "available_quantity", "version"},
    "Reservation": {
        *("id", "user_id", "inventory_id", "reserved_quantity", "status", "created_at"),
        *("ReservationID", "ProductID", "ReservationDate", "CustomerID", "Quantity"),
    },
    "Cancellation": {"id", "reservation_id", "cancellation_reason", "cancelled_at"},
    "User": {"id", "name", "email"},
}
"""As the source draws them, in the case of many to many and in the whole."""


def test_every_field_that_is_drawn_has_a_row() -> None:
    for entity, fields in DRAWN.items():
        part = PAGE.split(f"## {entity}\n")[1].split("\n## ")[0]
        named = {
            name for row in re.findall(r"^\| (`[^|]+) \|", part, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)
        }
        assert fields - named == set(), entity


async def test_every_column_that_is_named_is_there(database: Callable[[Role], Database]) -> None:
    named = {
        ("idp" if table == "user_account" else "reservation", table, column) for table, column in COLUMN.findall(PAGE)
    }
    async with database("owner").connect() as tx:
        rows = await tx.execute(text("SELECT table_schema, table_name, column_name FROM information_schema.columns"))
        there = {tuple(row) for row in rows}
    assert named - there == set()
    assert len(named) > 30
