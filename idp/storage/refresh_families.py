"""Refresh families in PostgreSQL, which itself holds that a family has one current token."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import RowMapping, delete, insert, select, update

from config.connections import Transaction
from idp.protocol.claims_request import RequestedClaims
from idp.storage.protocol_tables import refresh_family, refresh_token
from idp.tokens.refresh_family import Family, Presented


async def begin(tx: Transaction, family: Family, digest: bytes, now: datetime) -> None:
    """Keep a new family with its first token."""
    values = {name: getattr(family, name) for name in Family.__slots__}
    values |= {"scope": list(family.scope), "resources": list(family.resources)}
    values |= {"claims": msgspec.to_builtins(family.claims), "confirmation": dict(family.confirmation)}
    await tx.execute(insert(refresh_family).values(values))
    await tx.execute(insert(refresh_token).values(token_hash=digest, family_id=family.id, issued_at=now))


async def present(tx: Transaction, digest: bytes) -> Presented | None:
    """A token and its family, which nobody else can change before this transaction is over."""
    family_id = select(refresh_token.c.family_id).where(refresh_token.c.token_hash == digest).scalar_subquery()
    query = select(refresh_family).where(refresh_family.c.id == family_id).with_for_update()
    row = (await tx.execute(query)).mappings().one_or_none()
    if row is None:
        return None
    # read after the family was locked: another refresh may have rotated the token meanwhile
    rotated = select(refresh_token.c.rotated_at).where(refresh_token.c.token_hash == digest)
    return _presented(row, (await tx.execute(rotated)).scalar_one())


async def look(tx: Transaction, digest: bytes) -> Presented | None:
    """A token and its family as they are, to say something about them alone."""
    query = (
        select(refresh_family, refresh_token.c.rotated_at)
        .join(refresh_token, refresh_token.c.family_id == refresh_family.c.id)
        .where(refresh_token.c.token_hash == digest)
    )
    row = (await tx.execute(query)).mappings().one_or_none()
    return _presented(row, row["rotated_at"]) if row is not None else None


async def is_current(tx: Transaction, digest: bytes) -> bool:
    """Whether this is a token that has not been used."""
    query = select(refresh_token.c.token_hash).where(
        refresh_token.c.token_hash == digest, refresh_token.c.rotated_at.is_(None)
    )
    return (await tx.execute(query)).one_or_none() is not None


async def rotate(tx: Transaction, used: bytes, successor: bytes, family_id: UUID, now: datetime) -> None:
    """A token was used; its successor is the current one now."""
    await tx.execute(update(refresh_token).where(refresh_token.c.token_hash == used).values(rotated_at=now))
    await tx.execute(insert(refresh_token).values(token_hash=successor, family_id=family_id, issued_at=now))


async def revoke(tx: Transaction, family_id: UUID, now: datetime) -> bool:
    """End a family for good. False where it had ended before."""
    result = await tx.execute(
        update(refresh_family)
        .where(refresh_family.c.id == family_id, refresh_family.c.revoked_at.is_(None))
        .values(revoked_at=now)
    )
    return result.rowcount > 0


async def sweep(tx: Transaction, before: datetime) -> int:
    """Forget families that expired before a moment, with their tokens. Returns how many."""
    return (await tx.execute(delete(refresh_family).where(refresh_family.c.expires_at < before))).rowcount


def _presented(row: RowMapping, rotated_at: datetime | None) -> Presented:
    values = {name: row[name] for name in Family.__slots__}
    words = {name: tuple(row[name]) for name in ("scope", "resources")}
    return Presented(
        family=Family(**{**values, **words, "claims": msgspec.convert(row["claims"], RequestedClaims)}),
        rotated_at=rotated_at,
    )
