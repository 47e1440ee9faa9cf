"""Initial access tokens in PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, RowMapping, delete, exists, insert, literal, select, update

from config.connections import Transaction
from idp.clients.register import InitialAccessToken, Reach
from idp.storage.client_register import within
from idp.storage.directory_tables import organisation
from idp.storage.protocol_tables import initial_access_token as table


async def add(tx: Transaction, token: InitialAccessToken, digest: bytes) -> bool:
    """Keep one; False where there is no such organisation."""
    if token.organisation_id is not None:
        known = select(literal(True)).where(exists().where(organisation.c.id == token.organisation_id))
        if (await tx.execute(known)).one_or_none() is None:
            return False
    values = {name: getattr(token, name) for name in InitialAccessToken.__slots__}
    await tx.execute(insert(table).values(**values, token_hash=digest))
    return True


async def find(tx: Transaction, digest: bytes, now: datetime) -> InitialAccessToken | None:
    """One that is good; nothing is used of it."""
    row = (await tx.execute(select(table).where(*_good(digest, now)))).mappings().one_or_none()
    return _read(row) if row is not None else None


async def use(tx: Transaction, digest: bytes, now: datetime) -> InitialAccessToken | None:
    """Use one once; None where it is not good, or not any more. What is used up is forgotten when its time is over."""
    statement = update(table).where(*_good(digest, now)).values(uses_left=table.c.uses_left - 1).returning(table)
    row = (await tx.execute(statement)).mappings().one_or_none()
    return _read(row) if row is not None else None


async def page(
    tx: Transaction, reach: Reach, now: datetime, *, after: UUID | None, limit: int
) -> Sequence[InitialAccessToken]:
    """Those within reach that are good, by id, from behind `after`."""
    query = select(table).where(within(table.c.organisation_id, reach), table.c.expires_at > now, table.c.uses_left > 0)
    if after is not None:
        query = query.where(table.c.id > after)
    rows = await tx.execute(query.order_by(table.c.id).limit(limit))
    return [_read(row) for row in rows.mappings()]


async def revoke(tx: Transaction, reach: Reach, ident: UUID) -> InitialAccessToken | None:
    """Take one back; None where it is not within reach."""
    statement = delete(table).where(table.c.id == ident, within(table.c.organisation_id, reach)).returning(table)
    row = (await tx.execute(statement)).mappings().one_or_none()
    return _read(row) if row is not None else None


async def sweep(tx: Transaction, before: datetime) -> int:
    """Forget those whose time was over before a moment. Returns how many."""
    return (await tx.execute(delete(table).where(table.c.expires_at < before))).rowcount


def _good(digest: bytes, now: datetime) -> tuple[ColumnElement[bool], ...]:
    return table.c.token_hash == digest, table.c.uses_left > 0, table.c.expires_at > now


def _read(row: RowMapping) -> InitialAccessToken:
    return InitialAccessToken(**{name: row[name] for name in InitialAccessToken.__slots__})
