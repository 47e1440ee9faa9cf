"""Batches of imported people in PostgreSQL.

People are written a thousand at once, by one statement (`idp.keep_imported`): each transaction is short, since the
relay tells nothing that was committed after the oldest one that still runs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, exists, func, insert, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from config.connections import Transaction
from idp.importing.batch import FAULTS_KEPT, Batch, Compared, Counts, Known, Ready, Source
from idp.storage.directory_tables import login_name, membership, password, user_account
from idp.storage.import_tables import import_batch, import_fault, imported_person

_GATE = 0x6D6A_696D_706F_7274
"""Who begins a batch holds this advisory lock, so that two runs of one source are one batch."""
_KEEP = (
    f"SELECT idp.keep_imported({', '.join(f'${number}' for number in range(1, 15))}), "
    "set_config('synchronous_commit', 'off', true)"  # lost by a crash, it is brought again: so is how far the batch was
)
_UNDER_WAY = ("running", "landing")


async def begin(tx: Transaction, ident: UUID, source: Source, who: str, why: str, now: datetime) -> Batch:
    """The batch of this source that is under way, or a new one."""
    await tx.execute(select(func.pg_advisory_xact_lock(_GATE)))
    running = select(import_batch).where(*_of_source(source), import_batch.c.state.in_(_UNDER_WAY)).limit(1)
    row = (await tx.execute(running)).one_or_none()
    if row is None:
        made = insert(import_batch).values(
            id=ident,
            organisation_id=source.organisation_id,
            file_name=source.file_name,
            file_size=source.file_size,
            file_digest=source.file_digest,
            format=source.format,
            options=dict(source.options),
            state="running",
            who=who,
            why=why,
            started_at=now,
            **_columns(Counts()),
            removed=0,
        )
        row = (await tx.execute(made.returning(import_batch))).one()
    return _batch(row)


async def hold(tx: Transaction, batch: UUID) -> bool:
    """Become the one run of a batch, for as long as this connection lives. False: another is."""
    return bool(await tx.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": batch.int >> 65}))


async def finish(tx: Transaction, batch: UUID, now: datetime) -> bool:
    """It is at its end. False, and forgotten: it brought nothing that an earlier one of its source did not."""
    found = await find(tx, batch, claim=True)
    assert found is not None
    counts = found.counts
    if not counts.created:
        twin = exists().where(*_of_source(found.source), import_batch.c.state == "finished")
        if await tx.scalar(select(twin)):
            await tx.execute(delete(import_batch).where(import_batch.c.id == batch))
            return False
    await tx.execute(update(import_batch).where(import_batch.c.id == batch).values(state="finished", ended_at=now))
    return True


async def find(tx: Transaction, batch: UUID, *, claim: bool = False) -> Batch | None:
    """One; `claim`: nobody else changes it before the transaction is over."""
    query = select(import_batch).where(import_batch.c.id == batch)
    row = (await tx.execute(query.with_for_update() if claim else query)).one_or_none()
    return _batch(row) if row is not None else None


async def of_file(tx: Transaction, digest: bytes) -> Batch | None:
    """The newest batch of a file that was not undone."""
    query = (
        select(import_batch)
        .where(import_batch.c.file_digest == digest, import_batch.c.state != "undone")
        .order_by(import_batch.c.started_at.desc())
        .limit(1)
    )
    row = (await tx.execute(query)).one_or_none()
    return _batch(row) if row is not None else None


async def batches(
    tx: Transaction, organisations: Collection[UUID] | None, *, before: tuple[datetime, UUID] | None, limit: int
) -> Sequence[Batch]:
    """Batches of some organisations, or of all, the newest first."""
    query = select(import_batch).order_by(import_batch.c.started_at.desc(), import_batch.c.id.desc()).limit(limit)
    if organisations is not None:
        query = query.where(import_batch.c.organisation_id.in_(organisations))
    if before is not None:
        at, ident = before
        older = import_batch.c.started_at < at
        query = query.where(or_(older, (import_batch.c.started_at == at) & (import_batch.c.id < ident)))
    return [_batch(row) for row in await tx.execute(query)]


async def faults(tx: Transaction, batch: UUID, after: int, limit: int) -> Sequence[tuple[int, str]]:
    """What is wrong with lines behind one."""
    query = (
        select(import_fault.c.line, import_fault.c.what)
        .where(import_fault.c.batch_id == batch, import_fault.c.line > after)
        .order_by(import_fault.c.line)
        .limit(limit)
    )
    return [(row.line, row.what) for row in await tx.execute(query)]


async def known(tx: Transaction, names: Sequence[str], ids: Sequence[UUID]) -> Mapping[str, Known]:
    """Who has these names; and, by an empty name, whether somebody else has one of these ids."""
    query = (
        select(login_name.c.name, login_name.c.user_id, imported_person.c.checksum)
        .outerjoin(imported_person, imported_person.c.user_id == login_name.c.user_id)
        .where(login_name.c.name == func.any(list(names)))
    )
    found = {row.name: Known(row.user_id, row.checksum) for row in await tx.execute(query)}
    there = set((await tx.execute(select(user_account.c.id).where(user_account.c.id == func.any(list(ids))))).scalars())
    for ident in there - {one.user_id for one in found.values()}:  # they go by another name by now
        found[f"\0{ident}"] = Known(ident, None)
    return found


async def keep(tx: Transaction, batch: Batch, people: Sequence[Ready], counts: Counts, now: datetime) -> None:
    """Keep people, and how far the batch is."""
    await tx.execute(update(import_batch).where(import_batch.c.id == batch.id).values(**_columns(counts)))
    if not people:
        return
    driver: Any = (await tx.get_raw_connection()).driver_connection
    whoever = [one.person for one in people]
    await driver.execute(
        _KEEP,
        batch.id,
        batch.source.organisation_id,
        now,
        [one.user_id for one in whoever],
        [one.login_name for one in whoever],
        [one.display_name for one in whoever],
        [one.email for one in whoever],
        [one.email_verified for one in whoever],
        [one.locale for one in whoever],
        [one.state == "locked" for one in whoever],
        [" ".join(one.roles) for one in whoever],
        [one.password_hash for one in people],
        [one.line for one in whoever],
        [one.checksum for one in whoever],
    )


async def keep_faults(tx: Transaction, batch: UUID, faults: Sequence[tuple[int, str]]) -> None:
    """Keep what is wrong with lines, the first `FAULTS_KEPT` of them."""
    if not faults:
        return
    kept = await tx.scalar(select(func.count()).where(import_fault.c.batch_id == batch))
    fitting = faults[: max(0, FAULTS_KEPT - (kept or 0))]
    if fitting:
        rows = [{"batch_id": batch, "line": line, "what": what} for line, what in fitting]
        await tx.execute(upsert(import_fault).on_conflict_do_nothing(), rows)


async def stored(tx: Transaction, ids: Sequence[UUID]) -> Mapping[UUID, Compared]:
    """People who were imported, to compare them with a file."""
    query = (
        select(
            imported_person.c.user_id,
            imported_person.c.checksum,
            imported_person.c.batch_id,
            login_name.c.name.label("login_name"),
            user_account.c.display_name,
            user_account.c.email,
            user_account.c.state,
            membership.c.roles,
            password.c.hash.label("password_hash"),
        )
        .join(user_account, user_account.c.id == imported_person.c.user_id)
        .join(import_batch, import_batch.c.id == imported_person.c.batch_id)
        .outerjoin(login_name, login_name.c.user_id == user_account.c.id)
        .outerjoin(
            membership,
            (membership.c.user_id == user_account.c.id)
            & (membership.c.organisation_id == import_batch.c.organisation_id),
        )
        .outerjoin(password, password.c.user_id == user_account.c.id)
        .where(imported_person.c.user_id == func.any(list(ids)))
    )
    found = {}
    for row in await tx.execute(query):
        found[row.user_id] = Compared(**{name: value for name, value in row._mapping.items() if name != "user_id"})
    return found


async def count(tx: Transaction, batch: UUID) -> int:
    """How many people of a batch are there."""
    return await tx.scalar(select(func.count()).where(imported_person.c.batch_id == batch)) or 0


async def undone(tx: Transaction, batch: UUID, now: datetime) -> None:
    """Nobody of it is left who could be removed."""
    await tx.execute(update(import_batch).where(import_batch.c.id == batch).values(state="undone", undone_at=now))


def _of_source(source: Source) -> tuple[Any, ...]:
    return (
        import_batch.c.organisation_id == source.organisation_id,
        import_batch.c.file_digest == source.file_digest,
        import_batch.c.format == source.format,
        import_batch.c.options == dict(source.options),
    )


def _columns(counts: Counts) -> dict[str, object]:
    return {
        "read": counts.read,
        "created": counts.created,
        "unchanged": counts.unchanged,
        "refused": counts.refused,
        "passwords": counts.as_document(),
    }


def _batch(row: Row[Any]) -> Batch:
    passwords = {(scheme, how): number for scheme, lies in row.passwords.items() for how, number in lies.items()}
    return Batch(
        id=row.id,
        source=Source(
            organisation_id=row.organisation_id,
            file_name=row.file_name,
            file_size=row.file_size,
            file_digest=row.file_digest,
            format=row.format,
            options=row.options,
        ),
        state=row.state,
        who=row.who,
        why=row.why,
        counts=Counts(row.read, row.created, row.unchanged, row.refused, Counter(passwords)),
        removed=row.removed,
        started_at=row.started_at,
        ended_at=row.ended_at,
        undone_at=row.undone_at,
    )
