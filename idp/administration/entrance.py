"""Who may use the API: administrators, by the gateway's assertion and by the directory at this moment, or for a time by
an elevation that is in force at this moment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from audit import trail
from audit.trail import AuditEvent, Kind
from config.clock import Clock
from config.connections import Database, Transaction
from config.problem import Problem
from idp.administration import problems
from idp.administration.registry import People
from idp.administration.scope import ADMINISTRATOR, Administrator
from jose.assertion import Subject
from jose.freshness import challenge


class Elevated(Protocol):
    """Where it is known who holds a role for a time; `idp.storage.role_news` is it."""

    async def holds(self, tx: Transaction, user_id: UUID, organisation: UUID, role: str, now: datetime) -> bool:
        """Whether somebody does there, at this moment."""


@dataclass(frozen=True, slots=True)
class Admission:
    """Asks the directory too: a role that was taken away, or is over, is gone at once, not when a token expires."""

    database: Database
    people: People
    elevated: Elevated
    clock: Clock

    async def admit(self, subject: Subject, correlation_id: str, *, changing: bool = False) -> Administrator:
        """The administrator who asks; one who is `changing` something has fresh factors.

        Raises `NOT_ADMINISTRATOR`, which is put on record, and `FACTORS_NOT_FRESH`.
        """
        user_id, organisation = _uuid(subject.sub), _uuid(subject.org)
        if ADMINISTRATOR in subject.roles and user_id is not None and organisation is not None:
            async with self.database.connect() as tx:
                scope = await self.people.administered_by(tx, user_id)
                if organisation not in scope and await self.elevated.holds(
                    tx, user_id, organisation, ADMINISTRATOR, self.clock.now()
                ):
                    scope |= {organisation}
            if organisation in scope:
                if changing and (asked := challenge(subject, self.clock.timestamp())) is not None:
                    raise Problem(problems.FACTORS_NOT_FRESH, headers=asked)
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
