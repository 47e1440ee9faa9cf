"""What would have changed the answer: single changes of a fact, a role, a rule or a demand, each one tried.

Nothing is concluded: each change is made, and the request decided again. So what is told is true of this request, at
this moment, by this version, and says nothing of two changes at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from msgspec.structs import replace

from policy.artefact import ANONYMOUS, ANY, RuleEffect, Zone
from policy.conditions import names_compared
from policy.context import Context
from policy.decide import decide
from policy.decision import Decision, Effect, StepUp
from policy.demand import with_demand
from policy.explain.told import Change, Kind, Value, Who
from policy.judgement import Situation, judge
from policy.reasons import Reason
from policy.recent_risk import recent
from policy.request import CLIENT_ROLE, AccessRequest, DeviceTrust, Facts, Subject
from policy.snapshot import CompiledRule, Snapshot, holds

OF_A_KIND = 5
"""Changes of one kind that are told: of many countries, say, the first ones."""
HOUR, WEEK = 3600, 7 * 24
_PASSES = (Effect.ALLOW, Effect.REDUCE)
_ORDER = {kind: place for place, kind in enumerate(Kind)}
_WHOSE = {who: place for place, who in enumerate(Who)}
_NO_DEMANDS: Mapping[Reason, Mapping[str, Any]] = {
    Reason.ASSURANCE_TOO_LOW: {"assurance": 0, "step_up_risk": 100},
    Reason.AUTHENTICATION_TOO_OLD: {"max_age": None},
    Reason.DEVICE_TRUST_TOO_LOW: {"device": DeviceTrust.UNKNOWN},
    Reason.NETWORK_NOT_ALLOWED: {"networks": ()},
    Reason.COUNTRY_NOT_ALLOWED: {"countries": ()},
    Reason.OUTSIDE_HOURS: {"hours": None, "weekdays": ()},
    Reason.RISK_TOO_HIGH: {"max_risk": 100},
}


class _Tried(NamedTuple):
    """A change, and the request with it."""

    kind: Kind
    who: Who
    name: str
    was: Value
    would_be: Value
    request: AccessRequest


def changes(
    situation: Situation, snapshot: Snapshot, decision: Decision, demand: StepUp | None = None
) -> tuple[Change, ...]:
    """Every single change that would have turned the answer over, the least first.

    An answer that lets pass is turned over by one that does not. One that refuses is by one that lets pass, and a
    denial by one that asks for a step-up, too.
    """
    passed = decision.effect in _PASSES
    found = [*_of_requests(situation, snapshot, decision, demand), *_of_policy(situation, decision, demand)]
    told: dict[Kind, list[Change]] = {}
    for change in found:
        alike = told.setdefault(change.kind, [])
        if _turns(decision.effect, change.effect) and len(alike) < OF_A_KIND:
            alike.append(change)
    if told.get(Kind.SIGN_IN_AGAIN) or told.get(Kind.SECOND_FACTOR):
        told.pop(Kind.SECOND_FACTOR_ANEW, None)  # one of the two is enough
    flat = [change for alike in told.values() for change in alike]
    if passed:
        return tuple(sorted(flat, key=lambda change: (_WHOSE[change.who], _ORDER[change.kind])))
    return tuple(
        sorted(flat, key=lambda change: (_WHOSE[change.who], change.effect not in _PASSES, _ORDER[change.kind]))
    )


def _turns(was: Effect, would_be: Effect) -> bool:
    if was in _PASSES:
        return would_be not in _PASSES
    return would_be in _PASSES or (was is Effect.DENY and would_be is Effect.STEP_UP)


def _of_requests(
    situation: Situation, snapshot: Snapshot, decision: Decision, demand: StepUp | None
) -> Iterator[Change]:
    request = situation.request
    tried = [*_roles(situation, snapshot), *_places(situation), *_times(situation, snapshot, decision)]
    if decision.effect in _PASSES:
        tried += _losses(request)
    else:
        tried += _acts(situation)
    for one in tried:
        answer = decide(one.request, snapshot)
        if demand is not None and (left := _left_of(demand, one.request)) is not None:
            answer = with_demand(answer, left)
        yield Change(one.kind, one.who, one.name, one.was, one.would_be, answer.effect, answer.winner)


def _left_of(demand: StepUp, request: AccessRequest) -> StepUp | None:
    """What a route's demand still lacks once a change was made; None: nothing."""
    at = request.subject.authenticated_at
    assurance, max_age = demand.assurance, demand.max_age
    if assurance is not None and request.subject.assurance >= assurance:
        assurance = None
    if max_age is not None and at is not None and request.at - at <= max_age:
        max_age = None
    return None if assurance is None and max_age is None else StepUp(assurance, max_age)


def _acts(situation: Situation) -> Iterator[_Tried]:
    """What a signed-in person can do at once."""
    request = situation.request
    subject = request.subject
    if request.method != "GET":
        other = replace(request, method="GET")
        yield _Tried(Kind.METHOD, Who.PERSON, "method", request.method, "GET", other)
    if not subject.id or subject.machine:
        return
    fresh = replace(subject, authenticated_at=request.at)
    age = situation.context.auth_age
    yield _Tried(Kind.SIGN_IN_AGAIN, Who.PERSON, "auth_age", age, 0, replace(request, subject=fresh))
    if subject.assurance < 2:
        further = replace(request, subject=replace(subject, assurance=2))
        yield _Tried(Kind.SECOND_FACTOR, Who.PERSON, "assurance", subject.assurance, 2, further)
        anew = replace(request, subject=replace(fresh, assurance=2))
        yield _Tried(Kind.SECOND_FACTOR_ANEW, Who.PERSON, "assurance", subject.assurance, 2, anew)


def _losses(request: AccessRequest) -> Iterator[_Tried]:
    """With less known of who asks, from where, and how they signed in."""
    subject, facts = request.subject, request.facts

    def of(subject: Subject | None = None, facts: Facts | None = None) -> AccessRequest:
        return replace(request, subject=subject or request.subject, facts=facts or request.facts)

    for lower in range(subject.assurance - 1, 0, -1):
        less = of(replace(subject, assurance=lower))
        yield _Tried(Kind.ASSURANCE, Who.CIRCUMSTANCE, "assurance", subject.assurance, lower, less)
    if subject.authenticated_at is not None:
        age = request.at - subject.authenticated_at
        unknown = of(replace(subject, authenticated_at=None))
        yield _Tried(Kind.AUTHENTICATION, Who.CIRCUMSTANCE, "auth_age", age, None, unknown)
    for trust in range(int(facts.device_trust) - 1, -1, -1):
        level = DeviceTrust(trust)
        less = of(facts=replace(facts, device_trust=level))
        was = facts.device_trust.name.lower()
        yield _Tried(Kind.DEVICE, Who.CIRCUMSTANCE, "device", was, level.name.lower(), less)
    if facts.session_device and facts.device_id == facts.session_device:
        other = of(facts=replace(facts, device_id=facts.device_id + "'"))
        yield _Tried(Kind.SAME_DEVICE, Who.CIRCUMSTANCE, "same_device", True, False, other)
    for kind, name in ((Kind.COUNTRY, "country"), (Kind.NETWORK, "network"), (Kind.CERTIFICATE, "certificate")):
        if was := getattr(facts, name):
            yield _Tried(kind, Who.CIRCUMSTANCE, name, was, None, of(facts=replace(facts, **{name: ""})))


def _places(situation: Situation) -> Iterator[_Tried]:
    """Another device, place or network: what conditions, the zone and the session's beginning name."""
    request, zone = situation.request, situation.zone
    facts = request.facts

    def of(kind: Kind, name: str, was: Value, would_be: Value, **values: object) -> _Tried:
        return _Tried(
            kind, Who.CIRCUMSTANCE, name, was or None, would_be, replace(request, facts=replace(facts, **values))
        )

    if facts.session_device and facts.device_id != facts.session_device:
        yield of(Kind.SAME_DEVICE, "same_device", "no", True, device_id=facts.session_device)
    if facts.session_address and facts.address != facts.session_address:
        yield of(Kind.SAME_ADDRESS, "same_address", "no", True, address=facts.session_address)
    if facts.session_country and facts.country != facts.session_country:
        yield of(Kind.SAME_COUNTRY, "same_country", "no", True, country=facts.session_country)
    for trust in DeviceTrust:
        if trust > facts.device_trust:
            was = facts.device_trust.name.lower()
            yield of(Kind.DEVICE, "device", was, trust.name.lower(), device_trust=trust)
    named = _named(situation.candidates)
    for network in dict.fromkeys((*zone.networks, *named.get("network", ()))):
        if network != facts.network:
            yield of(Kind.NETWORK, "network", facts.network, network, network=network)
    for country in dict.fromkeys((*zone.countries, *named.get("country", ()))):
        if country != facts.country:
            yield of(Kind.COUNTRY, "country", facts.country, country, country=country)
    if facts.actor:
        yield of(Kind.ACTOR, "actor", facts.actor, "", actor="")
    for name, member in (("client_certificate", "certificate"), ("client_certificate_name", "certificate_name")):
        for value in named.get(name, ()):
            if value != getattr(facts, member):
                yield of(Kind.CERTIFICATE, name, getattr(facts, member), value, **{member: value})


def _named(candidates: Iterable[CompiledRule]) -> dict[str, list[str]]:
    """The texts that conditions compare each name with."""
    named: dict[str, list[str]] = {}
    for candidate in candidates:
        if candidate.rule.condition:
            for name, values in names_compared(candidate.rule.condition).items():
                named.setdefault(name, []).extend(values)
    return named


def _times(situation: Situation, snapshot: Snapshot, decision: Decision) -> list[_Tried]:
    """The first full hour of the next seven days at which the answer turns over, everything else as it is."""
    request = situation.request
    hour = request.at - request.at % HOUR
    for number in range(1, WEEK + 1):
        at = hour + number * HOUR
        began = request.subject.authenticated_at
        shifted = None if began is None else began + at - request.at
        later = replace(request, at=at, subject=replace(request.subject, authenticated_at=shifted))
        if _turns(decision.effect, decide(later, snapshot).effect):
            return [_Tried(Kind.TIME, Who.CIRCUMSTANCE, "at", request.at, at, later)]
    return []


def _roles(situation: Situation, snapshot: Snapshot) -> Iterator[_Tried]:
    """A role more, or one less; another organisation."""
    request = situation.request
    subject = request.subject
    there = [one.rule for one in snapshot.rules_at(request.zone, request.method, request.path)]
    for role in dict.fromkeys(rule.role for rule in there):
        if role in (ANY, ANONYMOUS) or role in subject.roles or role.startswith(CLIENT_ROLE) or subject.machine:
            continue
        if subject.id:
            more = replace(request, subject=replace(subject, roles=subject.roles | {role}))
            yield _Tried(Kind.ROLE, Who.ADMINISTRATOR, role, False, True, more)
        else:
            somebody = Subject("somebody", "", frozenset({role}), max(1, situation.zone.assurance), request.at)
            yield _Tried(Kind.SIGN_IN, Who.PERSON, role, False, True, replace(request, subject=somebody))
    for role in sorted(subject.roles):
        less = replace(request, subject=replace(subject, roles=subject.roles - {role}))
        yield _Tried(Kind.ROLE, Who.ADMINISTRATOR, role, True, False, less)
    for place in dict.fromkeys(rule.organisation for rule in there):
        if place not in (ANY, subject.organisation) and subject.id and not subject.machine:
            elsewhere = replace(request, subject=replace(subject, organisation=place))
            was = subject.organisation or None
            yield _Tried(Kind.ORGANISATION, Who.ADMINISTRATOR, "organisation", was, place, elsewhere)


def _of_policy(situation: Situation, decision: Decision, demand: StepUp | None) -> Iterator[Change]:
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
    if demand is None and (base.effect in _PASSES) is not (decision.effect in _PASSES):
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
    risks = range(context.risk + 1, 101) if decision.effect in _PASSES else range(context.risk - 1, -1, -1)
    request = situation.request
    for risk in risks:
        lately = recent(request.facts.risk_peaks, risk, request.at)[0]
        other = replace(context, risk=risk, recent_risk=lately)
        changed = of(Kind.RISK, "risk", context.risk, risk, who=Who.CIRCUMSTANCE, context=other)
        if _turns(decision.effect, changed.effect):
            yield changed
            return
