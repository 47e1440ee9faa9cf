"""What rules and zone say of a request, before it is known what a person could do about it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

import msgspec

from policy import zones
from policy.artefact import ANONYMOUS, Rule, RuleEffect, Zone
from policy.context import Context, since_authentication
from policy.local_time import within
from policy.obligations import names_other_methods, narrowest, permits
from policy.reasons import Reason
from policy.recent_risk import recent
from policy.request import CLIENT_ROLE, AccessRequest, Facts, MeasureEffect, assignee
from policy.risk.observation import Observation, observe
from policy.risk.score import score
from policy.snapshot import CompiledRule, Snapshot, Standing, holds

OF_PRIVILEGES = frozenset({Reason.PRIVILEGES_REDUCED, Reason.METHOD_NOT_ALLOWED})
"""Why less is allowed than was asked for, though a rule and the zone let the caller in."""
KEPT_FACTS = 8192
"""Facts of which the risk is remembered; the one used longest ago goes."""
_NO_ROLES: frozenset[str] = frozenset()
_NOTHING_ORDERED: tuple[int, tuple[str, ...], float | None] = (0, (), None)


class Judgement(msgspec.Struct, frozen=True, gc=False):
    """What rules and zone say of one context."""

    winner: Rule | None
    """The rule that decided; None: none did."""
    refused: tuple[Reason, ...]
    """Empty: allowed."""
    obligations: tuple[str, ...]
    """Of what is allowed; and where it is refused for these alone, what is left."""


class Situation(msgspec.Struct, frozen=True, gc=False):
    """A request with everything that was worked out for it once."""

    request: AccessRequest
    zone: Zone
    candidates: Sequence[CompiledRule]
    standing: Standing
    context: Context
    signals: tuple[tuple[str, int], ...]
    quarter_ends: float
    """Epoch seconds: the end of this quarter of an hour, or before it the moment at which a risk of lately counts no
    more."""
    suspicion: int = 0
    """Points of risk that measures add."""
    laid: tuple[str, ...] = ()
    """Obligations that measures lay on whatever is allowed."""
    demanded: float | None = None
    """Seconds since the last measure that demands two factors given after it; None: there is none."""


def survey(request: AccessRequest, snapshot: Snapshot, zone: Zone | None = None) -> Situation:
    """Work out local time, risk, context and the rules that speak of a request. `zone`: the policy's one of its name,
    which it must have; looked up unless it is given."""
    zone = zone or snapshot.zone(request.zone)
    if zone is None:
        raise KeyError(request.zone)
    subject = request.subject
    roles = subject.roles if subject.id else _NO_ROLES
    if request.elevations:
        roles = roles.union(elevated.role for elevated in request.elevations)
    suspicion, laid, demanded = _ordered(request) if request.measures else _NOTHING_ORDERED
    name = assignee(subject) if snapshot.assigns and subject.id else ""
    standing = snapshot.standing(subject.organisation, roles, name)
    _, quarter_ends, hour, weekday, date, holiday, working_day = standing.clock.at(request.at)
    facts = request.facts
    seen, risk, signals = _seen(facts, within(standing.usual_hours, hour), suspicion)
    recent_risk, until = recent(facts.risk_peaks, risk, request.at) if facts.risk_peaks else (risk, quarter_ends)
    context = Context(
        int(facts.device_trust) or None,
        subject.assurance,
        since_authentication(subject, request.at),
        facts.country or None,
        facts.network or None,
        hour,
        weekday,
        risk,
        seen.same_device,
        seen.same_country,
        seen.same_address,
        facts.actor,
        facts.certificate or None,
        facts.certificate_name or None,
        date,
        holiday,
        working_day,
        recent_risk,
        seen.threat,
    )
    candidates = snapshot.candidates(standing, request.zone, request.method, request.path)
    until = min(until, quarter_ends)
    return Situation(request, zone, candidates, standing, context, signals, until, suspicion, laid, demanded)


def _ordered(request: AccessRequest) -> tuple[int, tuple[str, ...], float | None]:
    """What the measures of a request come to, but for a denial: points, obligations, and since when factors are asked
    for anew."""
    suspicion, laid, demanded = _NOTHING_ORDERED
    for measure in request.measures:
        match measure.effect:
            case MeasureEffect.RISK:
                suspicion += measure.points
            case MeasureEffect.SHRINK:
                laid += measure.obligations
            case MeasureEffect.STEP_UP:
                since = max(0.0, request.at - measure.since)
                demanded = since if demanded is None else min(demanded, since)
    return suspicion, laid, demanded


@lru_cache(maxsize=KEPT_FACTS)
def _seen(facts: Facts, usual_time: bool, suspicion: int) -> tuple[Observation, int, tuple[tuple[str, int], ...]]:
    """What stays the same while the facts do: the observation, its risk and the shares."""
    observed = observe(facts, usual_time, suspicion)
    return observed, *score(observed)


def judged(situation: Situation, context: Context, *, machine: bool = False) -> Judgement:
    """What rules, zone and measures say of a situation, as it is or as another context would make it."""
    return judge(
        situation.candidates,
        situation.zone,
        context,
        situation.request.method,
        machine=machine,
        laid=situation.laid,
        demanded=situation.demanded,
    )


def judge(
    candidates: Sequence[CompiledRule],
    zone: Zone,
    context: Context,
    method: str,
    *,
    machine: bool = False,
    laid: tuple[str, ...] = (),
    demanded: float | None = None,
) -> Judgement:
    """The first allow or deny that matches decides; what it allows is still subject to the zone and to reductions.

    `laid`: obligations beside those of the rules. `demanded`: two factors are needed, given within so many seconds.
    """
    reductions = laid
    for candidate in candidates:
        if candidate.condition is not None and not holds(candidate, context):
            continue
        effect, rule = candidate.effect, candidate.rule
        if effect is RuleEffect.REDUCE:
            reductions += rule.obligations
            continue
        if effect is not RuleEffect.ALLOW:
            return Judgement(rule, (Reason.RULE_DENIES,), ())
        obligations = reductions + rule.obligations
        if len(obligations) > 1:
            obligations = narrowest(obligations)
        refused = zones.unmet(zone, context, public=asks_no_person(rule.role, machine=machine))
        if demanded is not None and rule.role != ANONYMOUS:
            refused += tuple(reason for reason in _stale(context, demanded) if reason not in refused)
        if obligations and not permits(obligations, method):
            others = names_other_methods(rule.obligations, method)
            reason = Reason.METHOD_NOT_ALLOWED if others else Reason.PRIVILEGES_REDUCED
            return Judgement(rule, (*refused, reason), () if refused else obligations)
        return Judgement(rule, refused, () if refused else obligations)
    return Judgement(None, (Reason.NO_RULE,), ())


def _stale(context: Context, demanded: float) -> Iterator[Reason]:
    if context.assurance < 2:
        yield Reason.ASSURANCE_TOO_LOW
    if context.auth_age is None or context.auth_age > demanded:
        yield Reason.AUTHENTICATION_TOO_OLD


def asks_no_person(role: str, *, machine: bool) -> bool:
    """Whether a rule for this role makes none of the zone's demands on person and device: it is public, or it names the
    very program that asks, which is no person and has no device."""
    return role == ANONYMOUS or (machine and role.startswith(CLIENT_ROLE))
