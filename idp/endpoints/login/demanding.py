"""What the programme of an organisation demands of the person of a login: its phases, the person's facts, the clock."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from typing import Protocol
from uuid import UUID

from config.connections import Transaction
from idp.authorization.login_rules import LoginRules, LoginRulesCache
from idp.factors.requirement import METHODS, FactorKind, taken
from idp.rollout.demands import NOTHING, Demanded, Enrolment, demanded, offered_here, replacement
from idp.rollout.in_force import PhasesInForce
from idp.rollout.phases import Method
from idp.rollout.programme import Enrolments, Reached


class ReachedPeople(Reached, Enrolments, Protocol):
    """Where it is known whom phases reach, and what came of it."""


class Demanding:
    """Asked by the dispatcher and by its pages, and by whoever takes a password."""

    def __init__(self, phases: PhasesInForce, people: ReachedPeople, rules: LoginRulesCache, *, texts: bool) -> None:
        """`texts`: whether anybody carries them."""
        self._phases = phases
        self._people = people
        self._rules = rules
        self._texts = texts

    async def of(
        self,
        tx: Transaction,
        user_id: UUID,
        organisation_id: UUID,
        *,
        enrolled: Collection[FactorKind],
        has_mail: bool,
        now: datetime,
        alone: Collection[Method] = (),
    ) -> Demanded:
        """What is demanded of one person now; nothing, at no cost, where no phase is in force.

        `alone`: what signs people in without a password where the person is; of nobody else one is closed.
        """
        phases = await self._phases.of(tx, organisation_id)
        if not phases:
            return NOTHING
        standings = await self._people.standings(tx, [at.phase.id for at in phases], user_id, now)
        facts = await self._people.facts(tx, organisation_id, user_id, now)
        rules = await self._rules.of(tx, organisation_id)
        offered = offered_by(rules, texts=self._texts, has_mail=has_mail)
        here = taken(enrolled, rules.forbidden, verified_approvals=rules.verified_approvals)
        has = methods_of(here, by_link="link" in offered and facts.proven_mail)
        return demanded(phases, facts, standings, has, now, offered=offered, alone=alone)

    async def replacing(self, tx: Transaction, organisation_id: UUID, found: Demanded, now: datetime) -> Demanded:
        """The same for somebody all of whose factors are forbidden: nothing of it can be put off."""
        if found.enrolment is not None and found.enrolment.enrolling == "must":
            return found
        rules = await self._rules.of(tx, organisation_id)
        return replace(found, enrolment=replacement(offered_by(rules, texts=self._texts, has_mail=False), now))

    async def closes_passwords(self, tx: Transaction) -> bool:
        """Whether any organisation has closed passwords; asked before it is looked up whose one is."""
        return bool(await self._phases.closing(tx))

    async def asks(self, tx: Transaction, user_id: UUID, enrolment: Enrolment, now: datetime) -> None:
        """A person is led to set something up: if it is the first time, their grace runs from now."""
        if enrolment.phase_id is not None:
            await self._people.ask(tx, [enrolment.phase_id], user_id, now)

    async def put_off(self, tx: Transaction, user_id: UUID, enrolment: Enrolment) -> None:
        """They do not do it now."""
        if enrolment.phase_id is not None:
            await self._people.skipped(tx, enrolment.phase_id, user_id)

    async def enrolled(
        self, tx: Transaction, user_id: UUID, enrolment: Enrolment, method: Method, now: datetime
    ) -> None:
        """They did."""
        if enrolment.phase_id is not None:
            await self._people.enrolled(tx, [enrolment.phase_id], user_id, method, now)


def methods_of(enrolled: Collection[FactorKind], *, by_link: bool) -> frozenset[Method]:
    """The methods that somebody has; `by_link`: links reach them, and their organisation wants them."""
    return frozenset({*enrolled, *(("link",) if by_link else ())})


def offered_by(rules: LoginRules, *, texts: bool, has_mail: bool) -> frozenset[Method]:
    """What people of an organisation can set up: what the house has, and what counts there for a second factor."""
    counting = {kind for kind, methods in METHODS.items() if methods & rules.counting.two}
    there = {
        "sms": bool(rules.text_countries) and "sms" in counting,
        "link": has_mail and rules.sign_in_links is True,
    }
    return frozenset(one for one in offered_here(texts=texts) if there.get(one, one in counting))
