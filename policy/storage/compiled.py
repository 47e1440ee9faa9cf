"""Compiled versions in PostgreSQL, beside their documents."""

from __future__ import annotations

from sqlalchemy import delete, func, insert, select

from config.connections import Transaction
from policy.compiled_versions import Head
from policy.storage.tables import compiled, version


class CompiledRecords:
    """`policy.compiled_versions.CompiledVersions` on PostgreSQL."""

    async def published_head(self, tx: Transaction, format_: int) -> Head | None:
        ours = (compiled.c.number == version.c.number) & (compiled.c.format == format_)
        columns = version.c.number, version.c.signature, func.length(compiled.c.bytes)
        query = select(*columns).outerjoin_from(version, compiled, ours).where(version.c.state == "published")
        row = (await tx.execute(query)).one_or_none()
        return None if row is None else Head(*row)

    async def compiled_size(self, tx: Transaction, number: int, format_: int) -> int | None:
        found: int | None = await tx.scalar(
            select(func.length(compiled.c.bytes)).where(compiled.c.number == number, compiled.c.format == format_)
        )
        return found

    async def compiled_part(self, tx: Transaction, number: int, format_: int, offset: int, length: int) -> bytes | None:
        part = func.substring(compiled.c.bytes, offset + 1, length)
        found: bytes | None = await tx.scalar(
            select(part).where(compiled.c.number == number, compiled.c.format == format_)
        )
        return found

    async def save_compiled(self, tx: Transaction, number: int, format_: int, bytes_: bytes) -> None:
        await tx.execute(delete(compiled).where(compiled.c.number == number, compiled.c.format == format_))
        await tx.execute(insert(compiled).values(number=number, format=format_, bytes=bytes_))

    async def forget_compiled(self, tx: Transaction, *, before: int) -> None:
        await tx.execute(delete(compiled).where(compiled.c.number < before))
