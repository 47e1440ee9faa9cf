"""Rules -> a tree of path segments for each zone, there by method, there by the role that they name."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping, Sequence

from policy import path_pattern
from policy.artefact import ANONYMOUS, ANY, Rule, RuleEffect
from policy.expand import Resources
from policy.path_pattern import Tail
from policy.snapshot.layout import joined
from policy.snapshot.tables import WordTable

_Groups = dict[str, dict[str, list[int]]]
"""By method, by organisation and role: places of rules."""


class _Node:
    """One segment of the paths of one zone."""

    __slots__ = ("any_segment", "below", "children", "here")

    def __init__(self) -> None:
        self.children: dict[str, _Node] = {}
        self.any_segment: _Node | None = None
        self.here: _Groups = {}
        self.below: _Groups = {}

    def child(self, segment: str | None) -> _Node:
        """The node of one more segment of a pattern, made where there is none."""
        if segment is None:
            if self.any_segment is None:
                self.any_segment = _Node()
            return self.any_segment
        child = self.children.get(segment)
        if child is None:
            child = self.children[segment] = _Node()
        return child


class Trees:
    """All rules of a policy, sorted into trees."""

    def __init__(self, rules: Sequence[Rule], resources: Resources) -> None:
        """`rules` in their total order. Raises `ValueError` for a path that is no pattern and names no resource."""
        self._rules = rules
        self.depth = 0
        """Segments of the deepest pattern."""
        self._roots: dict[str, _Node] = {}
        self.methods = {ANY}
        self.roles: set[str] = set()
        for place, rule in enumerate(rules):
            self.methods |= _methods(rule)
            self.roles.add(joined(rule.organisation, rule.role))
            for zone, path in resources.places(rule):
                self._put(place, rule, zone, path)
        self._nodes = array("I")
        self._group_methods, self._group_pairs, self._group_open = array("I"), array("I"), bytearray()
        self._pair_roles, self._pair_places, self._places = array("I"), array("I"), array("I")

    def _put(self, place: int, rule: Rule, zone: str, path: str) -> None:
        pattern = path_pattern.parse(path)
        node = self._roots.get(zone)
        if node is None:
            node = self._roots[zone] = _Node()
        for segment in pattern.segments:
            node = node.child(segment)
        self.depth = max(self.depth, len(pattern.segments))
        role = joined(rule.organisation, rule.role)
        for tail, groups in ((Tail.BELOW, node.here), (Tail.NOTHING, node.below)):
            if pattern.tail is not tail:
                for method in _methods(rule):
                    groups.setdefault(method, {}).setdefault(role, []).append(place)

    def number(self, words: WordTable, methods: Mapping[str, int], roles: Mapping[str, int]) -> dict[str, int]:
        """Lay out the trees, given where the words of methods and roles stand; the node of each zone."""
        order = [_Node(), *self._roots.values()]  # 0 stands for no node
        numbers = {id(node): number for number, node in enumerate(order)}
        for node in order:  # grows while it is gone through
            for child in [*node.children.values(), *([node.any_segment] if node.any_segment else ())]:
                numbers[id(child)] = len(order)
                order.append(child)
        for node in order:
            children = words.add({segment: numbers[id(child)] for segment, child in node.children.items()})
            here = len(self._group_methods)
            self._add(node.here, methods, roles)
            below = len(self._group_methods)
            self._add(node.below, methods, roles)
            any_segment = numbers[id(node.any_segment)] if node.any_segment is not None else 0
            self._nodes.extend((any_segment, *children, here, below, len(self._group_methods)))
        return {zone: numbers[id(node)] for zone, node in self._roots.items()}

    def _add(self, groups: _Groups, methods: Mapping[str, int], roles: Mapping[str, int]) -> None:
        for method, pairs in sorted((methods[method], pairs) for method, pairs in groups.items()):
            self._group_methods.append(method)
            self._group_pairs.append(len(self._pair_roles))
            self._group_open.append(any(self._opens(places) for places in pairs.values()))
            for role, places in sorted((roles[role], places) for role, places in pairs.items()):
                self._pair_roles.append(role)
                self._pair_places.append(len(self._places))
                self._places.extend(places)

    def _opens(self, places: Iterable[int]) -> bool:
        rules = (self._rules[place] for place in places)
        return any(rule.effect is RuleEffect.ALLOW and rule.role != ANONYMOUS for rule in rules)

    def sections(self) -> tuple[bytes, ...]:
        """Once they were numbered, in the order of `policy.snapshot.layout.Sections`."""
        self._group_pairs.append(len(self._pair_roles))
        self._pair_places.append(len(self._places))
        return (
            self._nodes.tobytes(),
            self._group_methods.tobytes(),
            self._group_pairs.tobytes(),
            bytes(self._group_open),
            self._pair_roles.tobytes(),
            self._pair_places.tobytes(),
            self._places.tobytes(),
        )


def _methods(rule: Rule) -> set[str]:
    return {ANY} if ANY in rule.methods else set(rule.methods)
