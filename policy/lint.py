"""What is wrong with a policy before it can do harm: errors refuse it, warnings are told."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from enum import StrEnum
from itertools import islice, product
from zoneinfo import ZoneInfoNotFoundError

import msgspec

from policy import conditions, demands, overlap, path_pattern
from policy.artefact import ADMIN_ZONE as ADMIN_ZONE
from policy.artefact import ADMINISTRATOR as ADMINISTRATOR
from policy.artefact import ANONYMOUS, ANY, Policy, Rule, RuleEffect, Zone
from policy.bands import PREFIX
from policy.context import Context
from policy.expand import Resources, UnknownResource
from policy.judgement import judge
from policy.local_time import LocalTime
from policy.obligations import LIMIT, SAFE_METHODS
from policy.request import GROUP, DeviceTrust
from policy.roles import Hierarchy, WrongHierarchy
from policy.satisfiable import satisfiable
from policy.snapshot import Snapshot, compile_policy
from policy.zone_lint import ZoneFault, zone_faults, zone_warnings

_LIMIT = re.compile(r"limit:[1-9][0-9]{0,5}")
PUBLISHING = (
    ("POST", "/api/policy/drafts"),
    ("POST", "/api/policy/versions/1/approval"),
    ("POST", "/api/policy/versions/1/publish"),
    ("POST", "/api/policy/rollback"),
)
"""What somebody must remain able to do, or no policy could ever be put right again."""
MOST_WARNINGS = 1000
"""Warnings of one kind that are told; of the others their number is not worked out."""
_NEVER_FORWARDED = frozenset({"CONNECT", "TRACE"})


class Severity(StrEnum):
    """What a finding means for a policy."""

    ERROR = "error"
    """It is not published as it is."""
    WARNING = "warning"


SOME_DAY = "9000-01-01"
"""A day after all that a policy may name: what is refused for a while is open again by then."""


class Fault(StrEnum):
    """A closed vocabulary."""

    EMPTY = "empty"
    DUPLICATE_ID = "duplicate_id"
    DUPLICATE_ZONE = "duplicate_zone"
    DUPLICATE_RESOURCE = "duplicate_resource"
    UNKNOWN_ZONE = "unknown_zone"
    UNKNOWN_ROLE = "unknown_role"
    UNKNOWN_RESOURCE = "unknown_resource"
    EMPTY_GROUP = "empty_group"
    WRONG_PATH = "wrong_path"
    WRONG_CONDITION = "wrong_condition"
    WRONG_OBLIGATION = "wrong_obligation"
    WRONG_HIERARCHY = "wrong_hierarchy"
    WRONG_TIME_ZONE = "wrong_time_zone"
    ADMINISTRATOR_LOCKED_OUT = "administrator_locked_out"
    DUPLICATE_TEST = "duplicate_test"
    SHADOWED = "shadowed"
    """Earlier rules always decide: it can never win."""
    CONFLICTING = "conflicting"
    """One of two rules of one priority denies what the other allows: only their ids say which comes first."""
    UNREACHABLE = "unreachable"
    """No request that gets as far as the rules is one that it speaks of, or its zone lets none of them in."""
    NEVER_MATCHES = "never_matches"
    """Its condition contradicts itself."""
    TEST_FAILED = "test_failed"
    """A test that travels with the policy; it keeps a draft from being published, not from being stored."""
    ZONE_SHUT = "zone_shut"
    """A zone that people are let into by the published policy has no rule left that allows anything."""
    PROGRAMS_SHUT_OUT = "programs_shut_out"
    """Programs release policies by the published one, and none could by this."""
    PUBLIC_CHANGE = "public_change"
    """A public rule lets anybody change something, without a limit."""
    DUPLICATE_SERVICE = "duplicate_service"
    """A service is at home in two zones."""
    WRONG_NESTING = "wrong_nesting"
    WEAKER_NESTING = "weaker_nesting"
    """A zone demands less than the one that it lies in."""
    WEAKER_FLOW = "weaker_flow"
    """A flow leads into a stricter zone and demands no more for it."""
    NO_FLOW = "no_flow"
    """A rule allows a program something in a zone that no flow leads it into."""
    ENGINES_DISAGREE = "engines_disagree"
    """The compiled policy does not mean what Casbin makes of the same rules (found when it is published)."""


class Finding(msgspec.Struct, frozen=True):
    """One thing found."""

    fault: Fault
    message: str
    rule: str = ""
    """The id of the rule it is in; empty: it is in no single one."""
    refuses: bool = True
    """Whether a draft is not even stored with it."""

    @property
    def severity(self) -> Severity:
        return Severity.ERROR if self.refuses or self.fault in _KEEPS_FROM_PUBLISHING else Severity.WARNING


_KEEPS_FROM_PUBLISHING = frozenset({Fault.TEST_FAILED, Fault.ZONE_SHUT, Fault.PROGRAMS_SHUT_OUT})


def lint(policy: Policy) -> tuple[Finding, ...]:
    """Everything found, errors first. The administrator's way in is looked at once nothing else is wrong."""
    return errors(policy) or weaknesses(policy, compile_policy(policy, 1))


def errors(policy: Policy) -> tuple[Finding, ...]:
    """What keeps a policy from being used at all."""
    zones, resources = frozenset(zone.name for zone in policy.zones), Resources(policy.resources)
    roles = frozenset({*policy.roles, *_groups(policy), ANONYMOUS, ANY})
    return (
        *_structure(policy),
        *(finding for rule in policy.rules for finding in _rule(rule, zones, roles, resources)),
        *(finding for band in policy.bands for finding in _limits(band.obligations, PREFIX + band.id)),
        *map(_of_zones, zone_faults(policy, roles)),
    )


def weaknesses(policy: Policy, snapshot: Snapshot) -> tuple[Finding, ...]:
    """What is wrong with a policy that can be used; `snapshot`: the same, compiled."""
    hierarchy, resources = Hierarchy(policy.inheritance), Resources(policy.resources)
    warnings = (
        _shadowed(policy.rules, hierarchy, resources),
        _conflicting(policy.rules, hierarchy, resources),
        _unreachable(policy.rules, resources),
        _without_effect(policy, resources),
        _public(policy.rules),
        _empty_groups(policy),
        map(_of_zones, zone_warnings(policy)),
    )
    return (*_administrator(policy, snapshot), *(found for kind in warnings for found in islice(kind, MOST_WARNINGS)))


def _of_zones(found: ZoneFault) -> Finding:
    return Finding(Fault(found.kind), found.message, found.rule, refuses=found.refuses)


def _structure(policy: Policy) -> Iterator[Finding]:
    if not any(rule.effect is RuleEffect.ALLOW for rule in policy.rules):
        yield Finding(Fault.EMPTY, "no rule allows anything: this would shut everybody out")
    for rule_id in _repeated(rule.id for rule in policy.rules):
        yield Finding(Fault.DUPLICATE_ID, f"more than one rule has the id {rule_id!r}", rule_id)
    for name in _repeated(zone.name for zone in policy.zones):
        yield Finding(Fault.DUPLICATE_ZONE, f"the zone {name!r} stands more than once")
    for name in _repeated(test.name for test in policy.tests):
        yield Finding(Fault.DUPLICATE_TEST, f"more than one test has the name {name[:200]!r}")
    known = {*policy.roles, *_groups(policy), ANONYMOUS}
    for link in policy.inheritance:
        for role in (link.role, link.inherits):
            if role not in known:
                yield Finding(Fault.UNKNOWN_ROLE, f"there is no role {role!r}: it stands in an inheritance only")
    yield from _elevations(policy)
    yield from _assignments(policy, known)
    for resource in policy.resources:
        if resource.zone != ANY and all(zone.name != resource.zone for zone in policy.zones):
            yield Finding(Fault.UNKNOWN_ZONE, f"the resource {resource.name!r}: there is no zone {resource.zone!r}")
        for path in resource.paths:
            try:
                path_pattern.parse(path)
            except path_pattern.WrongPattern as error:
                yield Finding(Fault.WRONG_PATH, f"the resource {resource.name!r}: {error}")
    for name in _repeated(f"{resource.name!r} of {resource.zone!r}" for resource in policy.resources):
        yield Finding(Fault.DUPLICATE_RESOURCE, f"the resource {name} stands more than once")
    try:
        Hierarchy(policy.inheritance, policy.assignments)
    except WrongHierarchy as error:
        yield Finding(Fault.WRONG_HIERARCHY, str(error))
    for name, organisation in policy.organisations.items():
        try:
            LocalTime(organisation.time_zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            yield Finding(
                Fault.WRONG_TIME_ZONE, f"organisation {name!r}: there is no time zone {organisation.time_zone[:50]!r}"
            )


def _elevations(policy: Policy) -> Iterator[Finding]:
    """A role that everybody holds is nobody's to ask for, and nobody's to approve by."""
    for rule in policy.elevations:
        for role in (rule.role, rule.asked_by, rule.approved_by):
            if role == ANONYMOUS or role not in policy.roles:
                yield Finding(
                    Fault.UNKNOWN_ROLE, f"there is no role {role!r} to hold for a time: it stands in an elevation only"
                )


def _groups(policy: Policy) -> set[str]:
    """Groups are there because somebody is in them."""
    return {given.role for given in policy.assignments if given.role.startswith(GROUP)}


def _assignments(policy: Policy, known: set[str]) -> Iterator[Finding]:
    for role in sorted({given.role for given in policy.assignments} - known):
        yield Finding(Fault.UNKNOWN_ROLE, f"there is no role {role!r}: it stands in an assignment only")


def _empty_groups(policy: Policy) -> Iterator[Finding]:
    mentioned = {given.subject for given in policy.assignments if given.subject.startswith(GROUP)}
    for group in sorted(mentioned - _groups(policy)):
        yield Finding(Fault.EMPTY_GROUP, f"nobody is in the group {group!r}", refuses=False)


def _rule(rule: Rule, zones: frozenset[str], roles: frozenset[str], resources: Resources) -> Iterator[Finding]:
    if rule.zone != ANY and rule.zone not in zones:
        yield Finding(Fault.UNKNOWN_ZONE, f"there is no zone {rule.zone!r}", rule.id)
    if rule.role not in roles:
        yield Finding(Fault.UNKNOWN_ROLE, f"there is no role {rule.role!r}", rule.id)
    try:
        for _, path in resources.places(rule):
            path_pattern.parse(path)
    except UnknownResource as error:
        yield Finding(Fault.UNKNOWN_RESOURCE, str(error), rule.id)
    except path_pattern.WrongPattern as error:
        yield Finding(Fault.WRONG_PATH, str(error), rule.id)
    try:
        if rule.condition:
            conditions.parse(rule.condition)
    except conditions.WrongCondition as error:
        yield Finding(Fault.WRONG_CONDITION, str(error), rule.id)
    if rule.effect is RuleEffect.DENY and rule.obligations:
        yield Finding(Fault.WRONG_OBLIGATION, "a rule that denies has no obligations", rule.id)
    if rule.effect is RuleEffect.REDUCE and not rule.obligations:
        yield Finding(Fault.WRONG_OBLIGATION, "a rule that reduces says by which obligations", rule.id)
    yield from _limits(rule.obligations, rule.id)


def _limits(obligations: Iterable[str], where: str) -> Iterator[Finding]:
    for obligation in obligations:
        if obligation.startswith("limit:") and not _LIMIT.fullmatch(obligation):
            yield Finding(Fault.WRONG_OBLIGATION, f"{obligation!r} is no number of requests a minute", where)


def _administrator(policy: Policy, snapshot: Snapshot) -> Iterator[Finding]:
    zone = snapshot.zones.get(ADMIN_ZONE)
    places = sorted({ANY, *policy.organisations, *(rule.organisation for rule in policy.rules)})
    if zone is None or not any(_may_publish(snapshot, place) for place in places):
        yield Finding(
            Fault.ADMINISTRATOR_LOCKED_OUT,
            f"no {ADMINISTRATOR} could publish the next policy, from any network at any hour",
        )


def _may_publish(snapshot: Snapshot, organisation: str) -> bool:
    """Whether an administrator who does all that can be asked gets through at some time from one place."""
    zone = snapshot.zones[ADMIN_ZONE]
    standing = snapshot.standing(organisation, frozenset({ADMINISTRATOR}))
    wanted = [(method, snapshot.candidates(standing, ADMIN_ZONE, method, path)) for method, path in PUBLISHING]
    networks = zone.networks or ("loopback", "private")
    countries = zone.countries or (None,)
    for network, country, weekday, hour in product(networks, countries, range(1, 8), range(24)):
        context = Context(
            DeviceTrust.ATTESTED, 2, 0.0, country, network, hour, weekday, 0, True, True, True, "",
            date=SOME_DAY, holiday=False, working_day=True,
        )  # fmt: skip
        if all(not judge(candidates, zone, context, method).refused for method, candidates in wanted):
            return True
    return False


def _shadowed(rules: tuple[Rule, ...], hierarchy: Hierarchy, resources: Resources) -> Iterator[Finding]:
    for rule, deciders in overlap.shadowed(rules, hierarchy, resources):
        first, *others = deciders
        who = f"the rule {first!r} comes first and always decides"
        if others:
            who = f"the rules {first!r} and {others[0]!r} come first, and one of them always decides"
        yield Finding(Fault.SHADOWED, who, rule.id, refuses=False)


def _conflicting(rules: tuple[Rule, ...], hierarchy: Hierarchy, resources: Resources) -> Iterator[Finding]:
    for first, second in overlap.conflicting(rules, hierarchy, resources):
        message = (
            f"the rule {first.id!r} {first.effect}s what this one may {second.effect}, and both have priority "
            f"{first.priority}: that it comes first follows from its id alone"
        )
        yield Finding(Fault.CONFLICTING, message, second.id, refuses=False)


def _unreachable(rules: tuple[Rule, ...], resources: Resources) -> Iterator[Finding]:
    for rule in rules:
        if not any(path_pattern.reachable(path_pattern.parse(path)) for _, path in resources.places(rule)):
            message = "no path that is let through has these segments: they are made canonical first (RFC 3986, 6.2.2)"
            yield Finding(Fault.UNREACHABLE, message, rule.id, refuses=False)
        if _NEVER_FORWARDED.issuperset(rule.methods):
            yield Finding(Fault.UNREACHABLE, "no request with these methods is forwarded", rule.id, refuses=False)


def _without_effect(policy: Policy, resources: Resources) -> Iterator[Finding]:
    zones = {zone.name: zone for zone in policy.zones}
    known: dict[tuple[object, ...], tuple[Fault, str] | None] = {}  # of many rules few differ in what is looked at here
    for rule in policy.rules:
        if not rule.condition:
            continue
        entered = tuple(zone for zone, _ in resources.places(rule) if zone in zones)
        alike = rule.condition, rule.effect, demands.asks_person(rule), entered
        if alike not in known:
            known[alike] = _why_without_effect(rule, [zones[zone] for zone in entered])
        if (why := known[alike]) is not None:
            yield Finding(*why, rule.id, refuses=False)


def _why_without_effect(rule: Rule, entered: list[Zone]) -> tuple[Fault, str] | None:
    if not satisfiable(conditions.parse(rule.condition).expression):
        return Fault.NEVER_MATCHES, "its condition holds for no facts at all"
    if entered and not any(demands.lets_in(zone, rule) for zone in entered):
        return Fault.UNREACHABLE, f"the zone {entered[0].name!r} lets in nobody for whom its condition holds"
    return None


def _public(rules: tuple[Rule, ...]) -> Iterator[Finding]:
    """A zone's demands on the person do not hold where a public rule allows, so one should show things only, or say how
    often an address may change them."""
    for rule in rules:
        is_public = rule.role == ANONYMOUS and rule.effect is RuleEffect.ALLOW
        is_limited = any(obligation.startswith(LIMIT) for obligation in rule.obligations)
        if is_public and not is_limited and not SAFE_METHODS.issuperset(rule.methods):
            message = "lets anybody change something as often as they like, whatever the zone demands of people"
            yield Finding(Fault.PUBLIC_CHANGE, message, rule.id, refuses=False)


def _repeated(names: Iterable[str]) -> list[str]:
    seen: set[str] = set()
    repeated: dict[str, None] = {}
    for name in names:
        if name in seen:
            repeated[name] = None
        seen.add(name)
    return list(repeated)
