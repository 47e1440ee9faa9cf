"""People of a batch that is all or nothing, until it is sure of all of them: in PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select, update

from config.connections import Transaction
from idp.importing.batch import Batch, Counts, Ready
from idp.importing.person import Candidate
from idp.storage import imports
from idp.storage.directory_tables import login_name
from idp.storage.import_tables import import_batch, import_staged

_COLUMNS = (
    "batch_id", "line", "user_id", "name", "display_name", "email", "email_verified", "locale", "state", "roles",
    "hash", "checksum",
)  # fmt: skip


async def stage(tx: Transaction, batch: Batch, people: Sequence[Ready], counts: Counts, now: datetime) -> None:
    """Have people wait, and keep how far the batch is."""
    await imports.keep(tx, batch, (), counts, now)
    rows = (
        (
            batch.id,
            one.person.line,
            one.person.user_id,
            one.person.login_name,
            one.person.display_name,
            one.person.email,
            one.person.email_verified,
            one.person.locale,
            one.person.state,
            list(one.person.roles),
            one.password_hash,
            one.person.checksum,
        )
        for one in people
    )
    driver: Any = (await tx.get_raw_connection()).driver_connection
    await driver.copy_records_to_table("import_staged", schema_name="idp", columns=_COLUMNS, records=rows)


async def earlier(tx: Transaction, batch: UUID, people: Sequence[Candidate]) -> Mapping[str, bytes]:
    """Who of these waits already: by their name, the checksum."""
    names = [one.login_name for one in people]
    query = select(import_staged.c.name, import_staged.c.checksum).where(
        import_staged.c.batch_id == batch, import_staged.c.name == func.any(names)
    )
    return {row.name: row.checksum for row in await tx.execute(query)}


async def taken(tx: Transaction, batch: UUID, most: int) -> Sequence[tuple[int, str]]:
    """Whose names somebody has meanwhile: line and name."""
    query = (
        select(import_staged.c.line, import_staged.c.name)
        .join(login_name, login_name.c.name == import_staged.c.name)
        .where(import_staged.c.batch_id == batch)
        .order_by(import_staged.c.line)
        .limit(most)
    )
    return [(row.line, row.name) for row in await tx.execute(query)]


async def land(tx: Transaction, batch: UUID) -> bool:
    """From now on nothing is looked at any more: everybody comes in. False: the batch was not running."""
    turned = update(import_batch).where(import_batch.c.id == batch, import_batch.c.state == "running")
    return bool((await tx.execute(turned.values(state="landing"))).rowcount)


async def next(tx: Transaction, batch: UUID, most: int) -> Sequence[Ready]:  # noqa: A001 - as its protocol has it
    """Take the next ones off it, in the order of the file."""
    first = (
        select(import_staged.c.line)
        .where(import_staged.c.batch_id == batch)
        .order_by(import_staged.c.line)
        .limit(most)
        .subquery()
    )
    last = await tx.scalar(select(func.max(first.c.line)))
    if last is None:
        return ()
    gone = delete(import_staged).where(import_staged.c.batch_id == batch, import_staged.c.line <= last)
    rows = sorted(await tx.execute(gone.returning(import_staged)), key=lambda row: row.line)
    return [
        Ready(
            Candidate(
                line=row.line,
                user_id=row.user_id,
                login_name=row.name,
                display_name=row.display_name,
                email=row.email,
                email_verified=row.email_verified,
                locale=row.locale,
                state=row.state,
                roles=row.roles,
                secret=None,
                checksum=row.checksum,
            ),
            row.hash,
        )
        for row in rows
    ]


async def empty(tx: Transaction, batch: UUID) -> None:
    """Forget whoever waits."""
    await tx.execute(delete(import_staged).where(import_staged.c.batch_id == batch))


async def left_landing(tx: Transaction) -> Sequence[UUID]:
    """Batches that land, or did so when something interrupted them."""
    return (await tx.execute(select(import_batch.c.id).where(import_batch.c.state == "landing"))).scalars().all()
