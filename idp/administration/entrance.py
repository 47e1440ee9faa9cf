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
from idp.administration.scope import ADMINISTRATOR, SUPPORT, Administrator
from jose.assertion import Subject
from jose.freshness import challenge

FOR_SUPPORT = "/support"
"""Begins the paths of what those may ask whose role is `support`, and administrators; all else is for
administrators."""


class Supporters(Protocol):
    """Where it is known who helps whose people."""

    async def supported_by(self, tx: Transaction, user_id: UUID) -> frozenset[UUID]:
        """The organisations whose people somebody who may sign in supports, or administers."""


class Elevated(Protocol):
    """Where it is known who holds a role for a time; `idp.storage.role_news` is it."""

    async def holds(self, tx: Transaction, user_id: UUID, organisation: UUID, role: str, now: datetime) -> bool:
        """Whether somebody does there, at this moment."""


@dataclass(frozen=True, slots=True)
class Admission:
    """Asks the directory too: a role that was taken away, or is over, is gone at once, not when a token expires."""

    database: Database
    people: People
    supporters: Supporters
    elevated: Elevated
    clock: Clock

    async def admit(
        self, subject: Subject, correlation_id: str, *, changing: bool = False, support: bool = False
    ) -> Administrator:
        """The administrator who asks, or who of `support`; one who is `changing` something has fresh factors.

        Raises `NOT_ADMINISTRATOR`, which is put on record, and `FACTORS_NOT_FRESH`.
        """
        user_id, organisation = _uuid(subject.sub), _uuid(subject.org)
        roles = (ADMINISTRATOR, SUPPORT) if support else (ADMINISTRATOR,)
        if not set(roles).isdisjoint(subject.roles) and user_id is not None and organisation is not None:
            async with self.database.connect() as tx:
                supported = self.supporters.supported_by if support else self.people.administered_by
                scope = await supported(tx, user_id)
                for role in roles:
                    if organisation not in scope and await self.elevated.holds(
                        tx, user_id, organisation, role, self.clock.now()
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
