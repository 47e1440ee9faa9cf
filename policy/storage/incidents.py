"""Incidents: what automatic responses read of the audit, and which of it they have looked at."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, exists, func, insert, or_, select, text

from config.connections import Transaction
from config.subscriber import subscriber_network
from policy.response.responses import Incident, Trigger
from policy.storage.tables import answered_incident, incident

_ANSWERING = 0x6D72_6573
"""The advisory lock of the one who answers ("mres")."""
_COUNTED = 5000
"""Incidents of one kind that are looked through to see how often something happened."""


class Incidents:
    """Of one database."""

    async def my_turn(self, tx: Transaction) -> bool:
        """Whether nobody else answers until the transaction is over."""
        return bool(await tx.scalar(text("SELECT pg_try_advisory_xact_lock(:lock)"), {"lock": _ANSWERING}))

    async def unanswered(self, tx: Transaction, *, since: datetime, limit: int) -> Sequence[Incident]:
        """What nobody has looked at yet, the oldest first. Records become visible out of order, so none is passed over
        for a later one."""
        looked_at = exists().where(answered_incident.c.record == incident.c.id)
        query = select(incident).where(incident.c.at > since, ~looked_at).order_by(incident.c.id).limit(limit)
        return [_incident(row) for row in await tx.execute(query)]

    async def answered(self, tx: Transaction, looked_at: Incident, now: datetime) -> None:
        """It needs no second look."""
        await tx.execute(insert(answered_incident).values(record=looked_at.id, at=now))

    async def of_kind(self, tx: Transaction, kind: Trigger, *, since: datetime, until: Incident) -> Sequence[Incident]:
        """Those of a kind since a moment, up to one of them and with it, about whomever that one is about."""
        alike = [incident.c.subject == until.subject]
        if until.address is not None:
            address = func.inet(incident.c.address)
            alike.append(address.op("<<=")(func.inet(str(subscriber_network(until.address)))))
        if until.device is not None:
            alike.append(incident.c.device == until.device)
        query = select(incident).where(
            incident.c.kind == kind.value, incident.c.at > since, incident.c.at <= until.at, or_(*alike)
        )
        return [_incident(row) for row in await tx.execute(query.order_by(incident.c.id.desc()).limit(_COUNTED))]

    async def forget(self, tx: Transaction, *, before: datetime) -> None:
        """What is so old is never looked at again."""
        await tx.execute(delete(answered_incident).where(answered_incident.c.at < before))


def _incident(row: Row[Any]) -> Incident:
    return Incident(row.id, row.at, Trigger(row.kind), row.subject, row.address, row.device, row.details)
