"""Approvals, and the history that only grows, in PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, insert, select

from config.connections import Transaction
from policy.approvals import Approval
from policy.history import Deed, Entry
from policy.storage.tables import approval, history, version

_WRITES = (Deed.DRAFTED.value, Deed.EDITED.value)


class ReleaseRecords:
    """`policy.approvals.Approvals`, `policy.history.History`, and what `policy.drafts` keeps of approvals."""

    async def approvals(self, tx: Transaction, number: int) -> Sequence[Approval]:
        columns = (approval.c.who, approval.c.why, approval.c.at, approval.c.sha256)
        query = select(*columns).where(approval.c.version == number).order_by(approval.c.at, approval.c.who)
        return [Approval(**row._mapping) for row in await tx.execute(query)]

    async def authors(self, tx: Transaction, number: int) -> frozenset[str]:
        first = select(version.c.author).where(version.c.number == number)
        all_others = select(history.c.who).where(history.c.version == number, history.c.act.in_(_WRITES))
        return frozenset((await tx.execute(first.union(all_others))).scalars())

    async def approve(self, tx: Transaction, number: int, given: Approval) -> None:
        await self.retract(tx, number, given.who)
        await tx.execute(
            insert(approval).values(version=number, who=given.who, why=given.why, at=given.at, sha256=given.sha256)
        )

    async def retract(self, tx: Transaction, number: int, who: str) -> bool:
        mine = delete(approval).where(approval.c.version == number, approval.c.who == who)
        return bool((await tx.execute(mine.returning(approval.c.who))).all())

    async def note(self, tx: Transaction, entry: Entry) -> None:
        await tx.execute(
            insert(history).values(
                at=entry.at,
                act=entry.act.value,
                version=entry.version,
                sha256=entry.sha256,
                who=entry.who,
                why=entry.why,
                details=dict(entry.details),
            )
        )

    async def entries(self, tx: Transaction, *, before: int, limit: int) -> Sequence[Entry]:
        query = select(history).where(history.c.id < before).order_by(history.c.id.desc()).limit(limit)
        return [Entry(**{**row._mapping, "act": Deed(row.act)}) for row in await tx.execute(query)]
