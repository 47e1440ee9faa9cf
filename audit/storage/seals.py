"""Segments and their chain in PostgreSQL. One entry follows another under a lock that only sealers take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ARRAY, Text, any_, cast, func, insert, select, text

from audit.chain import GENESIS, Segment, entry_hash
from audit.storage.tables import chain, segment
from config.connections import Transaction

_LOCK = 0x6D756E6A69676902
_SEGMENT_COLUMNS = [
    segment.c[name] for name in ("kind", "name", "first", "last", "records", "torn", "root", "sealed_at")
]


@dataclass(frozen=True, slots=True)
class Entry:
    """One link of the chain with its segment, as stored."""

    position: int
    previous: bytes
    hash: bytes
    segment: Segment
    leaves: bytes | None


async def lock(tx: Transaction) -> None:
    """Be the one sealer until `tx` ends; writers of records know nothing of it."""
    await tx.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})


async def enter(tx: Transaction, sealed: Segment, leaves: bytes | None) -> int:
    """Add a segment to the end of the chain; answers its position. `lock` first."""
    newest = (
        await tx.execute(select(chain.c.position, chain.c.hash).order_by(chain.c.position.desc()).limit(1))
    ).one_or_none()
    position, previous = (newest.position + 1, newest.hash) if newest else (1, GENESIS)
    values = {column.name: getattr(sealed, column.name) for column in _SEGMENT_COLUMNS}
    await tx.execute(insert(segment).values(**values, leaves=leaves))
    # the name is unique; a role that may not update needs no RETURNING to find the number
    segment_id = (await tx.execute(select(segment.c.id).where(segment.c.name == sealed.name))).scalar_one()
    await tx.execute(
        insert(chain).values(
            position=position,
            segment_id=segment_id,
            previous=previous,
            hash=entry_hash(position, previous, sealed),
        )
    )
    return position


async def sealed_names(tx: Transaction, names: Sequence[str]) -> set[str]:
    """Which of these segments are in the chain."""
    found = await tx.execute(select(segment.c.name).where(segment.c.name == any_(cast(list(names), ARRAY(Text)))))
    return set(found.scalars())


async def sealed_up_to(tx: Transaction) -> int:
    """The transaction at which the next range of records begins."""
    found = await tx.execute(select(func.max(segment.c.last)).where(segment.c.kind == "records"))
    return int(found.scalar_one() or 0)


async def entries(tx: Transaction, after: int, most: int) -> list[Entry]:
    """Links in order of position, from `after` on, not including it."""
    found = await tx.execute(
        select(chain.c.position, chain.c.previous, chain.c.hash, *_SEGMENT_COLUMNS, segment.c.leaves)
        .join_from(chain, segment, chain.c.segment_id == segment.c.id)
        .where(chain.c.position > after)
        .order_by(chain.c.position)
        .limit(most)
    )
    return [
        Entry(
            row.position,
            row.previous,
            row.hash,
            Segment(**{column.name: getattr(row, column.name) for column in _SEGMENT_COLUMNS}),
            row.leaves,
        )
        for row in found
    ]
