"""People as administrators look at them, in PostgreSQL: always within a scope."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, any_, exists, func, literal, select, tuple_
from sqlalchemy.dialects.postgresql import aggregate_order_by

from config.connections import Transaction
from idp.administration.documents import (
    DeviceEntry,
    FactorEntry,
    PersonDocument,
    PersonEntry,
    RolesIn,
)
from idp.administration.scope import ADMINISTRATOR, NameCursor
from idp.storage import administered_sessions, approval_devices, devices, factors, sessions
from idp.storage.administered_sessions import is_called
from idp.storage.directory_tables import (
    login_name,
    membership,
    organisation,
    password,
    session,
    user_account,
)
from idp.storage.phone_tables import phone
from idp.storage.proven_addresses import is_proven

_LAST_ADMINISTRATORS_GATE = 0x6D6A_6164_6D6C_6F6B
"""Whoever locks an administrator of an organisation holds this advisory lock, so that two do not lock each other."""


async def administered_by(tx: Transaction, user_id: UUID) -> frozenset[UUID]:
    """The organisations in which a person who may sign in is an administrator."""
    query = (
        select(membership.c.organisation_id)
        .join(user_account, user_account.c.id == membership.c.user_id)
        .where(
            membership.c.user_id == user_id,
            literal(ADMINISTRATOR) == any_(membership.c.roles),
            user_account.c.state == "active",
        )
    )
    return frozenset((await tx.execute(query)).scalars())


async def people(
    tx: Transaction, scope: Collection[UUID], *, name: str, after: NameCursor | None, now: datetime, limit: int
) -> Sequence[PersonEntry]:
    """Members whose display name or login name holds `name`, by name."""
    query = (
        select(
            user_account.c.id,
            user_account.c.display_name,
            user_account.c.state,
            user_account.c.lock_reason,
            _first_login_name().label("login_name"),
            _lives_within(scope, now).label("live"),
        )
        .where(_is_member(scope))
        .order_by(user_account.c.display_name, user_account.c.id)
        .limit(limit)
    )
    if name:
        query = query.where(is_called(name))
    if after is not None:
        query = query.where(tuple_(user_account.c.display_name, user_account.c.id) > tuple_(after.name, after.id))
    rows = (await tx.execute(query)).all()
    roles = await _roles(tx, scope, [row.id for row in rows])
    return [PersonEntry(**row._mapping, memberships=roles[row.id]) for row in rows]


async def person(tx: Transaction, scope: Collection[UUID], user_id: UUID, now: datetime) -> PersonDocument | None:
    """One member; of one who belongs elsewhere too only what the organisations of the scope have of them."""
    query = select(
        user_account.c.id,
        user_account.c.version,
        user_account.c.display_name,
        user_account.c.email,
        is_proven().label("email_verified"),
        user_account.c.locale,
        user_account.c.time_zone,
        user_account.c.state,
        user_account.c.lock_reason,
        user_account.c.locked_at,
        user_account.c.created_at,
        user_account.c.updated_at,
        _login_names().label("login_names"),
    ).where(user_account.c.id == user_id, _is_member(scope))
    row = (await tx.execute(query)).one_or_none()
    if row is None:
        return None
    own_session = await administered_sessions.live(tx, scope, user_id=user_id, now=now, limit=1)
    whole = await is_within(tx, scope, user_id)
    shown = {**row._mapping, "login_names": tuple(row.login_names or ())}
    if not whole:
        shown |= {"email": None, "email_verified": False, "time_zone": None}
    return PersonDocument(
        **shown,
        whole=whole,
        memberships=(await _roles(tx, scope, [user_id]))[user_id],
        factors=await _factors(tx, user_id) if whole else (),
        devices=tuple(
            DeviceEntry(
                id=device.id,
                name=device.called,
                trust=device.trust,
                sign_ins=device.sign_ins,
                first_seen_at=device.first_seen_at,
                last_seen_at=device.last_seen_at,
            )
            for device in (await devices.of(tx, user_id) if whole else ())
        ),
        session=own_session[0] if own_session else None,
    )


async def hold(tx: Transaction, user_id: UUID) -> None:
    """Let nobody else change this person, or begin a session of theirs, until the transaction is over."""
    await sessions.lock_person(tx, user_id)


async def is_within(tx: Transaction, scope: Collection[UUID], user_id: UUID) -> bool:
    """Whether every organisation of a person is in the scope."""
    query = select(membership.c.organisation_id).where(membership.c.user_id == user_id)
    return set((await tx.execute(query)).scalars()) <= set(scope)


async def is_last_administrator(tx: Transaction, user_id: UUID) -> bool:
    """Whether an organisation would be left without an administrator who may sign in.

    Call it with the person locked. Nobody else locks another administrator until the transaction is over.
    """
    own = membership.alias("own")
    other = membership.alias("other")
    await tx.execute(select(func.pg_advisory_xact_lock(_LAST_ADMINISTRATORS_GATE)))
    another = exists().where(
        other.c.organisation_id == own.c.organisation_id,
        other.c.user_id != user_id,
        literal(ADMINISTRATOR) == any_(other.c.roles),
        user_account.c.id == other.c.user_id,
        user_account.c.state == "active",
    )
    query = select(own.c.organisation_id).where(
        own.c.user_id == user_id, literal(ADMINISTRATOR) == any_(own.c.roles), ~another
    )
    return (await tx.execute(query.limit(1))).one_or_none() is not None


def _lives_within(scope: Collection[UUID], now: datetime) -> ColumnElement[bool]:
    return exists().where(
        session.c.user_id == user_account.c.id,
        session.c.ended_at.is_(None),
        session.c.idle_expires_at > now,
        session.c.organisation_id.in_(scope),
    )


def _is_member(scope: Collection[UUID]) -> ColumnElement[bool]:
    return exists().where(membership.c.user_id == user_account.c.id, membership.c.organisation_id.in_(scope))


def _first_login_name() -> ColumnElement[Any]:
    return (
        select(func.coalesce(func.min(login_name.c.name), ""))
        .where(login_name.c.user_id == user_account.c.id)
        .scalar_subquery()
    )


def _login_names() -> ColumnElement[Any]:
    return (
        select(func.array_agg(aggregate_order_by(login_name.c.name, login_name.c.name)))
        .where(login_name.c.user_id == user_account.c.id)
        .scalar_subquery()
    )


async def _roles(
    tx: Transaction, scope: Collection[UUID], people_ids: Sequence[UUID]
) -> dict[UUID, tuple[RolesIn, ...]]:
    query = (
        select(membership.c.user_id, membership.c.organisation_id, organisation.c.name, membership.c.roles)
        .join(organisation, organisation.c.id == membership.c.organisation_id)
        .where(membership.c.user_id.in_(people_ids), membership.c.organisation_id.in_(scope))
        .order_by(organisation.c.name)
    )
    found: dict[UUID, tuple[RolesIn, ...]] = dict.fromkeys(people_ids, ())
    for row in await tx.execute(query):
        found[row.user_id] += (RolesIn(row.organisation_id, row.name, tuple(row.roles)),)
    return found


async def _factors(tx: Transaction, user_id: UUID) -> tuple[FactorEntry, ...]:
    found: list[FactorEntry] = []
    changed_at = await tx.scalar(select(password.c.changed_at).where(password.c.user_id == user_id))
    if changed_at is not None:
        found.append(FactorEntry(kind="password", label="", created_at=changed_at))
    numbers = select(phone.c.confirmed_at).where(phone.c.user_id == user_id, phone.c.confirmed_at.is_not(None))
    found += [FactorEntry(kind="sms", label="", created_at=at) for at in (await tx.execute(numbers)).scalars()]
    found += [
        FactorEntry(kind="totp", label=app.label, created_at=app.created_at, last_used_at=app.last_used_at)
        for app in await factors.authenticators(tx, user_id)
    ]
    found += [
        FactorEntry(
            kind="passkey",
            label=key.label,
            created_at=key.created_at,
            last_used_at=key.last_used_at,
            clone_suspected_at=key.clone_suspected_at,
            aaguid=key.aaguid,
            attested=key.attested,
        )
        for key in await factors.passkeys(tx, user_id)
    ]
    found += [
        FactorEntry(kind="push", label=one.label, created_at=one.created_at, last_used_at=one.last_used_at)
        for one in await approval_devices.of(tx, user_id)
    ]
    return tuple(found)
