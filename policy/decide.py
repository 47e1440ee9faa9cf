"""Risk and rules and what the zone demands -> one of four answers. Falling through is deny (P2, P3)."""

from __future__ import annotations

from msgspec.structs import replace

from policy import zones
from policy.artefact import Rule, RuleEffect
from policy.context import CLOCK_SKEW
from policy.decision import Decision, Effect
from policy.judgement import Situation, judge, survey
from policy.overlay.overlay import NOTHING, Overlay
from policy.reasons import Reason
from policy.request import AccessRequest, MeasureEffect
from policy.snapshot import Snapshot, holds
from policy.step_up import HIGHEST_ASSURANCE, least_step_up

_ALLOWED: tuple[Reason, ...] = (Reason.RULE_ALLOWS,)
_REDUCED: tuple[Reason, ...] = (Reason.RULE_ALLOWS, Reason.PRIVILEGES_REDUCED)


def decide(request: AccessRequest, snapshot: Snapshot, overlay: Overlay = NOTHING) -> Decision:
    """Decide one request by one version of the policy and what stands above it. Never raises: what goes wrong is
    denied.

    Wherever rules, subject and facts are those of an earlier request, its answer is given again for as long as it
    stands: the very same that `decide_anew` would come to.
    """
    try:
        if overlay is not NOTHING:
            if not overlay.known:
                return Decision(Effect.DENY, (Reason.MEASURES_UNKNOWN,), snapshot.version)
            request = overlay.applied(request)
        if request.elevations or request.measures or not snapshot.version:
            return _decide(request, snapshot)
        at, zone, method = request.at, request.zone, request.method
        question = snapshot.reached(zone, method, request.path), zone, method, request.subject, request.facts
        lease = snapshot.leases.get(question)
        if lease is not None and lease[0] <= at < lease[1].stands_until:
            return lease[1]
        decision = _decide(request, snapshot)
        if decision.stands_until > at:
            snapshot.lease(question, at, decision)
    except Exception:
        return Decision(Effect.DENY, (Reason.EVALUATION_FAILED,), snapshot.version)
    return decision


def decide_anew(request: AccessRequest, snapshot: Snapshot, overlay: Overlay = NOTHING) -> Decision:
    """The same, worked out without a look at what was decided before."""
    try:
        if not overlay.known:
            return Decision(Effect.DENY, (Reason.MEASURES_UNKNOWN,), snapshot.version)
        return _decide(overlay.applied(request), snapshot)
    except Exception:
        return Decision(Effect.DENY, (Reason.EVALUATION_FAILED,), snapshot.version)


def _decide(request: AccessRequest, snapshot: Snapshot) -> Decision:
    if not snapshot.version:
        return Decision(Effect.DENY, (Reason.NO_POLICY,), 0)
    zone = snapshot.zone(request.zone)
    if zone is None:
        return Decision(Effect.DENY, (Reason.UNKNOWN_ZONE,), snapshot.version)
    situation = survey(request, snapshot, zone)
    context = situation.context
    machine = request.subject.machine
    if request.measures and any(measure.effect is MeasureEffect.DENY for measure in request.measures):
        return _barred(situation, Reason.MEASURE_DENIES, snapshot.version)
    if snapshot.flows is not None and (barred := snapshot.flows.barred(request)) is not None:
        return _barred(situation, barred, snapshot.version)
    judgement = judge(
        situation.candidates,
        zone,
        context,
        request.method,
        machine=machine,
        laid=situation.laid,
        demanded=situation.demanded,
    )
    winner, refused, obligations = judgement.winner, judgement.refused, judgement.obligations
    effect, reasons, step_up = Effect.ALLOW, _ALLOWED, None
    if obligations:
        effect, reasons = Effect.REDUCE, _REDUCED
    if refused:
        effect, reasons = Effect.DENY, refused
        if not request.subject.id:
            closed = _closed_to_everybody(situation)
            if closed:
                reasons = closed
            elif _sign_in_may_help(situation, snapshot, winner):
                reasons = (Reason.NOT_AUTHENTICATED,)
        elif not machine and situation.candidates and (found := least_step_up(situation)) is not None:
            effect, (step_up, reasons) = Effect.STEP_UP, found
            if Reason.PRIVILEGES_REDUCED in refused:
                reasons = (*reasons, Reason.PRIVILEGES_REDUCED)
    return Decision(
        effect,
        reasons,
        snapshot.version,
        winner.id if winner is not None else "",
        context.risk,
        situation.signals,
        obligations,
        step_up,
        _stands_until(situation),
        request.elevations,
        request.measures,
    )


def _barred(situation: Situation, reason: Reason, version: int) -> Decision:
    """Denied before any rule is asked."""
    request = situation.request
    return Decision(
        Effect.DENY,
        (reason,),
        version,
        risk=situation.context.risk,
        signals=situation.signals,
        stands_until=_stands_until(situation),
        elevations=request.elevations,
        measures=request.measures,
    )


def _closed_to_everybody(situation: Situation) -> tuple[Reason, ...]:
    """What the zone demands that signing in changes nothing about; a risk falls where the device turns out known."""
    unmet = zones.unmet(situation.zone, situation.context, public=True)
    return tuple(reason for reason in unmet if reason is not Reason.RISK_TOO_HIGH)


def _sign_in_may_help(situation: Situation, snapshot: Snapshot, winner: Rule | None) -> bool:
    """Whether somebody who signed in may be let in here, as far as can be told without knowing who."""
    request = situation.request
    if winner is not None and winner.effect is RuleEffect.DENY:
        signed_in = replace(situation.context, assurance=HIGHEST_ASSURANCE, auth_age=0.0)
        denied = [candidate for candidate in situation.candidates if candidate.rule is winner]
        if any(holds(candidate, signed_in) for candidate in denied):
            return False
    return snapshot.allows_somebody(request.zone, request.method, request.path)


def _stands_until(situation: Situation) -> float:
    """The end of this quarter of an hour, or the moment before it at which a risk of lately counts no more, an age that
    is asked for is reached, or an elevation or a measure is over."""
    request = situation.request
    until = situation.quarter_ends
    if request.elevations or request.measures:
        passing = [one.until for one in request.elevations] + [one.until for one in request.measures]
        until = min(until, *passing)
    authenticated_at = request.subject.authenticated_at
    if authenticated_at is None:
        return until
    now = request.at
    if now < authenticated_at - CLOCK_SKEW < until:  # from then on it is known how old the authentication is
        until = authenticated_at - CLOCK_SKEW
    max_age = situation.zone.max_age
    if max_age is not None and now <= authenticated_at + max_age < until:
        until = authenticated_at + max_age
    for candidate in situation.candidates:
        for age in candidate.ages:
            if now <= authenticated_at + age < until:
                until = authenticated_at + age
    return until
