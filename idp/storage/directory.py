"""The directory in PostgreSQL."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Row, Select, bindparam, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from config.connections import Transaction
from events.outbox import append
from idp.directory.account import Account, ClientHome, Face, Membership, Organisation, Support
from idp.directory.cache import ORGANISATION_TOPIC
from idp.storage.directory_tables import login_name, membership, organisation, user_account
from idp.storage.locks import lock as lock
from idp.storage.locks import unlock as unlock
from idp.storage.way_in_tables import client_home as home_of_client
from pages.look import Look

_ACCOUNT = (
    select(user_account, login_name.c.name)
    .join(login_name, login_name.c.user_id == user_account.c.id)
    .order_by(login_name.c.name)
    .limit(1)
)
_BY_NAME = _ACCOUNT.where(login_name.c.name == bindparam("which"))
_BY_ID = _ACCOUNT.where(user_account.c.id == bindparam("which"))


async def account_by_login_name(tx: Transaction, name: str) -> Account | None:
    """The person of a name in its normal form."""
    return await _account(tx, _BY_NAME, name)


async def account(tx: Transaction, user_id: UUID) -> Account | None:
    """One person."""
    return await _account(tx, _BY_ID, user_id)


async def home(tx: Transaction, user_id: UUID) -> Membership | None:
    """The organisation that a person acts for when they name none: the one they joined first."""
    query = _memberships(user_id).order_by(membership.c.joined_at, membership.c.organisation_id).limit(1)
    row = (await tx.execute(query)).one_or_none()
    return _membership(row) if row else None


async def find_membership(tx: Transaction, user_id: UUID, organisation_id: UUID) -> Membership | None:
    """A person's roles in one organisation."""
    query = _memberships(user_id).where(membership.c.organisation_id == organisation_id)
    row = (await tx.execute(query)).one_or_none()
    return _membership(row) if row else None


async def face(tx: Transaction, organisation_id: UUID) -> Face | None:
    """How one organisation meets people; `None` where there is no such organisation."""
    query = select(organisation.c.look, organisation.c.support).where(organisation.c.id == organisation_id)
    row = (await tx.execute(query)).one_or_none()
    if row is None:
        return None
    return Face(
        organisation_id=organisation_id,
        look=msgspec.convert(row.look, Look) if row.look is not None else None,
        support=msgspec.convert(row.support, Support) if row.support is not None else None,
    )


async def put_face(tx: Transaction, found: Face) -> bool:
    """Keep how an organisation meets people, and tell whoever has it in memory. False: no such organisation."""
    changed = await tx.execute(
        update(organisation)
        .where(organisation.c.id == found.organisation_id)
        .values(
            look=msgspec.to_builtins(found.look) if found.look is not None else None,
            support=msgspec.to_builtins(found.support) if found.support is not None else None,
        )
        .returning(organisation.c.id)
    )
    if changed.one_or_none() is None:
        return False
    ident = str(found.organisation_id)
    await append(tx, ORGANISATION_TOPIC, ident, {"organisation_id": ident})
    return True


async def client_home(tx: Transaction, client_id: str) -> ClientHome | None:
    """Where a client belongs; `None` where nobody said."""
    row = (await tx.execute(select(home_of_client).where(home_of_client.c.client_id == client_id))).one_or_none()
    return ClientHome(organisation_id=row.organisation_id, starts=tuple(row.starts)) if row is not None else None


async def put_client_home(tx: Transaction, client_id: str, found: ClientHome) -> None:
    """Keep where a client belongs. Tell it by an event `client` in the same transaction."""
    values = {"organisation_id": found.organisation_id, "starts": list(found.starts)}
    await tx.execute(
        upsert(home_of_client)
        .values(client_id=client_id, **values)
        .on_conflict_do_update(index_elements=["client_id"], set_=values)
    )


async def add_account(tx: Transaction, account: Account, now: datetime) -> bool:
    """Keep a new person under their login name; False, and nothing changes, where the id or the name is taken."""
    added = await tx.execute(
        upsert(user_account)
        .values(
            id=account.id,
            display_name=account.display_name,
            email=account.email,
            locale=account.locale,
            state=account.state,
            version=account.version,
            created_at=now,
            updated_at=now,
        )
        .on_conflict_do_nothing()
        .returning(user_account.c.id)
    )
    if added.one_or_none() is None:
        return False
    await tx.execute(insert(login_name).values(name=account.login_name, user_id=account.id))
    return True


async def add_login_name(tx: Transaction, name: str, user_id: UUID) -> bool:
    """Let a person be called by a name; False where somebody is."""
    added = upsert(login_name).values(name=name, user_id=user_id).on_conflict_do_nothing()
    return (await tx.execute(added.returning(login_name.c.name))).one_or_none() is not None


async def organisation_of(tx: Transaction, user_id: UUID) -> UUID | None:
    """The organisation that a person joined first."""
    found = await home(tx, user_id)
    return found.organisation.id if found is not None else None


async def put_organisation(tx: Transaction, found: Organisation, now: datetime) -> None:
    """Keep an organisation as it is given."""
    changing = {
        "name": found.name,
        "time_zone": found.time_zone,
        "duplicate_login": found.duplicate_login,
    }
    await tx.execute(
        upsert(organisation)
        .values(id=found.id, created_at=now, **changing)
        .on_conflict_do_update(index_elements=["id"], set_=changing)
    )


async def put_membership(
    tx: Transaction, user_id: UUID, organisation_id: UUID, roles: tuple[str, ...], now: datetime
) -> None:
    """Make a person a member in exactly these roles."""
    await tx.execute(
        upsert(membership)
        .values(user_id=user_id, organisation_id=organisation_id, roles=list(roles), joined_at=now)
        .on_conflict_do_update(index_elements=["user_id", "organisation_id"], set_={"roles": list(roles)})
    )


async def _account(tx: Transaction, query: Select[Any], which: str | UUID) -> Account | None:
    row = (await tx.execute(query, {"which": which})).one_or_none()
    if row is None:
        return None
    return Account(
        id=row.id,
        login_name=row.name,
        display_name=row.display_name,
        email=row.email,
        locale=row.locale,
        state=row.state,
        version=row.version,
        lock_reason=row.lock_reason,
    )


def _memberships(user_id: UUID) -> Select[tuple[object, ...]]:
    return (
        select(
            membership.c.user_id,
            membership.c.roles,
            organisation.c.id.label("organisation_id"),
            organisation.c.name,
            organisation.c.time_zone,
            organisation.c.duplicate_login,
        )
        .join(organisation, organisation.c.id == membership.c.organisation_id)
        .where(membership.c.user_id == user_id)
    )


def _membership(row: Row[tuple[object, ...]]) -> Membership:
    return Membership(
        user_id=row.user_id,
        organisation=Organisation(
            id=row.organisation_id,
            name=row.name,
            time_zone=row.time_zone,
            duplicate_login=row.duplicate_login,
        ),
        roles=tuple(row.roles),
    )
