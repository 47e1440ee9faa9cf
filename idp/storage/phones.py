"""Numbers of people in PostgreSQL: sealed, and found by a blind index."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from config.connections import Transaction
from idp.factors.phone_number import Phone
from idp.storage.phone_tables import phone as table


async def phone(tx: Transaction, user_id: UUID) -> Phone | None:
    """The number that a person has proven."""
    query = select(table).where(table.c.user_id == user_id, table.c.confirmed_at.is_not(None))
    row = (await tx.execute(query)).one_or_none()
    return Phone(**row._mapping) if row is not None else None


async def pending_phone(tx: Transaction, user_id: UUID) -> Phone | None:
    """The one that they are about to prove."""
    query = select(table).where(table.c.user_id == user_id, table.c.confirmed_at.is_(None))
    row = (await tx.execute(query)).one_or_none()
    return Phone(**row._mapping) if row is not None else None


async def begin_phone(tx: Transaction, phone: Phone) -> None:
    """Keep a new number, unproven, in place of an earlier unproven one."""
    values = {column.name: getattr(phone, column.name) for column in table.c}
    changing = {name: value for name, value in values.items() if name != "user_id"}
    await tx.execute(
        insert(table)
        .values(**values)
        .on_conflict_do_update(index_elements=["user_id"], index_where=table.c.confirmed_at.is_(None), set_=changing)
    )


async def confirm_phone(tx: Transaction, phone: Phone, now: datetime) -> None:
    """It is proven, and takes the place of the one that the person had."""
    await tx.execute(delete(table).where(table.c.user_id == phone.user_id, table.c.confirmed_at.is_not(None)))
    await tx.execute(update(table).where(table.c.id == phone.id).values(confirmed_at=now))


async def remove_phone(tx: Transaction, user_id: UUID, phone_id: UUID) -> bool:
    """Forget a person's number, and the one that they were about to prove. False where there is none."""
    removed = await tx.execute(delete(table).where(table.c.user_id == user_id).returning(table.c.id))
    return phone_id in removed.scalars().all()


async def others_with(tx: Transaction, user_id: UUID, number_index: bytes) -> int:
    """How many other people have proven this number."""
    query = select(func.count()).where(
        table.c.number_index == number_index, table.c.confirmed_at.is_not(None), table.c.user_id != user_id
    )
    return int((await tx.execute(query)).scalar_one())


async def sweep_pending(tx: Transaction, before: datetime) -> int:
    """Forget numbers that nobody proved since a moment. Returns how many."""
    gone = delete(table).where(table.c.confirmed_at.is_(None), table.c.created_at <= before)
    return (await tx.execute(gone)).rowcount
