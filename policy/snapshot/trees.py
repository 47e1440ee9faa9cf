"""Rules -> a tree of path segments for each zone, there by method, there by the role that they name."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from functools import lru_cache
from itertools import groupby
from operator import itemgetter

from policy import path_pattern
from policy.artefact import ANONYMOUS, ANY, Rule, RuleEffect
from policy.expand import Resources
from policy.path_pattern import Tail
from policy.snapshot.layout import joined
from policy.snapshot.tables import WordTable

_Said = list[tuple[int, int, int]]
"""What a node says: the word of a method, that of a role, the place of a rule."""
_method, _role = itemgetter(0), itemgetter(1)


class Trees:
    """All rules of a policy, sorted into trees. Nodes are numbers, so that many rules are few objects."""

    def __init__(self, rules: Sequence[Rule], resources: Resources, words: WordTable) -> None:
        """`rules` in their total order. Raises `ValueError` for a path that is no pattern and names no resource."""
        self.depth = 0
        """Segments of the deepest pattern."""
        self.methods = words.add(dict.fromkeys({ANY}.union(*(rule.methods for rule in rules)), 0))
        self.roles = words.add(dict.fromkeys([joined(rule.organisation, rule.role) for rule in rules], 0))
        self._opens = bytes(rule.effect is RuleEffect.ALLOW and rule.role != ANONYMOUS for rule in rules)
        self._count = 1  # 0 stands for no node
        self._any_segment: dict[int, int] = {}
        self._children: dict[int, dict[str, int]] = {}
        self._here: dict[int, _Said] = {}
        self._below: dict[int, _Said] = {}
        self.roots: dict[str, int] = {}
        """The node of each zone that rules name."""
        methods, roles = words.places(self.methods), words.places(self.roles)
        for place, rule in enumerate(rules):
            role = roles[joined(rule.organisation, rule.role)]
            said = [(methods[method], role, place) for method in _distinct(rule.methods)]
            for zone, path in resources.places(rule):
                self._put(said, zone, path)
        self._nodes = array("I")
        self._group_methods, self._group_pairs, self._group_open = array("I"), array("I"), bytearray()
        self._pair_roles, self._pair_places, self._places = array("I"), array("I"), array("I")
        self._lay_out(words)

    def _put(self, said: _Said, zone: str, path: str) -> None:
        pattern = path_pattern.parse(path)
        node = self.roots.get(zone)
        if node is None:
            node = self.roots[zone] = self._new()
        for segment in pattern.segments:
            node = self._child(node, segment)
        self.depth = max(self.depth, len(pattern.segments))
        if pattern.tail is not Tail.BELOW:
            self._here.setdefault(node, []).extend(said)
        if pattern.tail is not Tail.NOTHING:
            self._below.setdefault(node, []).extend(said)

    def _new(self) -> int:
        self._count += 1
        return self._count - 1

    def _child(self, node: int, segment: str | None) -> int:
        """The node of one more segment of a pattern, made where there is none."""
        if segment is None:
            child = self._any_segment.get(node)
            if child is None:
                child = self._any_segment[node] = self._new()
            return child
        children = self._children.setdefault(node, {})
        child = children.get(segment)
        if child is None:
            child = children[segment] = self._new()
        return child

    def _lay_out(self, words: WordTable) -> None:
        groups = self._group_methods
        for node in range(self._count):
            children = words.add(self._children.get(node) or {})
            here = len(groups)
            if said := self._here.get(node):
                self._add(said)
            below = len(groups)
            if said := self._below.get(node):
                self._add(said)
            self._nodes.extend((self._any_segment.get(node, 0), *children, here, below, len(groups)))
        self._group_pairs.append(len(self._pair_roles))
        self._pair_places.append(len(self._places))

    def _add(self, said: _Said) -> None:
        said.sort()
        for method, group in groupby(said, _method):
            self._group_methods.append(method)
            self._group_pairs.append(len(self._pair_roles))
            opens = False
            for role, pair in groupby(group, _role):
                self._pair_roles.append(role)
                self._pair_places.append(len(self._places))
                for _, _, place in pair:
                    self._places.append(place)
                    opens = opens or bool(self._opens[place])
            self._group_open.append(opens)

    def sections(self) -> tuple[bytes, ...]:
        """In the order of `policy.snapshot.layout.Sections`."""
        return (
            self._nodes.tobytes(),
            self._group_methods.tobytes(),
            self._group_pairs.tobytes(),
            bytes(self._group_open),
            self._pair_roles.tobytes(),
            self._pair_places.tobytes(),
            self._places.tobytes(),
        )


@lru_cache(maxsize=1024)
def _distinct(methods: tuple[str, ...]) -> tuple[str, ...]:
    return (ANY,) if ANY in methods else tuple(set(methods))
