"""What each gateway says that it decides by, in PostgreSQL, by the clock of the database."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert

from config.connections import Transaction
from policy.reach import Reached
from policy.storage.tables import gateway_report

_AGE = func.extract("epoch", func.now() - gateway_report.c.at)


class Reports:
    """`policy.reach.Store` on PostgreSQL."""

    async def tell(self, tx: Transaction, gateway: str, version: int) -> None:
        said = {"version": version, "at": func.now()}
        told = insert(gateway_report).values(gateway=gateway, **said)
        await tx.execute(told.on_conflict_do_update(index_elements=["gateway"], set_=said))

    async def leave(self, tx: Transaction, gateway: str) -> None:
        await tx.execute(delete(gateway_report).where(gateway_report.c.gateway == gateway))

    async def forget(self, tx: Transaction, seconds: float) -> None:
        await tx.execute(delete(gateway_report).where(seconds < _AGE))

    async def told(self, tx: Transaction) -> Sequence[Reached]:
        query = select(gateway_report.c.gateway, gateway_report.c.version, _AGE).order_by(gateway_report.c.gateway)
        return [Reached(gateway, version, float(age)) for gateway, version, age in await tx.execute(query)]
