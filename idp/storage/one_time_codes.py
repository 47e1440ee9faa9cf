"""Codes by mail in PostgreSQL (S7: what mints a right is consumed there)."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert

from config.connections import Transaction
from idp.factors.one_time_code import MailedCode
from idp.storage.takeover_tables import one_time_code as table


async def mailed_code(tx: Transaction, login_id: UUID) -> MailedCode | None:
    """The code that a login was last sent, locked until the transaction is over."""
    row = (await tx.execute(select(table).where(table.c.login_id == login_id).with_for_update())).one_or_none()
    return MailedCode(**row._mapping) if row is not None else None


async def put_code(tx: Transaction, code: MailedCode) -> bool:
    """Keep a code in place of the one before. False where another transaction sent one of as many sends first."""
    values = {column.name: getattr(code, column.name) for column in table.c}
    changing = {name: value for name, value in values.items() if name != "login_id"}
    kept = await tx.execute(
        insert(table)
        .values(**values)
        .on_conflict_do_update(index_elements=[table.c.login_id], set_=changing, where=table.c.sends < code.sends)
        .returning(table.c.login_id)
    )
    return kept.one_or_none() is not None


async def count_wrong(tx: Transaction, login_id: UUID) -> None:
    """A wrong code was given."""
    await tx.execute(update(table).where(table.c.login_id == login_id).values(wrong=table.c.wrong + 1))


async def consume_code(tx: Transaction, code: MailedCode) -> bool:
    """Use a code up. True once, for exactly one of many at once."""
    consumed = await tx.execute(
        delete(table)
        .where(table.c.login_id == code.login_id, table.c.digest == code.digest)
        .returning(table.c.login_id)
    )
    return consumed.one_or_none() is not None
