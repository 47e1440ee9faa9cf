"""Codes by mail and by text in PostgreSQL (S7: what mints a right is consumed there)."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import Table, delete, select, update
from sqlalchemy.dialects.postgresql import insert

from config.connections import Transaction
from idp.factors.one_time_code import SentCode
from idp.storage.phone_tables import texted_code
from idp.storage.takeover_tables import one_time_code


class KeptCodes:
    """The codes of one table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    async def sent_code(self, tx: Transaction, login_id: UUID) -> SentCode | None:
        """The code that a login was last sent, locked until the transaction is over."""
        query = select(self._table).where(self._table.c.login_id == login_id).with_for_update()
        row = (await tx.execute(query)).one_or_none()
        return SentCode(**row._mapping) if row is not None else None

    async def put_code(self, tx: Transaction, code: SentCode) -> bool:
        """Keep a code in place of the one before. False where another transaction sent one of as many sends first."""
        table = self._table
        values = {column.name: getattr(code, column.name) for column in table.c}
        changing = {name: value for name, value in values.items() if name != "login_id"}
        kept = await tx.execute(
            insert(table)
            .values(**values)
            .on_conflict_do_update(index_elements=[table.c.login_id], set_=changing, where=table.c.sends < code.sends)
            .returning(table.c.login_id)
        )
        return kept.one_or_none() is not None

    async def count_wrong(self, tx: Transaction, login_id: UUID) -> None:
        """A wrong code was given."""
        table = self._table
        await tx.execute(update(table).where(table.c.login_id == login_id).values(wrong=table.c.wrong + 1))

    async def consume_code(self, tx: Transaction, code: SentCode) -> bool:
        """Use a code up. True once, for exactly one of many at once."""
        table = self._table
        consumed = await tx.execute(
            delete(table)
            .where(table.c.login_id == code.login_id, table.c.digest == code.digest)
            .returning(table.c.login_id)
        )
        return consumed.one_or_none() is not None

    async def sweep(self, tx: Transaction, before: datetime) -> int:
        """Forget codes whose time was over before a moment. Returns how many."""
        return (await tx.execute(delete(self._table).where(self._table.c.expires_at <= before))).rowcount


MAILED: Final = KeptCodes(one_time_code)
"""They go with their login."""
TEXTED: Final = KeptCodes(texted_code)
