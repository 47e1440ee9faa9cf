"""What would make it an allow: the least that a signed-in person can do about a refusal (RFC 9470)."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from policy.context import Context
from policy.decision import StepUp
from policy.judgement import Situation, judged
from policy.local_time import within
from policy.reasons import Reason
from policy.recent_risk import recent
from policy.request import DeviceTrust
from policy.risk.observation import observe
from policy.risk.score import score

HIGHEST_ASSURANCE = 3


def least_step_up(situation: Situation) -> tuple[StepUp, tuple[Reason, ...]] | None:
    """The least step after which the request is allowed, and why it is needed; None where no step helps."""
    best = _after(situation, StepUp(HIGHEST_ASSURANCE, 0, int(DeviceTrust.ATTESTED)))
    if not _allowed(situation, best):
        return None
    for step in _steps(situation):
        if _allowed(situation, _after(situation, step)):
            return step, why(step)
    return None


def _allowed(situation: Situation, context: Context) -> bool:
    return not judged(situation, context).refused


def _steps(situation: Situation) -> Iterator[StepUp]:
    """From the easiest to the hardest: signing in again, a further factor, both, then a better known device."""
    context = situation.context
    assurances = [None, *range(context.assurance + 1, HIGHEST_ASSURANCE + 1)]
    devices = [None, *range(max(context.device or 0, DeviceTrust.KNOWN) + 1, DeviceTrust.ATTESTED + 1)]
    ages: list[int | None] = [None, *_ages(situation)]
    for device in devices:
        for assurance in assurances:
            for max_age in ages:
                if device is not None or assurance is not None or max_age is not None:
                    yield StepUp(assurance, max_age, device)


def _ages(situation: Situation) -> list[int]:
    """The ages that rules and zone ask for, the most generous first; just below each, for a strict comparison."""
    asked = {situation.zone.max_age or 0, int(situation.demanded or 0), 0}
    for candidate in situation.candidates:
        asked.update(candidate.ages)
    ages = {age for limit in asked for age in (limit, limit - 1) if age >= 0}
    current = situation.context.auth_age
    return sorted((age for age in ages if current is None or age < current), reverse=True)


def _after(situation: Situation, step: StepUp) -> Context:
    """The context once a step was taken; a better known device also lowers the risk."""
    context = situation.context
    if step.assurance is not None:
        context = replace(context, assurance=max(context.assurance, step.assurance))
    if step.max_age is not None:
        context = replace(context, auth_age=float(step.max_age))
    if step.device_trust is not None:
        trust = DeviceTrust(max(context.device or 0, step.device_trust))
        facts = replace(situation.request.facts, device_trust=trust)
        usual = None if context.hour is None else within(situation.standing.usual_hours, context.hour)
        risk = score(observe(facts, usual, situation.suspicion))[0]
        lately = recent(facts.risk_peaks, risk, situation.request.at)[0]
        context = replace(context, device=int(trust), risk=risk, recent_risk=lately)
    return context


def why(step: StepUp) -> tuple[Reason, ...]:
    """What a step makes up for."""
    reasons = []
    if step.assurance is not None:
        reasons.append(Reason.ASSURANCE_TOO_LOW)
    if step.max_age is not None:
        reasons.append(Reason.AUTHENTICATION_TOO_OLD)
    if step.device_trust is not None:
        reasons.append(Reason.DEVICE_TRUST_TOO_LOW)
    return tuple(reasons)
