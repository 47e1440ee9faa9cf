"""Who may use the API: administrators, by the gateway's assertion and by the directory at this moment."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from audit import trail
from audit.trail import AuditEvent, Kind
from config.connections import Database
from config.problem import Problem
from idp.administration import problems
from idp.administration.registry import People
from idp.administration.scope import ADMINISTRATOR, Administrator
from jose.assertion import Subject


@dataclass(frozen=True, slots=True)
class Admission:
    """Asks the directory too: a role that was taken away is gone at once, not when a token expires."""

    database: Database
    people: People

    async def admit(self, subject: Subject, correlation_id: str) -> Administrator:
        """The administrator who asks. Raises `NOT_ADMINISTRATOR`, which is put on record."""
        user_id, organisation = _uuid(subject.sub), _uuid(subject.org)
        if ADMINISTRATOR in subject.roles and user_id is not None and organisation is not None:
            async with self.database.connect() as tx:
                scope = await self.people.administered_by(tx, user_id)
            if organisation in scope:
                return Administrator(user_id, subject.sid, scope, correlation_id)
        async with self.database.begin() as tx:
            refused = AuditEvent(
                kind=Kind.ADMINISTRATION_REFUSED,
                correlation_id=correlation_id,
                actor=subject.sub,
                subject="identity",
                sid=subject.sid,
            )
            await trail.record(tx, refused)
        raise Problem(problems.NOT_ADMINISTRATOR)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
