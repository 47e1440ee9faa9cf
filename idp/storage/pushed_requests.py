"""Pushed authorization requests in PostgreSQL."""

from __future__ import annotations

from datetime import datetime

import msgspec
from sqlalchemy import ColumnElement, delete, insert, select

from config.connections import Transaction
from idp.authorization.pushed import PushedRequest
from idp.authorization.request import AuthorizationRequest
from idp.storage.protocol_tables import pushed_request as table


async def add(tx: Transaction, digest: bytes, pushed: PushedRequest) -> None:
    """Keep a request that was pushed; of its reference only the hash is."""
    await tx.execute(
        insert(table).values(
            reference_hash=digest,
            client_id=pushed.client_id,
            request=msgspec.to_builtins(pushed.request),
            expires_at=pushed.expires_at,
        )
    )


async def find(tx: Transaction, digest: bytes, client_id: str, now: datetime) -> AuthorizationRequest | None:
    """The request of a reference of this client, not yet redeemed; None once its time is over."""
    found = (await tx.execute(select(table.c.request).where(*_good(digest, client_id, now)))).scalar_one_or_none()
    return msgspec.convert(found, AuthorizationRequest) if found is not None else None


async def redeem(tx: Transaction, digest: bytes, client_id: str, now: datetime) -> bool:
    """Redeem a reference, atomically. False where somebody has, or its time is over."""
    return (await tx.execute(delete(table).where(*_good(digest, client_id, now)))).rowcount > 0


async def sweep(tx: Transaction, now: datetime) -> int:
    """Forget requests whose time is over. Returns how many."""
    return (await tx.execute(delete(table).where(table.c.expires_at <= now))).rowcount


def _good(digest: bytes, client_id: str, now: datetime) -> tuple[ColumnElement[bool], ...]:
    return table.c.reference_hash == digest, table.c.client_id == client_id, table.c.expires_at > now
