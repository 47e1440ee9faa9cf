"""The last look before a policy is signed: the compiled snapshot against Casbin's stock enforcer (P4).

The requests are made from the rules themselves, so that each rule that is looked at gets a request that it speaks of.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import msgspec

from policy import path_pattern
from policy.artefact import ANONYMOUS, ANY, Assignment, Inheritance, Policy, Rule, RuleEffect
from policy.casbin_model import ReferenceEnforcer
from policy.context import Context
from policy.expand import Resources
from policy.judgement import judge, survey
from policy.request import CLIENT_ROLE, GROUP, AccessRequest, DeviceTrust, Facts, Subject, assignee, at_home
from policy.snapshot import Snapshot

PROBED = 250
"""Rules that are probed at most, evenly spread, each by a few requests of some milliseconds."""
LOOKS = 1_000_000
"""How many times a rule may be looked at, at about a microsecond each; fewer rules are probed where more would be."""
ASSIGNED = 50
"""Assignments that are probed at most."""
_SOME = "*"
PLACES = 4
"""Paths of a resource that are looked at."""
_NOON, _NIGHT = 1_767_581_400.0, 1_767_625_200.0
"""2026-01-05, 02:50 and 15:00 UTC: moments at which people work somewhere, and sleep elsewhere."""
_NOTHING_KNOWN = Facts()
_AT_HOME = at_home("d", "127.0.0.1", "loopback", DeviceTrust.ATTESTED)


def disagreements(policy: Policy, snapshot: Snapshot) -> tuple[str, ...]:
    """The ids of rules whose requests the two decide differently, or by another rule; it should never name one."""
    reference = _Narrowed(policy)
    found = {
        rule.id: None
        for rule, asked in _probes(policy, reference.widest)
        if _ours(asked, snapshot) != reference.decide(asked, survey(asked, snapshot).context)
    }
    return tuple(found)


def _probes(policy: Policy, widest: int) -> Iterator[tuple[Rule, AccessRequest]]:
    """Requests that rules speak of, by somebody who was granted their role, and by some to whom it is assigned."""
    rules = _sample(policy.rules, widest)
    for rule in rules:
        for asked in _requests(rule, policy):
            yield rule, asked
    by_role = {rule.role: rule for rule in reversed(rules)}
    step = max(1, len(policy.assignments) // max(1, min(ASSIGNED, len(rules))))
    for given in policy.assignments[::step]:
        if rules and not given.subject.startswith(GROUP):
            probed = by_role.get(given.role, rules[0])
            machine = given.subject.startswith(CLIENT_ROLE)
            for asked in _requests(probed, policy):
                organisation = asked.subject.organisation if given.organisation == ANY else given.organisation
                name = given.subject.removeprefix(CLIENT_ROLE) if machine else given.subject
                subject = Subject(name, organisation, frozenset(), 2, asked.at - 60, machine)
                yield probed, msgspec.structs.replace(asked, subject=subject)


def _sample(rules: tuple[Rule, ...], widest: int) -> tuple[Rule, ...]:
    """So many rules, evenly spread, that the whole stays within `LOOKS`, where each request meets so many at most."""
    requests_each = 4
    many = max(1, min(len(rules), PROBED, LOOKS // (requests_each * max(1, widest))))
    return rules[:: max(1, len(rules) // many)][:many]


class _Narrowed:
    """The reference enforcer over what a request could meet at all, so that Casbin does not crawl through the rest.

    Left out are rules of which a part of Casbin's matcher that is plain by itself (zone, organisation, method, path)
    says no, and links that begin at nobody whom the caller is or becomes.
    """

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._resources = Resources(policy.resources)
        self._rules: dict[tuple[str, str], dict[str, Rule]] = {}
        for rule in policy.rules:
            for zone, path in self._resources.places(rule):
                self._rules.setdefault((zone, _first(path)), {})[rule.id] = rule
        self._links: dict[str, list[Inheritance]] = {}
        for link in policy.inheritance:
            self._links.setdefault(link.role, []).append(link)
        self._assigned: dict[str, list[Assignment]] = {}
        for given in policy.assignments:
            self._assigned.setdefault(given.subject, []).append(given)

    def decide(self, asked: AccessRequest, context: Context) -> tuple[bool, str]:
        """What the stock enforcer answers, and the id of the rule that decides."""
        links, assignments = self._followed({ANONYMOUS, assignee(asked.subject), *asked.subject.roles})
        rules: dict[str, Rule] = {}
        for key in product((asked.zone, ANY), (asked.path.split("/")[1], _SOME)):
            rules.update(self._rules.get(key, {}))
        narrowed = msgspec.structs.replace(
            self._policy,
            rules=tuple(rule for rule in rules.values() if self._may_match(rule, asked)),
            inheritance=tuple(links),
            assignments=tuple(assignments),
        )
        reference = ReferenceEnforcer(narrowed)
        return reference.enforce(asked.subject, asked.zone, asked.method, asked.path, context)

    @property
    def widest(self) -> int:
        """How many rules a request has to be held against at most."""
        of_some = sum(len(rules) for (_, first), rules in self._rules.items() if first == _SOME)
        return of_some + max((len(rules) for (_, first), rules in self._rules.items() if first != _SOME), default=0)

    def _followed(self, names: set[str]) -> tuple[list[Inheritance], list[Assignment]]:
        links: list[Inheritance] = []
        assignments: list[Assignment] = []
        waiting = list(names)
        seen = set(names)
        while waiting:
            name = waiting.pop()
            links += self._links.get(name, ())
            assignments += self._assigned.get(name, ())
            onward = {link.inherits for link in self._links.get(name, ())}
            onward |= {given.role for given in self._assigned.get(name, ())}
            waiting += onward - seen
            seen |= onward
        return links, assignments

    def _may_match(self, rule: Rule, asked: AccessRequest) -> bool:
        if rule.organisation not in (ANY, asked.subject.organisation):
            return False
        if ANY not in rule.methods and asked.method not in rule.methods:
            return False
        return any(
            zone in (ANY, asked.zone) and path_pattern.matches(asked.path, path)
            for zone, path in self._resources.places(rule)
        )


def _first(pattern: str) -> str:
    """The first segment of the paths that a pattern stands for; `_SOME` where it may be one or another, or none."""
    first = pattern.split("/")[1]
    return _SOME if first[:1] in ("*", ":") else first


def _requests(rule: Rule, policy: Policy) -> Iterator[AccessRequest]:
    method = "GET" if rule.methods[0] == ANY else rule.methods[0]
    organisation = "somewhere" if rule.organisation == ANY else rule.organisation
    places = Resources(policy.resources).places(rule)[:PLACES]
    roles = frozenset() if rule.role in (ANY, ANONYMOUS) else frozenset({rule.role})
    for at, (facts, assurance) in product((_NOON, _NIGHT), ((_NOTHING_KNOWN, 1), (_AT_HOME, 2))):
        subject = Subject("somebody", organisation, roles, assurance, at - 60)
        for zone, path in places:
            yield AccessRequest(subject, facts, policy.zones[0].name if zone == ANY else zone, method, _path(path), at)


def _path(pattern: str) -> str:
    """A path that the pattern stands for."""
    read = path_pattern.parse(pattern)
    path = "".join("/" + ("x" if segment is None else segment) for segment in read.segments)
    return path + ("/x" if read.tail is not path_pattern.Tail.NOTHING else "") or "/"


def _ours(asked: AccessRequest, snapshot: Snapshot) -> tuple[bool, str]:
    situation = survey(asked, snapshot)
    winner = judge(situation.candidates, situation.zone, situation.context, asked.method).winner
    return winner is not None and winner.effect is RuleEffect.ALLOW, winner.id if winner is not None else ""
