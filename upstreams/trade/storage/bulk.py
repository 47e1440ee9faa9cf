"""Many rows in one statement: columns travel as arrays and are read as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

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
    """The same of a statement that is made once: each column a type, its values come as the parameter `all_column`."""
    return _named(name, columns, [array(f"all_{column}", kind) for column, kind in columns.items()])


def array(name: str, kind: Any) -> sa.BindParameter[Any]:
    """A parameter that is a list of values of a type."""
    return sa.bindparam(name, type_=ARRAY(kind, dimensions=1))


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
    """Inserts rows by the hundred: what all of them have alike is sent once, not as an array.

    The driver asks of each element of an array whether it is a list itself, which takes as long as to store it.
    """

    def __init__(self, table: sa.Table) -> None:
        self._table = table
        self._made: dict[tuple[tuple[str, ...], tuple[str, ...]], Statement] = {}

    async def put(self, tx: Transaction, **values: Any) -> None:
        """Insert rows, by the names of their columns: each a list of values, or one that all have. Nothing is sent
        for none."""
        each = {name: given for name, given in values.items() if isinstance(given, list)}
        if not all(each.values()):
            return
        alike = {name: given[0] for name, given in each.items() if given.count(given[0]) == len(given)}
        if len(alike) == len(each):
            alike.popitem()  # one column says how many rows there are
        each = {name: given for name, given in each.items() if name not in alike}
        same = {name: alike.get(name, given) for name, given in values.items() if name not in each}
        made = self._made.get(key := (tuple(each), tuple(same)))
        if made is None:
            made = self._made[key] = self._statement(*key)
        await made.rows(tx, **{f"all_{name}": given for name, given in (each | same).items()})

    def _statement(self, each: Sequence[str], same: Sequence[str]) -> Statement:
        columns = self._table.c
        source = given("source", {column: columns[column].type for column in each})
        alike = [sa.bindparam(f"all_{column}", type_=columns[column].type) for column in same]
        return Statement(sa.insert(self._table).from_select([*each, *same], sa.select(*source.c, *alike)))
