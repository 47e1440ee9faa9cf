"""Links of upstream accounts to people in PostgreSQL, and what else a person can begin to sign in by."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from config.connections import Transaction
from idp.federation.links import Link, WaysIn
from idp.storage.directory_tables import membership, passkey, password
from idp.storage.upstream_tables import upstream_link as table
from idp.storage.upstream_tables import upstream_provider


async def find(tx: Transaction, provider_id: UUID, subject: str) -> Link | None:
    """Whose an account is."""
    row = (await tx.execute(select(table).where(*_account(provider_id, subject)))).one_or_none()
    return Link(**row._mapping) if row is not None else None


async def of(tx: Transaction, user_id: UUID) -> list[Link]:
    """A person's, the oldest first."""
    query = select(table).where(table.c.user_id == user_id).order_by(table.c.linked_at, table.c.subject)
    return [Link(**row._mapping) for row in await tx.execute(query)]


async def add(tx: Transaction, link: Link) -> bool:
    """Keep one. False: the account is somebody's already."""
    values = {column.name: getattr(link, column.name) for column in table.c}
    added = await tx.execute(upsert(table).values(**values).on_conflict_do_nothing().returning(table.c.user_id))
    return added.one_or_none() is not None


async def used(tx: Transaction, link: Link, now: datetime) -> None:
    """It led somebody in."""
    await tx.execute(update(table).where(*_account(link.provider_id, link.subject)).values(last_used_at=now))


async def remove(tx: Transaction, user_id: UUID, provider_id: UUID, subject: str) -> bool:
    """Forget one of a person's. False: there is none."""
    removed = await tx.execute(
        delete(table).where(*_account(provider_id, subject), table.c.user_id == user_id).returning(table.c.user_id)
    )
    return removed.one_or_none() is not None


async def ways_in(tx: Transaction, user_id: UUID) -> WaysIn:
    """By what a person can begin to sign in."""
    links = (
        select(func.count())
        .select_from(table)
        .join(upstream_provider, upstream_provider.c.id == table.c.provider_id)
        .where(table.c.user_id == user_id, upstream_provider.c.enabled)
    )
    # one that may have been copied lets nobody in
    passkeys = (
        select(func.count())
        .select_from(passkey)
        .where(passkey.c.user_id == user_id, passkey.c.clone_suspected_at.is_(None))
    )
    query = select(
        select(password.c.user_id).where(password.c.user_id == user_id).exists(),
        passkeys.scalar_subquery(),
        links.scalar_subquery(),
    )
    has_password, passkeys_left, links_left = (await tx.execute(query)).one()
    return WaysIn(bool(has_password), int(passkeys_left), int(links_left))


async def organisations_of(tx: Transaction, user_id: UUID) -> frozenset[UUID]:
    """To which organisations a person belongs."""
    query = select(membership.c.organisation_id).where(membership.c.user_id == user_id)
    return frozenset((await tx.execute(query)).scalars())


def _account(provider_id: UUID, subject: str) -> tuple:  # type: ignore[type-arg] # as `where` takes it
    return table.c.provider_id == provider_id, table.c.subject == subject
