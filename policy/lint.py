"""What is wrong with a policy before it can do harm: errors refuse it, warnings are told."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from enum import StrEnum
from itertools import product
from zoneinfo import ZoneInfoNotFoundError

import msgspec

from policy import conditions, path_pattern
from policy.artefact import ADMIN_ZONE as ADMIN_ZONE
from policy.artefact import ADMINISTRATOR as ADMINISTRATOR
from policy.artefact import ANONYMOUS, ANY, Policy, Rule, RuleEffect
from policy.context import Context
from policy.expand import Resources, UnknownResource
from policy.judgement import SAFE_METHODS, judge
from policy.local_time import LocalTime
from policy.request import GROUP, DeviceTrust
from policy.roles import Hierarchy, WrongHierarchy
from policy.snapshot import Snapshot, compile_policy

_LIMIT = re.compile(r"limit:[1-9][0-9]{0,5}")
PUBLISHING = (
    ("POST", "/api/policy/drafts"),
    ("POST", "/api/policy/versions/1/publish"),
    ("POST", "/api/policy/rollback"),
)
"""What somebody must remain able to do, or no policy could ever be put right again."""


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
    SHADOWED = "shadowed"
    PUBLIC_CHANGE = "public_change"
    """A public rule lets anybody change something."""
    ENGINES_DISAGREE = "engines_disagree"
    """The compiled policy does not mean what Casbin makes of the same rules (found when it is published)."""


class Finding(msgspec.Struct, frozen=True):
    """One thing found."""

    fault: Fault
    message: str
    rule: str = ""
    """The id of the rule it is in; empty: it is in no single one."""
    refuses: bool = True
    """False: a warning."""


def lint(policy: Policy) -> tuple[Finding, ...]:
    """Everything found, errors first. The administrator's way in is looked at once nothing else is wrong."""
    roles, resources = {*policy.roles, *_groups(policy), ANONYMOUS, ANY}, Resources(policy.resources)
    errors = (
        *_structure(policy),
        *(finding for rule in policy.rules for finding in _rule(rule, policy, roles, resources)),
    )
    if errors:
        return errors
    return (*_administrator(policy), *_shadowed(policy.rules), *_public(policy.rules), *_empty_groups(policy))


def _structure(policy: Policy) -> Iterator[Finding]:
    if not any(rule.effect is RuleEffect.ALLOW for rule in policy.rules):
        yield Finding(Fault.EMPTY, "no rule allows anything: this would shut everybody out")
    for rule_id in _repeated(rule.id for rule in policy.rules):
        yield Finding(Fault.DUPLICATE_ID, f"more than one rule has the id {rule_id!r}", rule_id)
    for name in _repeated(zone.name for zone in policy.zones):
        yield Finding(Fault.DUPLICATE_ZONE, f"the zone {name!r} stands more than once")
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


def _rule(rule: Rule, policy: Policy, roles: set[str], resources: Resources) -> Iterator[Finding]:
    if rule.zone != ANY and all(zone.name != rule.zone for zone in policy.zones):
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
    for obligation in rule.obligations:
        if obligation.startswith("limit:") and not _LIMIT.fullmatch(obligation):
            yield Finding(Fault.WRONG_OBLIGATION, f"{obligation!r} is no number of requests a minute", rule.id)


def _administrator(policy: Policy) -> Iterator[Finding]:
    snapshot = compile_policy(policy, 1)
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


def _shadowed(rules: tuple[Rule, ...]) -> Iterator[Finding]:
    """Rules behind one without a condition that decides the very same requests: they can never win."""
    decided: dict[tuple[str, str, str, str, str], str] = {}
    for rule in sorted(rules, key=lambda rule: rule.order):
        keys = [(rule.organisation, rule.role, rule.zone, rule.path, method) for method in rule.methods]
        before = [decided.get(key) or decided.get((*key[:4], ANY)) for key in keys]
        if all(before):
            yield Finding(
                Fault.SHADOWED, f"the rule {before[0]!r} comes first and always decides", rule.id, refuses=False
            )
        elif not rule.condition and rule.effect is not RuleEffect.REDUCE:
            decided.update((key, rule.id) for key in keys)


def _public(rules: tuple[Rule, ...]) -> Iterator[Finding]:
    """A zone's demands on the person do not hold where a public rule allows, so one should only show things."""
    for rule in rules:
        if rule.role == ANONYMOUS and rule.effect is RuleEffect.ALLOW and not SAFE_METHODS.issuperset(rule.methods):
            message = "lets anybody change something, whatever the zone demands of people"
            yield Finding(Fault.PUBLIC_CHANGE, message, rule.id, refuses=False)


def _repeated(names: Iterable[str]) -> list[str]:
    seen: set[str] = set()
    repeated: dict[str, None] = {}
    for name in names:
        if name in seen:
            repeated[name] = None
        seen.add(name)
    return list(repeated)
