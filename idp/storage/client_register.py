"""Clients in PostgreSQL as they are looked after: those that are switched off, too."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, RowMapping, delete, exists, func, literal, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from config.connections import Transaction
from idp.clients.client import Client
from idp.clients.register import Reach, Registered
from idp.clients.unused import Gone
from idp.storage import clients
from idp.storage.end_tables import session_client, signal_stream
from idp.storage.grant_tables import machine_session, pending_grant
from idp.storage.protocol_tables import authorization_code, login, refresh_family
from idp.storage.protocol_tables import client as table
from idp.storage.way_in_tables import client_home

_ESCAPE = "\\"


async def find(tx: Transaction, client_id: str, *, claim: bool = False) -> Registered | None:
    """One client; with `claim` nobody else changes it before the transaction is over."""
    query = select(table).where(table.c.client_id == client_id)
    row = (await tx.execute(query.with_for_update() if claim else query)).mappings().one_or_none()
    return _read(row) if row is not None else None


async def add(tx: Transaction, client: Client, token_hash: bytes | None, now: datetime) -> Registered | None:
    """Keep a new one; None where its id is taken."""
    values = {**clients.values_of(client), "registration_token_hash": token_hash, "created_at": now, "updated_at": now}
    statement = insert(table).values(**values).on_conflict_do_nothing(index_elements=[table.c.client_id])
    row = (await tx.execute(statement.returning(table))).mappings().one_or_none()
    if row is None:
        return None
    if client.organisation_id is not None:  # its people meet their organisation when they sign in
        home = {"client_id": client.client_id, "organisation_id": client.organisation_id, "starts": []}
        await tx.execute(insert(client_home).values(**home))
    return _read(row)


async def change(tx: Transaction, client: Client, token_hash: bytes | None, now: datetime) -> Registered:
    """Keep what is registered of one that is there."""
    values = {**clients.values_of(client), "registration_token_hash": token_hash, "updated_at": now}
    statement = update(table).where(table.c.client_id == client.client_id)
    row = await tx.execute(statement.values(**values, version=table.c.version + 1).returning(table))
    return _read(row.mappings().one())


async def remove(tx: Transaction, client_id: str) -> bool:
    """Forget one, and with it whatever it could still renew, redeem or be told. False: there is none.

    What people are in the midst of goes first, in the order in which it is locked everywhere; the rest goes with it.
    """
    for held in (login, authorization_code, refresh_family):
        await tx.execute(delete(held).where(held.c.client_id == client_id))
    return (await tx.execute(delete(table).where(table.c.client_id == client_id))).rowcount > 0


async def remove_unused(tx: Transaction, before: datetime, joined_before: datetime, limit: int) -> list[Gone]:
    """Forget some that registered themselves, changed last before a moment, and joined no session since another.

    A session knows each client that joined it, for longer than that (`idp.devices.sign_in_history.KEPT_FOR`).
    """
    mine = table.c.client_id
    sessions_since = select(session_client.c.sid).where(session_client.c.client_id == mine)
    programs_since = select(machine_session.c.sid).where(
        machine_session.c.client_id == mine,
        or_(machine_session.c.created_at >= joined_before, machine_session.c.ended_at.is_(None)),
    )
    unused = (
        table.c.registration_token_hash.is_not(None),
        table.c.updated_at < before,
        ~sessions_since.where(session_client.c.first_at >= joined_before).exists(),
        ~programs_since.exists(),
        ~select(literal(True)).where(login.c.client_id == mine).exists(),
        ~select(literal(True)).where(pending_grant.c.client_id == mine).exists(),
        ~select(literal(True)).where(signal_stream.c.client_id == mine).exists(),
    )
    some = list((await tx.execute(select(mine).where(*unused).order_by(table.c.updated_at).limit(limit))).scalars())
    gone = delete(table).where(mine.in_(some), *unused).returning(mine, table.c.organisation_id)
    return [Gone(*row) for row in await tx.execute(gone)] if some else []


async def page(tx: Transaction, reach: Reach, *, name: str, after: str, limit: int) -> Sequence[Registered]:
    """Those within reach whose id or name holds `name`, by id, from behind `after`."""
    query = select(table).where(within(table.c.organisation_id, reach), table.c.client_id > after)
    if name:
        names = func.jsonb_each_text(table.c.name).table_valued("key", "value")
        called = exists(select(names.c.value).where(names.c.value.icontains(name, autoescape=True, escape=_ESCAPE)))
        query = query.where(or_(table.c.client_id.icontains(name, autoescape=True, escape=_ESCAPE), called))
    rows = await tx.execute(query.order_by(table.c.client_id).limit(limit))
    return [_read(row) for row in rows.mappings()]


def within(organisation_id: ColumnElement[object], reach: Reach) -> ColumnElement[bool]:
    """Whether what belongs to an organisation, or to the house, is within reach."""
    theirs = organisation_id.in_(list(reach.organisations))
    return or_(theirs, organisation_id.is_(None)) if reach.house else theirs


def _read(row: RowMapping) -> Registered:
    return Registered(
        client=clients.read(row),
        version=row["version"],
        token_hash=row["registration_token_hash"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )
