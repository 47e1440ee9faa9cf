"""The sessions of programs in PostgreSQL, which itself holds that a client has one and an end is the end (0027)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Select, Text, any_, bindparam, cast, delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import ARRAY

from config.connections import Transaction
from config.direct import Statement
from config.together import ask
from idp.clients.client import proof
from idp.clients.metadata import ClientMetadata
from idp.sessions.machine_session import MachineSession
from idp.storage.grant_tables import machine_session as table
from idp.storage.protocol_tables import client as registered

_PROOF = (registered.c.auth_method, registered.c.secret_hash, registered.c.metadata)
_NAMED = any_(bindparam("named", type_=ARRAY(Text)))
_COLUMNS = (
    *(column for column in table.c if column.name != "revoked_tokens"),
    cast(table.c.revoked_tokens, Text).label("revoked_tokens"),
)
_FIND = Statement(select(*_COLUMNS).where(table.c.sid == _NAMED))
_LIVE = Statement(
    select(
        *_COLUMNS,
        registered.c.auth_method,
        registered.c.secret_hash,
        cast(registered.c.metadata, Text).label("metadata"),
    )
    .join(registered, registered.c.client_id == table.c.client_id)
    .where(table.c.client_id == _NAMED, table.c.ended_at.is_(None), registered.c.enabled)
)


async def live_of(tx: Transaction, client_id: str, known: tuple[object, ...]) -> MachineSession | None:
    """The session that has not ended of a client that is switched on and proves itself as is `known`, to look at."""
    live = await ask(tx, _live, client_id, holds=False)
    return live[0] if live is not None and live[1] == known else None


async def find(tx: Transaction, sid: str) -> MachineSession | None:
    """One of them, live or ended, to look at."""
    return await ask(tx, _found, sid)


async def lock_client(tx: Transaction, client_id: str, known: tuple[object, ...]) -> bool:
    """Let nobody else begin one of this client, nor change it. False: it is switched off, or proves itself otherwise
    by now."""
    query = (
        select(registered.c.enabled, *_PROOF).where(registered.c.client_id == client_id).with_for_update(key_share=True)
    )
    row = (await tx.execute(query)).mappings().one_or_none()
    return (
        row is not None
        and row["enabled"]
        and _proof({**row}, msgspec.convert(row["metadata"], ClientMetadata)) == known
    )


async def lock_live(tx: Transaction, client_id: str) -> MachineSession | None:
    """The client's session that has not ended, locked."""
    return await _one(tx, _not_ended(client_id).with_for_update())


async def lock_expired(tx: Transaction, now: datetime, limit: int) -> list[MachineSession]:
    """Some past their limit that nobody has ended and nobody else holds, locked."""
    query = (
        select(table)
        .where(table.c.ended_at.is_(None), table.c.expires_at <= now)
        .order_by(table.c.expires_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return [MachineSession(**row._mapping) for row in await tx.execute(query)]


async def begin(tx: Transaction, session: MachineSession) -> None:
    """Keep a new one. Raises an integrity error where the client has one that has not ended."""
    values = {column.name: getattr(session, column.name) for column in table.c}
    await tx.execute(insert(table).values(**{**values, "revoked_tokens": dict(session.revoked_tokens)}))


async def change(tx: Transaction, session: MachineSession) -> None:
    """Keep the end of a locked one, or which of its tokens are revoked."""
    await tx.execute(
        update(table)
        .where(table.c.sid == session.sid)
        .values(
            version=session.version,
            revoked_tokens=dict(session.revoked_tokens),
            ended_at=session.ended_at,
            end_reason=session.end_reason,
        )
    )


async def count(tx: Transaction) -> int:
    """How many have not ended."""
    return (await tx.execute(select(func.count()).select_from(table).where(table.c.ended_at.is_(None)))).scalar_one()


async def page(tx: Transaction, after: str, limit: int) -> list[str]:
    """The clients of those that have not ended, in order, by pages."""
    query = (
        select(table.c.client_id)
        .where(table.c.ended_at.is_(None), table.c.client_id > after)
        .order_by(table.c.client_id)
        .limit(limit)
    )
    return list((await tx.execute(query)).scalars())


async def forget_ended(tx: Transaction, before: datetime, limit: int) -> int:
    """Forget some that ended before a moment. Returns how many."""
    gone = (
        select(table.c.sid).where(table.c.ended_at < before).limit(limit).with_for_update(skip_locked=True)
    ).scalar_subquery()
    return (await tx.execute(delete(table).where(table.c.sid.in_(gone)))).rowcount


def _not_ended(client_id: str) -> Select[Any]:
    return select(table).where(table.c.client_id == client_id, table.c.ended_at.is_(None))


def _proof(row: Mapping[str, Any], metadata: ClientMetadata) -> tuple[object, ...]:
    """What is registered now of how a client proves itself."""
    return proof(row["auth_method"], row["secret_hash"], metadata)


async def _found(tx: Transaction, sids: Sequence[str]) -> Mapping[str, MachineSession]:
    return {row["sid"]: _by_row(row) for row in await _FIND.rows(tx, named=sids)}


async def _live(tx: Transaction, client_ids: Sequence[str]) -> Mapping[str, tuple[MachineSession, tuple[object, ...]]]:
    """With what is registered now of how each client proves itself."""
    return {
        row["client_id"]: (_by_row(row), _proof(row, _metadata(row["metadata"])))
        for row in await _LIVE.rows(tx, named=client_ids)
    }


def _by_row(row: Mapping[str, Any]) -> MachineSession:
    """A session from `_COLUMNS`."""
    values = {name: row[name] for name in MachineSession.__slots__}
    return MachineSession(**{**values, "revoked_tokens": _revoked_tokens(row["revoked_tokens"])})


_metadata = msgspec.json.Decoder(ClientMetadata).decode
_revoked_tokens = msgspec.json.Decoder(dict[str, int]).decode


async def _one(tx: Transaction, query: Select[Any]) -> MachineSession | None:
    row = (await tx.execute(query)).one_or_none()
    return MachineSession(**row._mapping) if row is not None else None
