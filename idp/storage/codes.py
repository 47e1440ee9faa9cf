"""Authorization codes in PostgreSQL."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import bindparam, delete, insert, select, update

from config.connections import Transaction
from idp.authorization.code import CodeGrant, Redeemed, Replayed
from idp.protocol.claims_request import RequestedClaims
from idp.storage.protocol_tables import authorization_code as table

_ADD = insert(table)
_CLAIM = select(table).where(table.c.code_hash == bindparam("digest")).with_for_update()
_CHANGE = update(table).where(table.c.code_hash == bindparam("digest"))


async def add(tx: Transaction, digest: bytes, grant: CodeGrant) -> None:
    """Keep a code that is issued; only its hash is."""
    values = {name: getattr(grant, name) for name in CodeGrant.__slots__}
    values |= {"scope": list(grant.scope), "resources": list(grant.resources)}
    values["claims"] = msgspec.to_builtins(grant.claims)
    await tx.execute(_ADD, {"code_hash": digest, **values})


async def consume(tx: Transaction, digest: bytes, now: datetime) -> Redeemed | Replayed | None:
    """Redeem a code atomically; None if there is none, or its time is over."""
    # the lock makes a second redeemer wait for the first, and see what became of it
    row = (await tx.execute(_CLAIM, {"digest": digest})).mappings().one_or_none()
    if row is None:
        return None
    values = {name: row[name] for name in CodeGrant.__slots__}
    words = {name: tuple(row[name]) for name in ("scope", "resources")}
    grant = CodeGrant(**{**values, **words, "claims": msgspec.convert(row["claims"], RequestedClaims)})
    if row["redeemed_at"] is not None:
        return Replayed(grant, row["family_id"])
    if now >= grant.expires_at:
        return None
    await tx.execute(_CHANGE, {"digest": digest, "redeemed_at": now})
    return Redeemed(grant)


async def led_to(tx: Transaction, digest: bytes, family_id: UUID) -> None:
    """Remember which refresh family came of a code, so that a replay can end it; where none did, how its access token
    names the grant, so that it can be revoked."""
    await tx.execute(_CHANGE, {"digest": digest, "family_id": family_id})


async def sweep(tx: Transaction, before: datetime) -> int:
    """Forget codes that expired before a moment: long enough ago that a replay of one means nothing any more."""
    return (await tx.execute(delete(table).where(table.c.expires_at < before))).rowcount
