"""Versions in PostgreSQL. What a version says cannot be changed once it is no draft: the service's role may not."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, insert, select, text, update

from config.connections import Transaction
from policy import artefact
from policy.storage.compiled import CompiledRecords
from policy.storage.releases import ReleaseRecords
from policy.storage.tables import approval, shadow, version
from policy.versions import Version

_PUBLISHING = 0x6D_70_75_62
"""The advisory lock of whoever publishes ("mpub")."""


class PolicyVersions(CompiledRecords, ReleaseRecords):
    """`policy.versions.Versions` and `policy.drafts.Drafts` on PostgreSQL."""

    async def hold(self, tx: Transaction) -> None:
        await tx.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _PUBLISHING})

    async def current(self, tx: Transaction) -> Version | None:
        row = (await tx.execute(select(version).where(version.c.state == "published"))).one_or_none()
        return None if row is None else _version(row)

    async def find(self, tx: Transaction, number: int) -> Version | None:
        row = (await tx.execute(select(version).where(version.c.number == number))).one_or_none()
        return None if row is None else _version(row)

    async def find_to_change(self, tx: Transaction, number: int) -> Version | None:
        query = select(version).where(version.c.number == number).with_for_update()
        row = (await tx.execute(query)).one_or_none()
        return None if row is None else _version(row)

    async def latest(self, tx: Transaction, *, before: int, limit: int) -> Sequence[Version]:
        """Versions below a number, the newest first."""
        query = select(version).where(version.c.number < before).order_by(version.c.number.desc()).limit(limit)
        return [_version(row) for row in await tx.execute(query)]

    async def save_draft(
        self, tx: Transaction, policy: bytes, *, author: str, why: str, at: datetime, restores: int | None = None
    ) -> Version:
        statement = (
            insert(version)
            .values(
                artefact=policy,
                sha256=artefact.digest(policy),
                state="draft",
                author=author,
                why=why,
                created_at=at,
                restores=restores,
            )
            .returning(version)
        )
        return _version((await tx.execute(statement)).one())

    async def rewrite(self, tx: Transaction, number: int, policy: bytes) -> Version:
        await tx.execute(delete(approval).where(approval.c.version == number))
        statement = update(version).where(version.c.number == number, version.c.state == "draft")
        made = statement.values(artefact=policy, sha256=artefact.digest(policy)).returning(version)
        return _version((await tx.execute(made)).one())

    async def withdraw(self, tx: Transaction, number: int) -> None:
        statement = update(version).where(version.c.number == number, version.c.state == "draft")
        await tx.execute(statement.values(state="withdrawn"))

    async def end_shadows(self, tx: Transaction, number: int, at: datetime) -> bool:
        running = (shadow.c.version == number) & shadow.c.ended_at.is_(None) & (shadow.c.until > at)
        ended = await tx.execute(update(shadow).where(running).values(ended_at=at).returning(shadow.c.id))
        return bool(ended.all())

    async def publish(self, tx: Transaction, number: int, *, signature: str, publisher: str, at: datetime) -> None:
        await tx.execute(update(version).where(version.c.state == "published").values(state="retired"))
        await tx.execute(
            update(version)
            .where(version.c.number == number, version.c.state == "draft")
            .values(state="published", signature=signature, publisher=publisher, published_at=at)
        )

    async def sign_anew(self, tx: Transaction, number: int, signature: str) -> None:
        """`policy.succession.Published`."""
        statement = update(version).where(version.c.number == number, version.c.state == "published")
        await tx.execute(statement.values(signature=signature))


def _version(row: Row[Any]) -> Version:
    return Version(**row._mapping)
