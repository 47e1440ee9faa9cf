"""Other callers: who did more, or has less, comes from elsewhere, at another hour, or holds another role."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from policy.artefact import ANONYMOUS, ANY
from policy.conditions import names_compared
from policy.decide import decide
from policy.decision import Decision
from policy.explain.told import Kind, Value, Who
from policy.explain.tried import Tried, turns
from policy.judgement import Situation
from policy.request import CLIENT_ROLE, AccessRequest, DeviceTrust, Facts, Subject
from policy.snapshot import CompiledRule, Snapshot

HOUR, WEEK = 3600, 7 * 24


def acts(situation: Situation) -> Iterator[Tried]:
    """What a signed-in person can do at once."""
    request = situation.request
    subject = request.subject
    if request.method != "GET":
        other = replace(request, method="GET")
        yield Tried(Kind.METHOD, Who.PERSON, "method", request.method, "GET", other)
    if not subject.id or subject.machine:
        return
    fresh = replace(subject, authenticated_at=request.at)
    age = situation.context.auth_age
    yield Tried(Kind.SIGN_IN_AGAIN, Who.PERSON, "auth_age", age, 0, replace(request, subject=fresh))
    level = max(2, situation.zone.assurance)  # a zone may demand more than two factors
    if subject.assurance < level:
        further = replace(request, subject=replace(subject, assurance=level))
        yield Tried(Kind.SECOND_FACTOR, Who.PERSON, "assurance", subject.assurance, level, further)
        anew = replace(request, subject=replace(fresh, assurance=level))
        yield Tried(Kind.SECOND_FACTOR_ANEW, Who.PERSON, "assurance", subject.assurance, level, anew)


def losses(request: AccessRequest) -> Iterator[Tried]:
    """With less known of who asks, from where, and how they signed in."""
    subject, facts = request.subject, request.facts

    def of(subject: Subject | None = None, facts: Facts | None = None) -> AccessRequest:
        return replace(request, subject=subject or request.subject, facts=facts or request.facts)

    for lower in range(subject.assurance - 1, 0, -1):
        less = of(replace(subject, assurance=lower))
        yield Tried(Kind.ASSURANCE, Who.CIRCUMSTANCE, "assurance", subject.assurance, lower, less)
    if subject.authenticated_at is not None:
        age = request.at - subject.authenticated_at
        unknown = of(replace(subject, authenticated_at=None))
        yield Tried(Kind.AUTHENTICATION, Who.CIRCUMSTANCE, "auth_age", age, None, unknown)
    for trust in range(int(facts.device_trust) - 1, -1, -1):
        level = DeviceTrust(trust)
        less = of(facts=replace(facts, device_trust=level))
        was = facts.device_trust.name.lower()
        yield Tried(Kind.DEVICE, Who.CIRCUMSTANCE, "device", was, level.name.lower(), less)
    if facts.session_device and facts.device_id == facts.session_device:
        other = of(facts=replace(facts, device_id=facts.device_id + "'"))
        yield Tried(Kind.SAME_DEVICE, Who.CIRCUMSTANCE, "same_device", True, False, other)
    for kind, name in ((Kind.COUNTRY, "country"), (Kind.NETWORK, "network"), (Kind.CERTIFICATE, "certificate")):
        if was := getattr(facts, name):
            yield Tried(kind, Who.CIRCUMSTANCE, name, was, None, of(facts=replace(facts, **{name: ""})))


def places(situation: Situation) -> Iterator[Tried]:
    """Another device, place or network: what conditions, the zone and the session's beginning name."""
    request, zone = situation.request, situation.zone
    facts = request.facts

    def of(kind: Kind, name: str, was: Value, would_be: Value, **values: object) -> Tried:
        return Tried(
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


def times(situation: Situation, snapshot: Snapshot, decision: Decision) -> list[Tried]:
    """The first full hour of the next seven days at which the answer turns over, everything else as it is."""
    request = situation.request
    hour = request.at - request.at % HOUR
    for number in range(1, WEEK + 1):
        at = hour + number * HOUR
        began = request.subject.authenticated_at
        shifted = None if began is None else began + at - request.at
        later = replace(request, at=at, subject=replace(request.subject, authenticated_at=shifted))
        if turns(decision.effect, decide(later, snapshot).effect):
            return [Tried(Kind.TIME, Who.CIRCUMSTANCE, "at", request.at, at, later)]
    return []


def roles(situation: Situation, snapshot: Snapshot) -> Iterator[Tried]:
    """A role more, or one less; another organisation."""
    request = situation.request
    subject = request.subject
    there = [one.rule for one in snapshot.rules_at(request.zone, request.method, request.path)]
    for role in dict.fromkeys(rule.role for rule in there):
        if role in (ANY, ANONYMOUS) or role in subject.roles or role.startswith(CLIENT_ROLE) or subject.machine:
            continue
        if subject.id:
            more = replace(request, subject=replace(subject, roles=subject.roles | {role}))
            yield Tried(Kind.ROLE, Who.ADMINISTRATOR, role, False, True, more)
        else:
            somebody = Subject("somebody", "", frozenset({role}), max(1, situation.zone.assurance), request.at)
            yield Tried(Kind.SIGN_IN, Who.PERSON, role, False, True, replace(request, subject=somebody))
    for role in sorted(subject.roles):
        less = replace(request, subject=replace(subject, roles=subject.roles - {role}))
        yield Tried(Kind.ROLE, Who.ADMINISTRATOR, role, True, False, less)
    for place in dict.fromkeys(rule.organisation for rule in there):
        if place not in (ANY, subject.organisation) and subject.id and not subject.machine:
            elsewhere = replace(request, subject=replace(subject, organisation=place))
            was = subject.organisation or None
            yield Tried(Kind.ORGANISATION, Who.ADMINISTRATOR, "organisation", was, place, elsewhere)
