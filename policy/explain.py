"""Why a request is answered as it is, why not otherwise, and what would change it (P5)."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from policy import zones
from policy.artefact import RuleEffect
from policy.context import Context
from policy.decide import decide
from policy.decision import Decision, StepUp
from policy.judgement import Situation, asks_no_person, survey
from policy.reasons import Reason
from policy.request import AccessRequest
from policy.snapshot import CompiledRule, Snapshot, holds


class Part(StrEnum):
    """What became of a rule that speaks of the request's zone, path and method."""

    DECIDED = "decided"
    REDUCED = "reduced"
    """It matched, and laid its obligations on what a later rule allows."""
    CONDITION_NOT_MET = "condition_not_met"
    NOT_REACHED = "not_reached"
    """An earlier rule decided."""
    ANOTHER_ROLE = "another_role"
    """It is for a role, or an organisation, that is not the caller's."""


class Considered(msgspec.Struct, frozen=True):
    """One rule and its part in the answer."""

    rule: str
    priority: int
    effect: RuleEffect
    role: str
    part: Part
    condition: str = ""


class Explanation(msgspec.Struct, frozen=True):
    """A decision with everything that led to it."""

    decision: Decision
    facts: Context | None = None
    """What conditions could speak of; None stands for unknown there, for `not worked out` here."""
    rules: tuple[Considered, ...] = ()
    """In the order in which they are tried."""
    unmet: tuple[Reason, ...] = ()
    """What the zone demands and the request does not bring, whatever the rules say."""
    would_allow: StepUp | None = None
    """The least that would make it an allow; None: it is one, or nothing that the caller can do would."""


def explain(request: AccessRequest, snapshot: Snapshot) -> Explanation:
    """Explain what `decide` answers to a request. Never raises."""
    decision = decide(request, snapshot)
    if request.zone not in snapshot.zones:
        return Explanation(decision)
    try:
        situation = survey(request, snapshot)
        rules = _considered(situation, snapshot)
        public = any(
            rule.rule == decision.winner and asks_no_person(rule.role, machine=request.subject.machine)
            for rule in rules
        )
        unmet = zones.unmet(situation.zone, situation.context, public=public)
    except Exception:
        return Explanation(decision)
    return Explanation(decision, situation.context, rules, unmet, decision.step_up)


def _considered(situation: Situation, snapshot: Snapshot) -> tuple[Considered, ...]:
    request = situation.request
    own = {candidate.rule.id for candidate in situation.candidates}
    decided = False
    considered = []
    for candidate in snapshot.rules_at(request.zone, request.method, request.path):
        part = _part(candidate, situation.context) if candidate.rule.id in own else Part.ANOTHER_ROLE
        if decided and part is not Part.ANOTHER_ROLE:
            part = Part.NOT_REACHED
        decided = decided or part is Part.DECIDED
        rule = candidate.rule
        considered.append(Considered(rule.id, rule.priority, rule.effect, rule.role, part, rule.condition))
    return tuple(considered)


def _part(candidate: CompiledRule, context: Context) -> Part:
    if not holds(candidate, context):
        return Part.CONDITION_NOT_MET
    return Part.REDUCED if candidate.effect is RuleEffect.REDUCE else Part.DECIDED
