"""Who of a batch of imported people may be removed again, and who not: in PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import delete, func, select, text, update

from config.connections import Transaction
from idp.importing.batch import Batch
from idp.storage.directory_tables import login_name, user_account
from idp.storage.import_tables import import_batch, imported_person


async def undoable(tx: Transaction, batch: Batch, after: int, most: int) -> tuple[int, Sequence[UUID], int]:
    """Of the next people of a batch: their last line (0: there are none), who may be removed, held against any change,
    and how many may not."""
    page = (
        select(imported_person.c.user_id, imported_person.c.line)
        .where(imported_person.c.batch_id == batch.id, imported_person.c.line > after)
        .order_by(imported_person.c.line)
        .limit(most)
    )
    rows = (await tx.execute(page)).all()
    if not rows:
        return 0, (), 0
    ids = [row.user_id for row in rows]
    # locked as whoever begins a session locks them: what is asked then stays so until the end of the transaction
    held = select(user_account.c.id).where(user_account.c.id == func.any(ids)).order_by(user_account.c.id)
    await tx.execute(held.with_for_update())
    reasons = await _reasons(tx, batch, ids)
    return rows[-1].line, [ident for ident in ids if ident not in reasons], len(reasons)


async def remove(tx: Transaction, batch: UUID, ids: Sequence[UUID]) -> None:
    """Forget people whom `undoable` named."""
    if ids:
        for table in ("sign_in_history", "notice_setting"):
            await tx.execute(text(f"DELETE FROM idp.{table} WHERE user_id = ANY(:ids)"), {"ids": list(ids)})  # noqa: S608 - names of ours
        await tx.execute(delete(user_account).where(user_account.c.id == func.any(list(ids))))
    raised = import_batch.c.removed + len(ids)
    await tx.execute(update(import_batch).where(import_batch.c.id == batch).values(removed=raised))


async def why_left(tx: Transaction, batch: Batch, most: int) -> Sequence[tuple[int, str, str]]:
    """People of a batch who cannot be removed: line, login name, why."""
    query = (
        select(imported_person.c.user_id, imported_person.c.line, func.min(login_name.c.name).label("name"))
        .outerjoin(login_name, login_name.c.user_id == imported_person.c.user_id)
        .where(imported_person.c.batch_id == batch.id)
        .group_by(imported_person.c.user_id, imported_person.c.line)
        .order_by(imported_person.c.line)
        .limit(most)
    )
    rows = (await tx.execute(query)).all()
    reasons = await _reasons(tx, batch, [row.user_id for row in rows])
    return [(row.line, row.name or "", reasons.get(row.user_id, "not yet removed")) for row in rows]


_REASONS = text(
    """
    SELECT account.id,
        CASE
            WHEN EXISTS (SELECT 1 FROM idp.session WHERE user_id = account.id)
                OR EXISTS (SELECT 1 FROM idp.device WHERE user_id = account.id AND sign_ins > 0)
                OR EXISTS (SELECT 1 FROM idp.sign_in_history
                           WHERE user_id = account.id AND outcome IN ('signed_in', 'taken_over'))
                THEN 'has signed in'
            WHEN EXISTS (SELECT 1 FROM idp.password WHERE user_id = account.id AND changed_at <> account.created_at)
                OR EXISTS (SELECT 1 FROM idp.passkey WHERE user_id = account.id)
                OR EXISTS (SELECT 1 FROM idp.totp WHERE user_id = account.id AND confirmed_at IS NOT NULL)
                OR EXISTS (SELECT 1 FROM idp.upstream_link WHERE user_id = account.id)
                THEN 'has a way to sign in that was not imported'
            WHEN EXISTS (SELECT 1 FROM idp.membership
                         WHERE user_id = account.id AND organisation_id <> CAST(:organisation AS uuid))
                THEN 'belongs to another organisation, too'
            WHEN EXISTS (SELECT 1 FROM idp.membership
                         WHERE user_id = account.id AND 'administrator' = ANY(roles))
                THEN 'is an administrator by now'
        END AS reason
    FROM idp.user_account AS account WHERE account.id = ANY(CAST(:ids AS uuid[]))
    """
)


async def _reasons(tx: Transaction, batch: Batch, ids: Sequence[UUID]) -> Mapping[UUID, str]:
    """Why people cannot be removed, of those who cannot."""
    rows = await tx.execute(_REASONS, {"ids": list(ids), "organisation": batch.source.organisation_id})
    return {row.id: row.reason for row in rows if row.reason is not None}
