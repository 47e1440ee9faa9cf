"""One session as administrators look at it, live or ended, in PostgreSQL: always within a scope."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from config.connections import Transaction
from idp.administration.session_document import RelyingParty, SessionDocument
from idp.storage import administered_deliveries
from idp.storage.directory_tables import organisation, session, user_account
from idp.storage.end_tables import session_client

MOST_DELIVERIES = 100


async def document(tx: Transaction, scope: Collection[UUID], sid: str, now: datetime) -> SessionDocument | None:
    """One session of the scope."""
    query = (
        select(session, user_account.c.display_name, organisation.c.name.label("organisation"))
        .join(user_account, user_account.c.id == session.c.user_id)
        .join(organisation, organisation.c.id == session.c.organisation_id)
        .where(session.c.sid == sid, session.c.organisation_id.in_(scope))
    )
    row = (await tx.execute(query)).one_or_none()
    if row is None:
        return None
    apps = select(session_client).where(session_client.c.sid == sid).order_by(session_client.c.first_at)
    parties = [RelyingParty(app.client_id, app.first_at) for app in await tx.execute(apps)]
    told = await administered_deliveries.of_session(
        tx, scope, sid, since=row.created_at, now=now, limit=MOST_DELIVERIES
    )
    lives = row.idle_expires_at > now
    return SessionDocument(
        sid=row.sid,
        version=row.version,
        state="ended" if row.ended_at is not None else "live" if lives else "expired",
        user_id=row.user_id,
        display_name=row.display_name,
        organisation_id=row.organisation_id,
        organisation=row.organisation,
        device=row.device_label,
        browser=row.browser,
        ip=str(row.ip),
        place=row.place,
        network=row.network,
        amr=tuple(row.amr),
        acr=row.acr,
        authenticated_at=row.authenticated_at,
        created_at=row.created_at,
        last_activity_at=row.last_activity_at,
        idle_expires_at=row.idle_expires_at,
        absolute_expires_at=row.absolute_expires_at,
        ended_at=row.ended_at,
        end_reason=row.end_reason,
        ended_by=row.ended_by,
        relying_parties=tuple(parties),
        deliveries=tuple(told),
        own=False,
    )
