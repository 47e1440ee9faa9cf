"""A policy compiled for speed: immutable, swapped as a whole.

Rules lie in a tree of path segments per zone, there by method, there by the role that they name, so that a request
meets only rules that speak of its zone, path, method and one of its roles; rules that cannot match cost nothing.
Conditions are compiled once, the hierarchy of roles is resolved once per set of roles.

What is kept besides (roles resolved, the current quarter of an hour) follows from the policy alone and is bounded.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from operator import attrgetter

import msgspec

from policy import conditions, path_pattern
from policy.artefact import ANONYMOUS, ANY, Organisation, Policy, Rule, RuleEffect, Zone
from policy.conditions import Compiled
from policy.context import Context
from policy.expand import Resources
from policy.local_time import LocalTime
from policy.roles import Hierarchy

KEPT_STANDINGS = 4096
"""Sets of roles whose resolution is kept; beyond, all are forgotten and resolved again."""


class CompiledRule(msgspec.Struct, frozen=True, gc=False):
    """A rule with everything that was worked out when it was compiled."""

    place: int
    """In the total order of the rules."""
    effect: RuleEffect
    condition: Compiled | None
    """None: always."""
    rule: Rule
    ages: tuple[int, ...]
    """The ages of an authentication that its condition asks for, seconds."""


_ByRole = dict[int, list[CompiledRule]]
_ByMethod = dict[str, _ByRole]


_place = attrgetter("place")


class Standing:
    """What a set of roles in one organisation comes to under one version."""

    __slots__ = ("clock", "keys", "usual_hours")

    def __init__(self, keys: tuple[int, ...], clock: LocalTime, usual_hours: tuple[int, int]) -> None:
        self.keys = keys
        """Those of the policy's (organisation, role) pairs that it holds, as the index numbers them."""
        self.clock = clock
        self.usual_hours = usual_hours


class _Node:
    """One segment of the paths of one zone."""

    __slots__ = ("any_segment", "below", "children", "here")

    def __init__(self) -> None:
        self.children: dict[str, _Node] = {}
        self.any_segment: _Node | None = None
        self.here: _ByMethod = {}
        self.below: _ByMethod = {}

    def child(self, segment: str | None) -> _Node:
        """The node of one more segment of a pattern, made where there is none."""
        if segment is not None:
            return self.children.setdefault(segment, _Node())
        if self.any_segment is None:
            self.any_segment = _Node()
        return self.any_segment

    def under(self) -> Iterator[_Node]:
        yield from self.children.values()
        if self.any_segment is not None:
            yield self.any_segment


class Snapshot:
    """One compiled version. Build it with `compile_policy`; `NONE` is the one that denies everything."""

    def __init__(
        self,
        version: int,
        zones: dict[str, Zone],
        trees: dict[str, _Node],
        role_keys: dict[tuple[str, str], int],
        hierarchy: Hierarchy,
        organisations: dict[str, Organisation],
        depth: int,
        marks: dict[str, int],
        assignments: dict[str, tuple[tuple[str, str], ...]],
    ) -> None:
        self.version = version
        self._assignments = assignments
        self._marks = marks
        self.zones = zones
        self._trees = trees
        self._everywhere = trees.get(ANY)
        self._role_keys = role_keys
        self._hierarchy = hierarchy
        self._places = {
            name: (LocalTime(place.time_zone), place.usual_hours)
            for name, place in {ANY: Organisation(), **organisations}.items()
        }
        self._depth = depth
        self._standings: dict[tuple[str, frozenset[str]], Standing] = {}

    def changed_zones(self, former: Snapshot) -> frozenset[str]:
        """The zones, of either version, in which something may be decided otherwise than by a former one.

        A hint of where to look first, by hashes: whoever must be sure decides anew.
        """
        marks, others = self._marks, former._marks
        return frozenset(zone for zone in marks.keys() | others.keys() if marks.get(zone) != others.get(zone))

    def standing(self, organisation: str, roles: frozenset[str], subject: str = "") -> Standing:
        """Resolve what somebody was granted, and assigned (`policy.request.assignee`), through the hierarchy there."""
        assigned = self._assignments.get(subject)
        if assigned is not None:
            roles |= {role for place, role in assigned if place in (ANY, organisation)}
        known = self._standings.get((organisation, roles))
        if known is not None:
            return known
        keys = self._role_keys
        held = [*self._hierarchy.held(organisation, roles), ANY]
        found = {keys.get((place, role)) for place in (organisation, ANY) for role in held}
        place = self._places.get(organisation) or self._places[ANY]
        standing = Standing(tuple(sorted(key for key in found if key is not None)), *place)
        if len(self._standings) >= KEPT_STANDINGS:
            self._standings.clear()
        self._standings[organisation, roles] = standing
        return standing

    def candidates(self, standing: Standing, zone: str, method: str, path: str) -> list[CompiledRule]:
        """The rules that speak of this request, conditions aside, in their total order."""
        found: list[CompiledRule] = []
        keys = standing.keys
        for by_role in self._reached(zone, method, path):
            if len(by_role) < len(keys):
                for key, rules in by_role.items():
                    if key in keys:
                        found += rules
            else:
                for key in keys:
                    if key in by_role:
                        found += by_role[key]
        if len(found) > 1:
            found.sort(key=_place)
        return found

    def rules_at(self, zone: str, method: str, path: str) -> list[CompiledRule]:
        """The same for whatever role: what might be allowed here to somebody else."""
        found = [rule for by_role in self._reached(zone, method, path) for rules in by_role.values() for rule in rules]
        found.sort(key=_place)
        return found

    def allows_somebody(self, zone: str, method: str, path: str) -> bool:
        """Whether a rule may allow this to a role that one has only by signing in."""
        return any(
            rule.effect is RuleEffect.ALLOW and rule.rule.role != ANONYMOUS
            for by_role in self._reached(zone, method, path)
            for rules in by_role.values()
            for rule in rules
        )

    def _reached(self, zone: str, method: str, path: str) -> list[_ByRole]:
        if path[:1] != "/":
            return []
        # one more part than the deepest pattern has segments: what follows can only be "below"
        segments = path.split("/", self._depth + 1)
        found: list[_ByRole] = []
        tree = self._trees.get(zone)
        if tree is not None:
            _walk(tree, segments, method, found)
        if self._everywhere is not None:
            _walk(self._everywhere, segments, method, found)
        return found


def _walk(root: _Node, segments: list[str], method: str, found: list[_ByRole]) -> None:
    nodes = [root]
    for segment in segments[1:]:
        onward: list[_Node] = []
        for node in nodes:
            if node.below:
                _add(node.below, method, found)
            if segment in node.children:
                onward.append(node.children[segment])
            if segment and node.any_segment is not None:
                onward.append(node.any_segment)
        if not onward:
            return
        nodes = onward
    for node in nodes:
        if node.here:
            _add(node.here, method, found)


def _add(by_method: _ByMethod, method: str, found: list[_ByRole]) -> None:
    by_role = by_method.get(method) or by_method.get(ANY)
    if by_role:
        found.append(by_role)


def compile_policy(policy: Policy, version: int) -> Snapshot:
    """Compile one version. Raises `ValueError` where a rule, a role or a zone cannot be used: nothing is left out."""
    if version < 1:
        raise ValueError("versions count from 1")
    trees: dict[str, _Node] = {}
    role_keys: dict[tuple[str, str], int] = {}
    depth = 0
    resources = Resources(policy.resources)
    for place, rule in enumerate(sorted(policy.rules, key=lambda rule: rule.order)):
        key = role_keys.setdefault((rule.organisation, rule.role), len(role_keys))
        compiled = _compiled(place, rule)
        for zone, path in resources.places(rule):
            pattern = path_pattern.parse(path)
            depth = max(depth, len(pattern.segments))
            node = trees.setdefault(zone, _Node())
            for segment in pattern.segments:
                node = node.child(segment)
            if pattern.tail is not path_pattern.Tail.BELOW:
                _insert(node.here, rule.methods, key, compiled)
            if pattern.tail is not path_pattern.Tail.NOTHING:
                _insert(node.below, rule.methods, key, compiled)
    for tree in trees.values():
        _spread_any_method(tree)
    zones = {zone.name: zone for zone in policy.zones}
    hierarchy = Hierarchy(policy.inheritance, policy.assignments)
    assignments: dict[str, tuple[tuple[str, str], ...]] = {}
    for given in policy.assignments:
        assignments[given.subject] = (*assignments.get(given.subject, ()), (given.organisation, given.role))
    organisations = dict(policy.organisations)
    return Snapshot(version, zones, trees, role_keys, hierarchy, organisations, depth, _marks(policy), assignments)


def _marks(policy: Policy) -> dict[str, int]:
    """Of each zone a hash of all that its decisions follow."""
    of_zone: dict[str, list[Rule]] = {}
    for rule in policy.rules:
        of_zone.setdefault(rule.zone, []).append(rule)
    everywhere = (
        frozenset(of_zone.get(ANY, ())),
        policy.inheritance,
        tuple(sorted(policy.organisations.items())),
        policy.assignments,
        policy.resources,
    )
    shared = hash(everywhere)
    return {zone.name: hash((shared, zone, frozenset(of_zone.get(zone.name, ())))) for zone in policy.zones}


def _compiled(place: int, rule: Rule) -> CompiledRule:
    if not rule.condition:
        return CompiledRule(place, rule.effect, None, rule, ())
    condition = conditions.parse(rule.condition)
    function = condition.compile(restricts=rule.effect is not RuleEffect.ALLOW)
    return CompiledRule(place, rule.effect, function, rule, condition.ages)


def _insert(by_method: _ByMethod, methods: Iterable[str], key: int, rule: CompiledRule) -> None:
    for method in {ANY} if ANY in methods else set(methods):
        by_method.setdefault(method, {}).setdefault(key, []).append(rule)


def _spread_any_method(root: _Node) -> None:
    """Copy the rules for any method beside those for a named one, so that one look finds both."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        waiting.extend(node.under())
        for by_method in (node.here, node.below):
            general = by_method.get(ANY, {})
            for method, by_role in by_method.items():
                if method != ANY:
                    for key, rules in general.items():
                        by_role[key] = sorted([*by_role.get(key, ()), *rules], key=_place)


def holds(rule: CompiledRule, context: Context) -> bool:
    """Whether a candidate's condition lets it match; one that fails to be decided never helps."""
    if rule.condition is None:
        return True
    try:
        return rule.condition(context)
    except Exception:
        return rule.effect is not RuleEffect.ALLOW


NONE = Snapshot(0, {}, {}, {}, Hierarchy(()), {}, 0, {}, {})
"""No policy: everything is denied."""
