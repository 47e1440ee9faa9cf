"""Rules that stand in each other's way: those that can never win, and those of one priority that say opposite things.

Patterns lie in a tree of their segments, so that a rule meets only rules whose pattern covers its own: the time grows
with the rules, not with their pairs. What would take more than a bound is left out: then a warning is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import groupby, product
from typing import TypeVar

from policy import conditions, path_pattern
from policy.artefact import ANONYMOUS, ANY, Rule, RuleEffect
from policy.expand import Resources
from policy.path_pattern import PathPattern, Tail
from policy.roles import Hierarchy
from policy.satisfiable import satisfiable

MOST_NODES = 16
"""Nodes of the tree that are followed for one pattern."""
MOST_ROLES = 64
"""Inherited roles that are looked at for one rule."""
MOST_OF_A_KEY = 4
"""Rules that are remembered of one organisation, role, zone, path and method."""

T = TypeVar("T")
_Scope = tuple[str, str, str]
"""Organisation, role, zone."""
_Rules = dict[tuple[str, str], dict[_Scope, list[Rule]]]
"""By mark and method, then by scope."""
_Places = list[tuple[str, PathPattern]]
"""Zones, and patterns of paths there."""
_OPPOSITE = {RuleEffect.ALLOW: RuleEffect.DENY, RuleEffect.DENY: RuleEffect.ALLOW}


def shadowed(
    rules: Iterable[Rule], hierarchy: Hierarchy, resources: Resources
) -> Iterator[tuple[Rule, tuple[str, ...]]]:
    """Rules that can never win, each with the ids of the earlier ones that always decide."""
    for rule, covering in _with_deciders(rules, hierarchy, resources):
        if not all(_says_the_same_more_broadly(other, rule) for others in covering for other in others):
            yield rule, tuple(dict.fromkeys(min(others, key=_order).id for others in covering))


def allows_anything(rules: Iterable[Rule], hierarchy: Hierarchy, resources: Resources) -> bool:
    """Whether one of the rules allows something, and no earlier one always decides before it."""
    return any(
        rule.effect is RuleEffect.ALLOW and not covering
        for rule, covering in _with_deciders(rules, hierarchy, resources)
    )


def _with_deciders(
    rules: Iterable[Rule], hierarchy: Hierarchy, resources: Resources
) -> Iterator[tuple[Rule, list[list[Rule]]]]:
    """The rules in their order, each with the earlier ones that always decide each of its parts; none: it may win."""
    book = _Rulebook(hierarchy, resources, _mark_of_decider)
    for rule in sorted(rules, key=_order):
        found: list[list[Rule]] = []
        places = book.places(rule)
        for covering in book.covering(rule, places, _marks_of_deciders(rule)):
            if not covering:
                found = []
                break
            found.append(covering)
        if not found and rule.effect is not RuleEffect.REDUCE:
            book.add(rule, places)  # whatever a rule with deciders covers, they cover, too
        yield rule, found


def _order(rule: Rule) -> tuple[int, str]:
    return rule.order


def _says_the_same_more_broadly(other: Rule, rule: Rule) -> bool:
    """Whether nobody need be told that it is the other that decides: people name what they rely on."""
    same = other.effect is rule.effect and other.obligations == rule.obligations
    return same and (other.path, other.role, other.zone) != (rule.path, rule.role, rule.zone)


def _mark_of_decider(rule: Rule) -> str:
    return f"{rule.effect} {rule.condition}" if rule.condition else ""


def _marks_of_deciders(rule: Rule) -> tuple[str, ...]:
    """An earlier rule without a condition always decides. So does one with the same, unless it allows and this one
    restricts: where a fact is unknown, then, it does not match, and this one does."""
    if not rule.condition:
        return ("",)
    denies, allows = f"{RuleEffect.DENY} {rule.condition}", f"{RuleEffect.ALLOW} {rule.condition}"
    return ("", denies, allows) if rule.effect is RuleEffect.ALLOW else ("", denies)


def conflicting(rules: Iterable[Rule], hierarchy: Hierarchy, resources: Resources) -> Iterator[tuple[Rule, Rule]]:
    """Pairs of one priority of which one denies what the other allows, so that only their ids say which is first."""
    for _, group in groupby(sorted(rules, key=_order), key=lambda rule: rule.priority):
        alike = [rule for rule in group if rule.effect is not RuleEffect.REDUCE]
        if len({rule.effect for rule in alike}) == 1:
            continue
        book = _Rulebook(hierarchy, resources, lambda rule: rule.effect.value)
        for rule in alike:
            book.add(rule, book.places(rule))
        told: set[tuple[str, str]] = set()
        for rule in alike:
            for covering in book.covering(rule, book.places(rule), (_OPPOSITE[rule.effect].value,)):
                for other in covering:
                    first, second = sorted((rule, other), key=lambda rule: rule.id)
                    if (first.id, second.id) not in told and _may_hold_together(rule, other):
                        told.add((first.id, second.id))
                        yield first, second


def _may_hold_together(one: Rule, other: Rule) -> bool:
    return satisfiable(*(conditions.parse(rule.condition).expression for rule in (one, other) if rule.condition))


class _Node:
    """One segment of the patterns; most have little of all that one may have."""

    __slots__ = ("any_segment", "below", "children", "here")

    def __init__(self) -> None:
        self.children: dict[str, _Node] | None = None
        self.any_segment: _Node | None = None
        self.here: _Rules | None = None
        self.below: _Rules | None = None

    def child(self, segment: str | None) -> _Node:
        if segment is None:
            child = self.any_segment = self.any_segment or _Node()
            return child
        if self.children is None:
            self.children = {}
        found = self.children.get(segment)
        if found is None:
            found = self.children[segment] = _Node()
        return found

    def parts(self, tail: Tail) -> Iterator[_Rules]:
        """Where rules of a pattern that ends here belong."""
        if tail is not Tail.BELOW:
            if self.here is None:
                self.here = {}
            yield self.here
        if tail is not Tail.NOTHING:
            if self.below is None:
                self.below = {}
            yield self.below


class _Rulebook:
    """Rules by what they cover."""

    def __init__(self, hierarchy: Hierarchy, resources: Resources, mark: Callable[[Rule], str]) -> None:
        """`mark` says of a rule by what else it is looked up."""
        self._mark = mark
        self._resources = resources
        self._root = _Node()
        self._hierarchy = hierarchy
        self._scopes: dict[_Scope, frozenset[_Scope]] = {}

    def places(self, rule: Rule) -> _Places:
        """What a rule speaks of."""
        return [(zone, path_pattern.parse(path)) for zone, path in self._resources.places(rule)]

    def add(self, rule: Rule, places: _Places) -> None:
        mark = self._mark(rule)
        for zone, pattern in places:
            node = self._root
            for segment in pattern.segments:
                node = node.child(segment)
            scope = (rule.organisation, rule.role, zone)
            for there in node.parts(pattern.tail):
                for method in rule.methods:
                    by_scope = there.get((mark, method))
                    if by_scope is None:
                        there[mark, method] = {scope: [rule]}
                    elif len(kept := by_scope.setdefault(scope, [])) < MOST_OF_A_KEY:
                        kept.append(rule)

    def covering(self, rule: Rule, places: _Places, marks: tuple[str, ...]) -> Iterator[list[Rule]]:
        """For each part of what a rule speaks of (a path, or what is below it; a method) the rules that cover it."""
        for zone, pattern in places:
            here, below = self._reached(pattern.segments)
            for part in _parts(pattern.tail, here, below):
                for method in rule.methods:
                    yield self._covering(part, (rule.organisation, rule.role, zone), method, marks) if part else []

    def _covering(self, part: list[_Rules], scope: _Scope, method: str, marks: tuple[str, ...]) -> list[Rule]:
        keys = [(mark, each) for mark in marks for each in ((method,) if method == ANY else (method, ANY))]
        found: list[Rule] = []
        for by_scope in [there[key] for there in part for key in keys if key in there]:
            for each in self._scopes_above(scope) & by_scope.keys():
                found += by_scope[each]
        return found

    def _scopes_above(self, scope: _Scope) -> frozenset[_Scope]:
        if scope not in self._scopes:
            organisation, role, zone = scope
            roles = {role, ANY, ANONYMOUS}
            if role not in (ANY, ANONYMOUS):
                held = self._hierarchy.held(organisation, (role,))
                roles |= held if len(held) <= MOST_ROLES else set()
            self._scopes[scope] = frozenset(product({organisation, ANY}, roles, {zone, ANY}))
        return self._scopes[scope]

    def _reached(self, segments: tuple[str | None, ...]) -> tuple[list[_Rules], list[_Rules]]:
        """What covers a path of these segments, and what covers all that is below it."""
        below: list[_Rules] = []
        nodes = [self._root]
        for segment in segments:
            onward: list[_Node] = []
            for node in nodes:
                if node.below:
                    below.append(node.below)
                if segment is not None and node.children and segment in node.children:
                    onward.append(node.children[segment])
                if segment != "" and node.any_segment is not None:
                    onward.append(node.any_segment)
            if not onward:
                return below, below
            nodes = onward[:MOST_NODES]
        here = [*below, *(node.here for node in nodes if node.here)]
        return here, [*below, *(node.below for node in nodes if node.below)]


def _parts(tail: Tail, here: T, below: T) -> tuple[T, ...]:
    """A pattern speaks of the path itself, of what is below it, or of both."""
    if tail is Tail.NOTHING:
        return (here,)
    return (below,) if tail is Tail.BELOW else (here, below)
