"""One decision, taken apart."""

from __future__ import annotations

from policy import zones
from policy.artefact import RuleEffect
from policy.decide import decide
from policy.decision import StepUp
from policy.demand import with_demand
from policy.explain import behind
from policy.explain.changes import changes
from policy.explain.condition_parts import checked
from policy.explain.told import Considered, Explanation, Obliged, Part
from policy.judgement import Situation, asks_no_person, survey
from policy.request import AccessRequest
from policy.snapshot import CompiledRule, Snapshot, holds

MOST_RULES = 500
"""Rules that are shown; those of the caller come first."""


def explain(request: AccessRequest, snapshot: Snapshot, demand: StepUp | None = None) -> Explanation:
    """Explain what `decide` answers to a request. `demand`: what the route demanded besides. Never raises."""
    decision = decide(request, snapshot)
    if demand is not None:
        decision = with_demand(decision, demand)
    if request.zone not in snapshot.zones:
        return Explanation(decision)
    try:
        situation = survey(request, snapshot)
        rules, left_out = _considered(situation, snapshot)
        public = any(
            rule.rule == decision.winner and asks_no_person(rule.role, machine=request.subject.machine)
            for rule in rules
        )
        unmet = zones.unmet(situation.zone, situation.context, public=public)
        return Explanation(
            decision,
            situation.context,
            rules,
            left_out,
            unmet,
            decision.step_up,
            behind.demands(unmet, situation.zone, situation.context),
            behind.signals(situation),
            _obligations(situation, rules),
            changes(situation, snapshot, decision, demand),
        )
    except Exception:
        return Explanation(decision)


def _considered(situation: Situation, snapshot: Snapshot) -> tuple[tuple[Considered, ...], int]:
    request = situation.request
    own = {candidate.rule.id for candidate in situation.candidates}
    there = snapshot.rules_at(request.zone, request.method, request.path)
    shown = there
    if len(there) > MOST_RULES:
        first = sorted(there, key=lambda one: one.rule.id not in own)[:MOST_RULES]
        shown = sorted(first, key=lambda one: one.place)
    decided = False
    considered = []
    for candidate in shown:
        mine = candidate.rule.id in own
        part = _part(candidate, situation) if mine else Part.ANOTHER_ROLE
        if decided and mine:
            part = Part.NOT_REACHED
        decided = decided or part is Part.DECIDED
        rule = candidate.rule
        considered.append(
            Considered(
                rule.id,
                rule.priority,
                rule.effect,
                rule.role,
                part,
                rule.condition,
                rule.organisation,
                checked(candidate, situation.context) if mine else None,
            )
        )
    return tuple(considered), len(there) - len(shown)


def _part(candidate: CompiledRule, situation: Situation) -> Part:
    if not holds(candidate, situation.context):
        return Part.CONDITION_NOT_MET
    return Part.REDUCED if candidate.effect is RuleEffect.REDUCE else Part.DECIDED


def _obligations(situation: Situation, rules: tuple[Considered, ...]) -> tuple[Obliged, ...]:
    matched = {rule.rule for rule in rules if rule.part in (Part.DECIDED, Part.REDUCED)}
    return tuple(
        Obliged(obligation, candidate.rule.id)
        for candidate in situation.candidates
        if candidate.rule.id in matched
        for obligation in candidate.rule.obligations
    )
