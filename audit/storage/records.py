"""Reading `audit.record` by ranges of transactions that are over, so that sealing needs nothing of the writers.

A row carries the number of its transaction. Every transaction below a snapshot's xmin has committed or is gone for
good, so the rows of a range below it can neither grow nor shrink: no number is skipped, whatever the order of commits,
and no writer waits for another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
from sqlalchemy import text

from config.connections import Transaction

_HORIZON = text("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
_IN_RANGE = "transaction >= CAST(CAST(:first AS text) AS xid8) AND transaction < CAST(CAST(:last AS text) AS xid8)"
_FIRST = text(f"SELECT min(transaction)::text::bigint FROM audit.record WHERE {_IN_RANGE}")  # noqa: S608 - constants
_BOUND = text(
    f"SELECT transaction::text::bigint FROM audit.record WHERE {_IN_RANGE} "  # noqa: S608 - constants
    "ORDER BY transaction, id OFFSET :most LIMIT 1"
)
_ROWS = text(
    f"""
    SELECT id, transaction::text::bigint AS transaction, (extract(epoch FROM at) * 1000000)::bigint AS at,
        kind, actor, subject, sid, host(ip) AS ip, details::text AS details, correlation_id
    FROM audit.record WHERE {_IN_RANGE} ORDER BY transaction, id
    """  # noqa: S608 - constants
)


@dataclass(frozen=True, slots=True)
class RecordRow:
    """One row: its number, and the bytes that are hashed for it."""

    id: int
    content: bytes


class ClusterChanged(Exception):
    """Transactions are numbered anew, below what is sealed: the database was restored as a copy (docs: restore)."""


async def next_range(tx: Transaction, first: int, most: int) -> tuple[int, int] | None:
    """The next range `first` <= transaction < `last` of finished rows, about `most`; None where there are none."""
    horizon: int = (await tx.execute(_HORIZON)).scalar_one()
    if horizon < first:
        raise ClusterChanged
    limits = {"first": str(first), "last": str(horizon)}
    begins: int | None = (await tx.execute(_FIRST, limits)).scalar_one()
    if begins is None:
        return None
    bound: int | None = (await tx.execute(_BOUND, {**limits, "most": most})).scalar_one_or_none()
    if bound is None:
        return first, horizon
    return first, max(bound, begins + 1)


async def rows(tx: Transaction, first: int, last: int) -> Sequence[RecordRow]:
    """The rows of a range, in order of transaction and id."""
    found = await tx.execute(_ROWS, {"first": str(first), "last": str(last)})
    return [RecordRow(row.id, msgspec.json.encode(tuple(row))) for row in found]
