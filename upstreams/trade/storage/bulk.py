"""Many rows in one statement: columns travel as arrays and are read as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from config.connections import Transaction


def rows(name: str, columns: Mapping[str, tuple[Any, Sequence[Any]]]) -> sa.TableValuedAlias:
    """`unnest(…) AS name(columns)`: each column a type and as many values as the others have."""
    # with its dimensions known, the driver's elements are not looked at one by one
    arrays = [sa.literal(list(values), ARRAY(kind, dimensions=1)) for kind, values in columns.values()]
    named = [sa.column(column, kind) for column, (kind, _) in columns.items()]
    return sa.func.unnest(*arrays).table_valued(*named, name=name).render_derived()


async def insert(tx: Transaction, table: sa.Table, values: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows that all have the same columns. Nothing is sent for none."""
    if not values:
        return
    columns = {column: (table.c[column].type, [row[column] for row in values]) for column in values[0]}
    source = rows("source", columns)
    await tx.execute(sa.insert(table).from_select(list(columns), sa.select(*source.c)))
