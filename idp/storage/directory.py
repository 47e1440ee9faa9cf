"""The directory in PostgreSQL."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert

from config.connections import Transaction
from idp.directory.account import Account, Membership, Organisation
from idp.storage.directory_tables import login_name, membership, organisation, user_account


async def account_by_login_name(tx: Transaction, name: str) -> Account | None:
    """The person of a name in its normal form."""
    return await _account(tx, login_name.c.name == name)


async def account(tx: Transaction, user_id: UUID) -> Account | None:
    """One person."""
    return await _account(tx, user_account.c.id == user_id)


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
        )
        .on_conflict_do_nothing()
        .returning(user_account.c.id)
    )
    if added.one_or_none() is None:
        return False
    await tx.execute(insert(login_name).values(name=account.login_name, user_id=account.id))
    return True


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


async def _account(tx: Transaction, which: ColumnElement[bool]) -> Account | None:
    query = (
        select(user_account, login_name.c.name)
        .join(login_name, login_name.c.user_id == user_account.c.id)
        .where(which)
        .order_by(login_name.c.name)
        .limit(1)
    )
    row = (await tx.execute(query)).one_or_none()
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
