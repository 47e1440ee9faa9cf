"""Which groups of rules a path reaches in a zone, by one step for each of its segments.

The patterns of a zone, and those of every zone beside them, are a tree of segments, in which a path may be at several
nodes at once (`/a/:id` and `/a/b`). Each such set of nodes is a `_State`, worked out when a path first comes by and
kept, so that a warm path costs one look into a dictionary a segment, however many rules there are.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator

from policy.artefact import ANY
from policy.snapshot.layout import NODE, Outline, Sections, Span, Words
from policy.snapshot.rule import CompiledRule
from policy.snapshot.standings import Standing

FEW = 16
"""Children of a state that are all worked out at once, so that a segment which is none of them need not be sought."""


class Reached:
    """Groups of rules that speak of a request, conditions and roles aside: the same object for the same groups."""

    __slots__ = ("groups", "open", "rules")

    def __init__(self, groups: tuple[int, ...], *, somebody: bool) -> None:
        self.groups = groups
        self.open = somebody
        """One of the rules may allow this to a role that one has only by signing in."""
        self.rules: dict[Standing, tuple[CompiledRule, ...]] = {}
        """What `policy.snapshot.snapshot` keeps of each standing."""


class _State:
    """Where a path may be, after so many segments."""

    __slots__ = ("below", "complete", "nodes", "onward", "other", "reached", "spans", "unsought")

    def __init__(self, nodes: tuple[int, ...], below: tuple[Span, ...], spans: tuple[Span, ...]) -> None:
        self.nodes = nodes
        self.below = below
        """Groups that speak of whatever is below the nodes that the path came by."""
        self.spans = spans
        """Where the words of its nodes' children are."""
        self.onward: dict[str, _State | None] = {}
        """The states after segments that patterns name, and after an empty one; None: not worked out yet."""
        self.complete = False
        """`onward` has all of them."""
        self.other: _State | None = None
        """The state after any other segment."""
        self.unsought: _State | None = None
        """`other`, once it is worked out, where `onward` is complete."""
        self.reached: dict[str, Reached] = {}


class Reach:
    """Walks the paths of one compiled policy."""

    def __init__(self, sections: Sections, outline: Outline, words: Words) -> None:
        self.made = 0
        """States and sets of groups kept; whoever holds this one bounds it by `forget`."""
        self._sections = sections
        self._outline = outline
        self._words = words
        self._any_method = words.find(ANY, outline.methods)
        self._splits = outline.depth + 1  # what follows the deepest pattern's segments can only be "below"
        self._roots: dict[str, _State] = {}
        self._reached: dict[tuple[int, ...], Reached] = {}

    def forget(self) -> None:
        """Let go of all that was worked out."""
        self.made = 0
        self._roots = {}
        self._reached = {}

    def reached(self, zone: str, method: str, path: str) -> Reached:
        """The groups that speak of this zone, or of all, of the path and of the method."""
        state = self._roots.get(zone) or self._root(zone)
        segments = iter(path.split("/", self._splits))
        if next(segments) or not path:
            return self._same(())  # what does not begin with a slash is no path
        for segment in segments:
            state = state.onward.get(segment, state.unsought) or self._step(state, segment)
        return state.reached.get(method) or self._collected(state, method)

    def _root(self, zone: str) -> _State:
        names = [(zone, self._outline.roots), (zone, self._outline.zones)]
        if all(self._words.find(*name) < 0 for name in names):
            zone = ANY  # zones that the policy does not know may come from outside, and must grow nothing
        if (known := self._roots.get(zone)) is not None:
            return known
        found = [self._words.find(name, self._outline.roots) for name in dict.fromkeys((zone, ANY))]
        root = self._roots[zone] = self._state([self._words.value(place) for place in found if place >= 0], ())
        return root

    def _state(self, nodes: list[int], below: tuple[Span, ...]) -> _State:
        self.made += 1
        numbers = self._sections.nodes
        spans = ((numbers[node * NODE + 1], numbers[node * NODE + 2]) for node in nodes)
        state = _State(tuple(nodes), below, tuple(span for span in spans if span[0] < span[1]))
        if sum(last - first for first, last in state.spans) <= FEW:
            for span in state.spans:
                for place in range(*span):
                    state.onward[self._words.text(place)] = None
            state.onward[""] = None
            state.complete = True
        return state

    def _step(self, state: _State, segment: str) -> _State:
        known = segment in state.onward if state.complete else self._names(state, segment)
        if known and (segment or self._names(state, segment)):
            onward = state.onward[segment] = self._child(state, segment)
        elif segment:
            onward = self._other(state)
            if state.complete:
                state.unsought = onward
        else:
            onward = state.onward[segment] = self._state([], self._below(state))
        return onward

    def _names(self, state: _State, segment: str) -> bool:
        """Whether a pattern names this segment there."""
        return any(self._words.find(segment, span) >= 0 for span in state.spans)

    def _other(self, state: _State) -> _State:
        if state.other is None:
            numbers = self._sections.nodes
            nodes = [numbers[node * NODE] for node in state.nodes]
            state.other = self._state([node for node in nodes if node], self._below(state))
        return state.other

    def _child(self, state: _State, segment: str) -> _State:
        """The state after a segment that a pattern names."""
        numbers = self._sections.nodes
        nodes = []
        for node in state.nodes:
            place = self._words.find(segment, (numbers[node * NODE + 1], numbers[node * NODE + 2]))
            if place >= 0:
                nodes.append(self._words.value(place))
            if segment and numbers[node * NODE]:
                nodes.append(numbers[node * NODE])
        return self._state(nodes, self._below(state))

    def _below(self, state: _State) -> tuple[Span, ...]:
        numbers = self._sections.nodes
        spans = [(numbers[node * NODE + 4], numbers[node * NODE + 5]) for node in state.nodes]
        return state.below + tuple(span for span in spans if span[0] < span[1])

    def _collected(self, state: _State, method: str) -> Reached:
        """What a method reaches in a state; all methods that no rule names reach the same."""
        named = self._words.find(method, self._outline.methods)
        if named < 0 or method == ANY:
            method = ANY
            if (known := state.reached.get(ANY)) is not None:
                return known
        numbers = self._sections.nodes
        here = ((numbers[node * NODE + 3], numbers[node * NODE + 4]) for node in state.nodes)
        wanted = {named, self._any_method} - {-1}
        groups = tuple(group for span in (*state.below, *here) for group in self._groups(span, wanted))
        state.reached[method] = reached = self._same(groups)
        return reached

    def _groups(self, span: Span, methods: set[int]) -> Iterator[int]:
        """Those of some methods among the groups of one node, which are sorted by method."""
        known = self._sections.group_methods
        for method in methods:
            group = bisect_left(known, method, *span)
            if group < span[1] and known[group] == method:
                yield group

    def _same(self, groups: tuple[int, ...]) -> Reached:
        reached = self._reached.get(groups)
        if reached is None:
            self.made += 1
            somebody = any(self._sections.group_open[group] for group in groups)
            self._reached[groups] = reached = Reached(groups, somebody=somebody)
        return reached
