"""Other policies: a rule less, a condition less, a demand less; and a risk that was another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from policy.artefact import RuleEffect, Zone
from policy.context import Context
from policy.decision import Decision, Effect, StepUp
from policy.explain.told import Change, Kind, Value, Who
from policy.explain.tried import PASSES, turns
from policy.judgement import Situation, judge
from policy.reasons import Reason
from policy.recent_risk import recent
from policy.request import DeviceTrust
from policy.snapshot import CompiledRule, holds

_NO_DEMANDS: Mapping[Reason, Mapping[str, Any]] = {
    Reason.ASSURANCE_TOO_LOW: {"assurance": 0, "step_up_risk": 100},
    Reason.AUTHENTICATION_TOO_OLD: {"max_age": None},
    Reason.DEVICE_TRUST_TOO_LOW: {"device": DeviceTrust.UNKNOWN},
    Reason.NETWORK_NOT_ALLOWED: {"networks": ()},
    Reason.COUNTRY_NOT_ALLOWED: {"countries": ()},
    Reason.OUTSIDE_HOURS: {"hours": None, "weekdays": ()},
    Reason.RISK_TOO_HIGH: {"max_risk": 100},
}


def of_policy(situation: Situation, decision: Decision, demand: StepUp | None) -> Iterator[Change]:
    """A rule less, a condition less, a demand less; a risk that was another."""
    zone, context, candidates = situation.zone, situation.context, situation.candidates
    ids = {candidate.rule.id for candidate in candidates}

    def of(
        kind: Kind,
        name: str,
        was: Value = True,
        would_be: Value = False,
        *,
        who: Who = Who.ADMINISTRATOR,
        rules: Sequence[CompiledRule] = candidates,
        zone: Zone = zone,
        context: Context = context,
    ) -> Change:
        request = situation.request
        judged = judge(
            rules,
            zone,
            context,
            request.method,
            machine=request.subject.machine,
            laid=situation.laid,
            demanded=situation.demanded,
        )
        passes = Effect.REDUCE if judged.obligations else Effect.ALLOW
        effect = Effect.DENY if judged.refused else passes if demand is None else Effect.STEP_UP
        return Change(kind, who, name, was, would_be, effect, judged.winner.id if judged.winner is not None else "")

    base = of(Kind.RULE, "")
    if demand is None and (base.effect in PASSES) is not (decision.effect in PASSES):
        return  # neither rules nor zone refused it, so nothing of them would let it pass
    for rule in sorted(ids):
        yield of(Kind.RULE, rule, rules=[one for one in candidates if one.rule.id != rule])
    for number, candidate in enumerate(candidates):
        if candidate.effect is RuleEffect.ALLOW and not holds(candidate, context):
            bare = [*candidates[:number], replace(candidate, condition=None), *candidates[number + 1 :]]
            yield of(Kind.CONDITION, candidate.rule.id, rules=bare)
    for reason in decision.reasons:
        if reason in _NO_DEMANDS:
            yield of(Kind.DEMAND, reason.value, zone=replace(zone, **_NO_DEMANDS[reason]))
    risks = range(context.risk + 1, 101) if decision.effect in PASSES else range(context.risk - 1, -1, -1)
    request = situation.request
    for risk in risks:
        lately = recent(request.facts.risk_peaks, risk, request.at)[0]
        other = replace(context, risk=risk, recent_risk=lately)
        changed = of(Kind.RISK, "risk", context.risk, risk, who=Who.CIRCUMSTANCE, context=other)
        if turns(decision.effect, changed.effect):
            yield changed
            return
