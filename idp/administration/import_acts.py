"""What administrators see of imports into their organisations, and how they take them out again."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from audit.trail import Kind
from config.clock import Clock
from config.connections import Database, Transaction
from config.problem import Problem
from idp.administration import problems
from idp.administration.import_documents import (
    ImportEntry,
    ImportFault,
    ImportFaultList,
    ImportList,
    Undone,
    UndoRequest,
)
from idp.administration.page import Page
from idp.administration.record import record
from idp.administration.scope import Administrator, EntryCursor
from idp.importing.batch import Batch, Batches, Removals
from idp.importing.importer import undo_some


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportActs:
    """Lists and shows batches, and undoes them."""

    database: Database
    clock: Clock
    batches: Batches
    removals: Removals

    async def list(self, who: Administrator, page: Page) -> ImportList:
        """Those into the caller's organisations, the newest first."""
        before = page.cursor(EntryCursor.decode)
        async with self.database.connect() as tx:
            found = await self.batches.batches(tx, who.organisations, before=before, limit=page.limit + 1)
        shown, following = page.cut(found, lambda one: EntryCursor(one.started_at, one.id).encode())
        return ImportList(tuple(_entry(one) for one in shown), following)

    async def show(self, who: Administrator, batch_id: UUID) -> ImportEntry:
        """One."""
        async with self.database.connect() as tx:
            return _entry(await self._found(tx, who, batch_id))

    async def faults(self, who: Administrator, batch_id: UUID, page: Page) -> ImportFaultList:
        """What is wrong with lines of its file."""
        if page.after and not (page.after.isascii() and page.after.isdigit() and len(page.after) < 16):
            raise Problem(problems.NOT_UNDERSTOOD, "after: `next` of the page before is expected")
        async with self.database.connect() as tx:
            await self._found(tx, who, batch_id)
            found = await self.batches.faults(tx, batch_id, int(page.after or 0), page.limit + 1)
        shown = tuple(ImportFault(line, what) for line, what in found[: page.limit])
        return ImportFaultList(shown, str(shown[-1].line) if len(found) > page.limit else None)

    async def undo(self, who: Administrator, batch_id: UUID, asked: UndoRequest) -> Undone:
        """Remove the next people of a batch who never signed in."""
        async with self.database.begin() as tx:
            batch = await self._found(tx, who, batch_id, claim=True)
            if batch.state in ("running", "landing"):
                raise Problem(problems.IMPORT_RUNS)
            removed, left, following = await undo_some(
                tx, self.batches, self.removals, batch, asked.after, self.clock.now()
            )
            details = {"why": asked.why, "removed": removed, "left": left, "behind_line": asked.after}
            await record(tx, who, Kind.PEOPLE_IMPORT_UNDONE, str(batch_id), details)
        return Undone(removed, left, following)

    async def _found(self, tx: Transaction, who: Administrator, batch_id: UUID, *, claim: bool = False) -> Batch:
        found = await self.batches.find(tx, batch_id, claim=claim)
        if found is None or found.source.organisation_id not in who.organisations:
            raise Problem(problems.NOT_FOUND)
        return found


def _entry(batch: Batch) -> ImportEntry:
    source, counts = batch.source, batch.counts
    return ImportEntry(
        id=batch.id,
        organisation_id=source.organisation_id,
        file=source.file_name,
        size=source.file_size,
        sha256=source.file_digest.hex(),
        format=source.format,
        state=batch.state,
        who=batch.who,
        why=batch.why,
        read=counts.read,
        created=counts.created,
        unchanged=counts.unchanged,
        refused=counts.refused,
        removed=batch.removed,
        passwords=counts.as_document(),
        started_at=batch.started_at,
        ended_at=batch.ended_at,
        undone_at=batch.undone_at,
    )
