"""A compiled version, as whoever decides looks things up in it."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from functools import cached_property
from mmap import mmap

import msgspec

from policy.artefact import Policy, Rule, Zone
from policy.decision import Decision
from policy.flows import Crossings, Flows
from policy.request import Facts, Subject, assignee
from policy.snapshot.layout import Outline, Records, UnreadableSnapshot, Words, read
from policy.snapshot.reach import Reach, Reached
from policy.snapshot.rule import CompiledRule
from policy.snapshot.standings import Standing, Standings

KEPT = 32_768
"""Steps of paths and rules that are kept once they were decoded; beyond, all are forgotten and decoded again."""
KEPT_LEASES = 2048
"""Decisions that are kept while they stand; beyond, all are forgotten and worked out again."""

Question = tuple[Reached, str, str, Subject, Facts]
"""All that a decision without elevations and measures follows, but for the time: the rules that speak of the path,
which are the same for many paths, then zone, method, who asks and from where."""


class Snapshot:
    """One compiled version. `policy.snapshot.NONE` is the one that denies everything."""

    def __init__(self, version: int, compiled: bytes | bytearray | mmap) -> None:
        """Take up what `policy.snapshot.compiled` made. Raises `ValueError`; then nothing of it can be used."""
        sections = read(compiled)
        try:
            outline = msgspec.msgpack.decode(sections.outline, type=Outline)
        except msgspec.DecodeError as error:
            raise UnreadableSnapshot(f"its outline cannot be read: {error}") from error
        words, records = Words(sections), Records(sections)
        self.version = version
        self.assigns = outline.assigns
        """Whether anybody is assigned anything, so that it matters who a caller is."""
        self.compiled = compiled
        self.size = len(compiled)
        """Bytes."""
        self.remembers = outline.remembers
        """The lowest risk that may still matter once it is over."""
        self._outline = outline
        self._sections = sections
        self._words = words
        self._records = records
        self._rules: dict[int, CompiledRule] = {}
        try:
            self.zones = _Zones(outline, words, records)
            self.flows = None if outline.crossings < 0 else _flows(records[outline.crossings])
            """Which services may cross into which zone; None: the policy speaks of none."""
            self._reach = Reach(sections, outline, words)
            self.reached = self._reach.reached
            """The groups of rules that speak of a zone, a method and a path."""
            self._standings = Standings(sections, outline, words, records)
        except IndexError as error:
            raise UnreadableSnapshot(f"it points beyond its end: {error}") from error
        self.leases: dict[Question, tuple[float, Decision]] = {}
        """What was decided, and since when (epoch seconds) it stands."""
        self._zones_met = self.zones.met
        self.standing = self._standings.of

    @cached_property
    def rest(self) -> Policy:
        """What of the policy is not looked up here: all but rules, zones, roles, organisations and assignments."""
        return msgspec.msgpack.decode(self._records[self._outline.rest], type=Policy)

    def zone(self, name: str) -> Zone | None:
        """One of its zones."""
        return self._zones_met.get(name) or self.zones.get(name)

    def assigned_to(self, subject: Subject) -> tuple[str, ...]:
        """The roles and groups that it assigns to somebody."""
        return self._standings.assigned(subject.organisation, assignee(subject))

    def roles_of(self, subject: Subject) -> frozenset[str]:
        """All roles and groups that somebody holds, granted, assigned and inherited."""
        return self._standings.names(subject.organisation, subject.roles, assignee(subject))

    def lease(self, question: Question, at: float, decision: Decision) -> None:
        """Keep what was decided at a moment (epoch seconds), for as long as it stands."""
        if len(self.leases) >= KEPT_LEASES:
            self.leases.clear()
        self.leases[question] = at, decision

    def changed_zones(self, former: Snapshot) -> frozenset[str]:
        """The zones, of either version, in which something may be decided otherwise than by a former one.

        A hint of where to look first, by hashes: whoever must be sure decides anew.
        """
        marks, others = self._marks(), former._marks()
        return frozenset(zone for zone in marks.keys() | others.keys() if marks.get(zone) != others.get(zone))

    def candidates(self, standing: Standing, zone: str, method: str, path: str) -> tuple[CompiledRule, ...]:
        """The rules that speak of this request, conditions aside, in their total order."""
        reached = self.reached(zone, method, path)
        rules = reached.rules.get(standing)
        return rules if rules is not None else self._found(reached, standing)

    def rules_at(self, zone: str, method: str, path: str) -> list[CompiledRule]:
        """The same for whatever role: what might be allowed here to somebody else."""
        pairs = (pair for group in self.reached(zone, method, path).groups for pair in range(*self._span(group)))
        places = {place for pair in pairs for place in self._places(pair)}
        return [self._rule(place) for place in sorted(places)]

    def allows_somebody(self, zone: str, method: str, path: str) -> bool:
        """Whether a rule may allow this to a role that one has only by signing in."""
        return self.reached(zone, method, path).open

    def _found(self, reached: Reached, standing: Standing) -> tuple[CompiledRule, ...]:
        if self._reach.made + len(self._rules) > KEPT:
            self._reach.forget()
            self._rules.clear()
            self.leases.clear()
        places = {place for group in reached.groups for place in self._of_roles(group, standing.keys)}
        rules = reached.rules[standing] = tuple(self._kept(place) for place in sorted(places))
        self._reach.made += 1
        return rules

    def _of_roles(self, group: int, keys: tuple[int, ...]) -> Iterator[int]:
        """The places of a group's rules that are for one of these roles."""
        first, last = self._span(group)
        roles = self._sections.pair_roles
        if last - first < len(keys):
            held = set(keys)
            pairs = [pair for pair in range(first, last) if roles[pair] in held]
        else:
            sought = ((bisect_left(roles, key, first, last), key) for key in keys)
            pairs = [pair for pair, key in sought if pair < last and roles[pair] == key]
        for pair in pairs:
            yield from self._places(pair)

    def _span(self, group: int) -> tuple[int, int]:
        pairs = self._sections.group_pairs
        return pairs[group], pairs[group + 1]

    def _places(self, pair: int) -> list[int]:
        starts = self._sections.pair_places
        return self._sections.places[starts[pair] : starts[pair + 1]].tolist()

    def _kept(self, place: int) -> CompiledRule:
        rule = self._rules.get(place)
        if rule is None:
            rule = self._rules[place] = self._rule(place)
        return rule

    def _rule(self, place: int) -> CompiledRule:
        if place >= self._outline.rules:
            raise IndexError(place)
        return CompiledRule.of(place, msgspec.msgpack.decode(self._records[place], type=Rule))

    def _marks(self) -> dict[str, int]:
        names = (self._words.text(place) for place in range(*self._outline.zones))
        return dict(zip(names, self._sections.zone_marks.tolist(), strict=True))


def _flows(record: memoryview) -> Flows:
    try:
        return Flows(msgspec.msgpack.decode(record, type=Crossings))
    except msgspec.DecodeError as error:
        raise UnreadableSnapshot(f"its flows cannot be read: {error}") from error


class _Zones(Mapping[str, Zone]):
    """The zones of a policy, decoded when they are met."""

    def __init__(self, outline: Outline, words: Words, records: Records) -> None:
        self._span = outline.zones
        self._words = words
        self._records = records
        self.met: dict[str, Zone] = {}

    def __getitem__(self, name: str) -> Zone:
        known = self.met.get(name)
        if known is not None:
            return known
        place = self._words.find(name, self._span)
        if place < 0:
            raise KeyError(name)
        zone = msgspec.msgpack.decode(self._records[self._words.value(place)], type=Zone)
        self.met[name] = zone
        return zone

    def __iter__(self) -> Iterator[str]:
        return (self._words.text(place) for place in range(*self._span))

    def __len__(self) -> int:
        return self._span[1] - self._span[0]
