"""The history as the risk of sign-ins reads it, and what was learned from it, in PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import bindparam, func, literal, literal_column, select, text, tuple_, union_all
from sqlalchemy.dialects.postgresql import insert

from config.connections import Transaction
from config.direct import Statement
from idp.devices.sign_in_history import GOT_IN, Cursor
from idp.devices.sign_in_learning import Lesson, Progress, nothing_learned
from idp.devices.sign_in_risk import Learned, Usual, seen_of
from idp.storage.account_tables import sign_in_history as history
from idp.storage.account_tables import sign_in_learning as table
from policy.risk.sign_in.features import Seen
from policy.risk.sign_in.half_space_trees import Forest
from policy.risk.sign_in.profile import REMEMBERED, Population

FAILED_WITHIN: Final = timedelta(hours=1)
FAILED_AT_MOST: Final = 20
_LEARNING: Final = 0x6D72736B
"""The advisory lock of the one who learns ("mrsk")."""
_SEEN = (
    history.c.at,
    func.host(history.c.ip).label("ip"),
    history.c.network,
    history.c.place,
    history.c.device_id,
    history.c.device_label,
    history.c.browser,
)
_THEIRS = history.c.user_id == bindparam("user_id", type_=history.c.user_id.type)
_BEFORE = history.c.at < bindparam("now", type_=history.c.at.type)
_IN = history.c.outcome.in_(sorted(GOT_IN))
_USUAL = Statement(
    union_all(
        select(*_SEEN, literal(False).label("failed"))
        .where(_THEIRS, _BEFORE, _IN)
        .order_by(history.c.at.desc(), history.c.id.desc())
        .limit(literal_column(str(REMEMBERED)))
        .subquery()
        .select(),
        select(*_SEEN, literal(True).label("failed"))
        .where(
            _THEIRS,
            _BEFORE,
            history.c.outcome == "failed",
            history.c.at >= bindparam("since", type_=history.c.at.type),
        )
        .limit(literal_column(str(FAILED_AT_MOST)))
        .subquery()
        .select(),
    )
)


async def usual(tx: Transaction, user_id: UUID, now: datetime) -> Usual:
    """What was usual for a person before a moment."""
    rows = await _USUAL.rows(tx, user_id=user_id, now=now, since=now - FAILED_WITHIN)
    return Usual([_seen(row) for row in rows if not row["failed"]], sum(1 for row in rows if row["failed"]))


async def learned(tx: Transaction) -> Learned | None:
    """What was learned of all; None: nothing yet."""
    row = (await tx.execute(select(table.c.population, table.c.forest))).one_or_none()
    return None if row is None else _learned(row)


async def claim(tx: Transaction) -> Progress | None:
    """What was learned and from which rows, locked until the transaction is over. None: another one learns."""
    if not await tx.scalar(text("SELECT pg_try_advisory_xact_lock(:lock)"), {"lock": _LEARNING}):
        return None
    row = (await tx.execute(select(table))).one_or_none()
    if row is None:
        return Progress(nothing_learned(), None)
    return Progress(_learned(row), Cursor(row.upto_at, row.upto_id))


async def lessons(tx: Transaction, after: Cursor | None, until: datetime, limit: int) -> Sequence[Lesson]:
    """The next sign-ins that got in, in order, each with what was usual until then."""
    query = (
        select(history.c.id, history.c.user_id, *_SEEN)
        .where(_IN, history.c.at <= until)
        .order_by(history.c.at, history.c.id)
        .limit(limit)
    )
    if after is not None:
        query = query.where(tuple_(history.c.at, history.c.id) > tuple_(after.at, after.id))
    found = (await tx.execute(query)).mappings().all()
    return [
        Lesson(Cursor(row["at"], row["id"]), _seen(row), await usual(tx, row["user_id"], row["at"])) for row in found
    ]


async def keep(tx: Transaction, progress: Progress, now: datetime) -> None:
    """What was learned now, in place of what was learned before."""
    assert progress.upto is not None
    values = {
        "population": msgspec.to_builtins(progress.learned.population),
        "forest": msgspec.msgpack.encode(progress.learned.forest),
        "upto_at": progress.upto.at,
        "upto_id": progress.upto.id,
        "learned_at": now,
    }
    statement = insert(table).values(alone=True, **values)
    await tx.execute(statement.on_conflict_do_update(index_elements=[table.c.alone], set_=values))


def _learned(row: Any) -> Learned:
    return Learned(msgspec.convert(row.population, Population), msgspec.msgpack.decode(row.forest, type=Forest))


def _seen(row: Any) -> Seen:
    return seen_of(
        at=row["at"],
        ip=row["ip"],
        network=row["network"],
        place=row["place"],
        device_id=row["device_id"],
        device_label=row["device_label"],
        browser=row["browser"],
    )
