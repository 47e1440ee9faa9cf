"""The apps of a person in PostgreSQL: by what was granted to them, and the sessions that they took part in."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Subquery, and_, delete, exists, func, literal, null, select, true, union, union_all, update
from sqlalchemy.dialects.postgresql import distinct_on

from config.connections import Transaction
from idp.clients.connected_app import ConnectedApp
from idp.storage.directory_tables import session
from idp.storage.end_tables import session_client
from idp.storage.grant_tables import pending_grant
from idp.storage.protocol_tables import authorization_code, client, consent, refresh_family, refresh_token


async def of(tx: Transaction, user_id: UUID, live: str) -> list[ConnectedApp]:
    """The apps of a person whose live session is `live`: the connected ones first, then by last use."""
    uses = _uses(user_id, live)
    scope = (
        select(uses.c.client_id, uses.c.scope)
        .ext(distinct_on(uses.c.client_id))
        .where(uses.c.scope.is_not(None))
        .order_by(uses.c.client_id, uses.c.at.desc())
        .subquery()
    )
    last = (
        select(uses.c.client_id, func.max(uses.c.at).label("at"), func.bool_or(uses.c.connected).label("connected"))
        .group_by(uses.c.client_id)
        .subquery()
    )
    query = (
        select(
            client.c.client_id,
            client.c.name,
            scope.c.scope,
            last.c.at,
            last.c.connected,
            exists().where(consent.c.user_id == user_id, consent.c.client_id == client.c.client_id).label("allowed"),
        )
        .join(last, last.c.client_id == client.c.client_id)
        .outerjoin(scope, scope.c.client_id == client.c.client_id)
        .order_by(last.c.connected.desc(), last.c.at.desc(), client.c.client_id)
    )
    return [_read(row) for row in await tx.execute(query)]


async def disconnect(tx: Transaction, user_id: UUID, client_id: str, now: datetime) -> int:
    """Revoke what an app may still renew or redeem for this person, and withdraw what they allowed it.

    Returns how much of it there was.

    Codes and what was approved elsewhere first: one that is being redeemed is waited for, and the family that comes of
    it is revoked as well.
    """
    approved = await tx.execute(
        delete(pending_grant).where(
            pending_grant.c.user_id == user_id,
            pending_grant.c.client_id == client_id,
            pending_grant.c.state == "approved",
        )
    )
    codes = await tx.execute(
        update(authorization_code)
        .where(
            authorization_code.c.user_id == user_id,
            authorization_code.c.client_id == client_id,
            authorization_code.c.redeemed_at.is_(None),
            authorization_code.c.expires_at > now,
        )
        .values(expires_at=now)
    )
    families = await tx.execute(
        update(refresh_family)
        .where(
            refresh_family.c.user_id == user_id,
            refresh_family.c.client_id == client_id,
            refresh_family.c.revoked_at.is_(None),
        )
        .values(revoked_at=now)
    )
    allowed = delete(consent).where(consent.c.user_id == user_id, consent.c.client_id == client_id)
    return approved.rowcount + families.rowcount + codes.rowcount + (await tx.execute(allowed)).rowcount


async def fresh_grants(tx: Transaction, user_id: UUID, client_id: str, sid: str, since: datetime) -> Collection[UUID]:
    """The grants of an app in one session of which access tokens were issued since a moment."""
    refreshed = select(refresh_family.c.id).where(
        refresh_family.c.user_id == user_id,
        refresh_family.c.client_id == client_id,
        refresh_family.c.sid == sid,
        exists().where(refresh_token.c.family_id == refresh_family.c.id, refresh_token.c.issued_at >= since),
    )
    redeemed = select(authorization_code.c.family_id).where(
        authorization_code.c.user_id == user_id,
        authorization_code.c.client_id == client_id,
        authorization_code.c.sid == sid,
        authorization_code.c.redeemed_at >= since,
        authorization_code.c.family_id.is_not(None),
    )
    return set((await tx.execute(union(refreshed, redeemed))).scalars())


def _uses(user_id: UUID, live: str) -> Subquery:
    """When each app was used, with what it was granted where that is known."""
    refreshed = (
        select(func.max(refresh_token.c.issued_at).label("at"))
        .where(refresh_token.c.family_id == refresh_family.c.id)
        .lateral()
    )
    granted = (
        select(
            refresh_family.c.client_id,
            refreshed.c.at,
            refresh_family.c.scope,
            and_(refresh_family.c.sid == live, refresh_family.c.revoked_at.is_(None)).label("connected"),
        )
        .join(refreshed, true())
        .where(refresh_family.c.user_id == user_id)
    )
    took_part = (
        select(session_client.c.client_id, session_client.c.first_at, null(), literal(False))
        .join(session, session.c.sid == session_client.c.sid)
        .where(session.c.user_id == user_id)
    )
    allowed = select(consent.c.client_id, consent.c.given_at, consent.c.scopes, literal(False)).where(
        consent.c.user_id == user_id
    )
    return union_all(granted, took_part, allowed).subquery()


def _read(row: Row[Any, Any, Any, Any, Any, Any]) -> ConnectedApp:
    return ConnectedApp(
        client_id=row.client_id,
        name=row.name,
        scopes=tuple(row.scope or ()),
        last_used_at=row.at,
        connected=row.connected,
        allowed=row.allowed,
    )
