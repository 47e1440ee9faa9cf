"""Many rows in one statement: columns travel as arrays and are read as a table.

A statement that is made once takes its arrays as PostgreSQL writes them (`{1,2,3}`): the driver, given a list, asks of
each element whether it is a list itself, and that takes longer than all that the database does with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from config.connections import Transaction
from config.direct import Statement


def rows(name: str, columns: Mapping[str, tuple[Any, Sequence[Any]]]) -> sa.TableValuedAlias:
    """`unnest(…) AS name(columns)`: each column a type and as many values as the others have."""
    # with its dimensions known, the driver's elements are not looked at one by one
    arrays = [sa.literal(list(values), ARRAY(kind, dimensions=1)) for kind, values in columns.values()]
    return _named(name, {column: kind for column, (kind, _) in columns.items()}, arrays)


def given(name: str, columns: Mapping[str, Any]) -> sa.TableValuedAlias:
    """The same of a statement that is made once: each column a type, its values come as the parameter `all_column`,
    as `listed` or `quoted` write them."""
    # joined to it, a table is looked up by its key, row by row: how many there will be is not guessed from the values
    sent = {column: sa.bindparam(f"all_{column}", type_=sa.Text) for column in columns}
    arrays = [sa.cast(sent[column], ARRAY(kind, dimensions=1)) for column, kind in columns.items()]
    return _named(name, columns, arrays)


def listed(values: Iterable[UUID | int]) -> str:
    """Numbers or UUIDs as an array."""
    return f"{{{','.join(map(str, values))}}}"


def quoted(values: Iterable[str | datetime | None]) -> str:
    """Texts or moments as an array."""
    known: dict[str | datetime | None, str] = {None: "NULL"}  # few of them differ
    written = []
    for value in values:
        text = known.get(value)
        if text is None:
            inner = str(value).replace("\\", "\\\\").replace('"', '\\"')
            text = known[value] = f'"{inner}"'
        written.append(text)
    return f"{{{','.join(written)}}}"


def _named(name: str, columns: Mapping[str, Any], arrays: Sequence[sa.ColumnElement[Any]]) -> sa.TableValuedAlias:
    named = [sa.column(column, kind) for column, kind in columns.items()]
    return sa.func.unnest(*arrays).table_valued(*named, name=name).render_derived()


async def insert(tx: Transaction, table: sa.Table, values: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows that all have the same columns. Nothing is sent for none."""
    if not values:
        return
    columns = {column: (table.c[column].type, [row[column] for row in values]) for column in values[0]}
    source = rows("source", columns)
    await tx.execute(sa.insert(table).from_select(list(columns), sa.select(*source.c)))


class Insertion:
    """A statement that inserts rows: values for `each` column as an array, and one for all rows of the `same` ones."""

    def __init__(self, table: sa.Table, each: Sequence[str], same: Sequence[str] = ()) -> None:
        source = given("source", {column: table.c[column].type for column in each})
        alike = [sa.bindparam(f"all_{column}", type_=table.c[column].type) for column in same]
        self._statement = Statement(sa.insert(table).from_select([*each, *same], sa.select(*source.c, *alike)))

    async def put(self, tx: Transaction, **values: Any) -> None:
        """Insert rows, by the names of their columns."""
        await self._statement.rows(tx, **{f"all_{column}": given for column, given in values.items()})
