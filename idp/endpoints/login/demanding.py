"""What the programme of an organisation demands of the person of a login: its phases, the person's facts, the clock."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Protocol
from uuid import UUID

from config.connections import Transaction
from idp.factors.requirement import FactorKind
from idp.rollout.demands import NOTHING, OFFERED, Demanded, Enrolment, demanded
from idp.rollout.in_force import PhasesInForce
from idp.rollout.phases import Method
from idp.rollout.programme import Enrolments, Reached


class ReachedPeople(Reached, Enrolments, Protocol):
    """Where it is known whom phases reach, and what came of it."""


class Demanding:
    """Asked by the dispatcher and by its pages, and by whoever takes a password."""

    def __init__(self, phases: PhasesInForce, people: ReachedPeople) -> None:
        self._phases = phases
        self._people = people

    async def of(
        self,
        tx: Transaction,
        user_id: UUID,
        organisation_id: UUID,
        *,
        enrolled: Collection[FactorKind],
        has_mail: bool,
        now: datetime,
    ) -> Demanded:
        """What is demanded of one person now; nothing, at no cost, where no phase is in force."""
        phases = await self._phases.of(tx, organisation_id)
        if not phases:
            return NOTHING
        standings = await self._people.standings(tx, [at.phase.id for at in phases], user_id, now)
        facts = await self._people.facts(tx, organisation_id, user_id, now)
        return demanded(phases, facts, standings, methods_of(enrolled, has_mail=has_mail), now)

    async def closes_passwords(self, tx: Transaction) -> bool:
        """Whether any organisation has closed passwords; asked before it is looked up whose one is."""
        return bool(await self._phases.closing(tx))

    async def asks(self, tx: Transaction, user_id: UUID, enrolment: Enrolment, now: datetime) -> None:
        """A person is led to set something up: if it is the first time, their grace runs from now."""
        await self._people.ask(tx, [enrolment.phase_id], user_id, now)

    async def put_off(self, tx: Transaction, user_id: UUID, enrolment: Enrolment) -> None:
        """They do not do it now."""
        await self._people.skipped(tx, enrolment.phase_id, user_id)

    async def enrolled(
        self, tx: Transaction, user_id: UUID, enrolment: Enrolment, method: Method, now: datetime
    ) -> None:
        """They did."""
        await self._people.enrolled(tx, [enrolment.phase_id], user_id, method, now)


def methods_of(enrolled: Collection[FactorKind], *, has_mail: bool) -> frozenset[Method]:
    """The methods that somebody has, of those that are offered here."""
    return OFFERED & {*enrolled, *(("link",) if has_mail else ())}
