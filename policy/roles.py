"""Role hierarchy: who holds which roles, by inheritance and through groups, within an organisation."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

from policy.artefact import ANONYMOUS, ANY, Assignment, Inheritance
from policy.request import CLIENT_ROLE, GROUP

DEEPEST = 9
"""Steps of inheritance; Casbin's role manager follows no more."""


MOST_STEPS = 5_000_000
"""Steps that looking for circles may take over all organisations; a hierarchy that needs more is refused."""


_SOMEBODY = ""
"""Whoever a role is given to, at the beginning of a way."""
_NOTHING: set[str] = set()


def held(inherited: Callable[[str, str], Iterable[str]], organisation: str, granted: Iterable[str]) -> frozenset[str]:
    """The granted roles, all that they inherit in an organisation, and `anonymous`, which is everybody's.

    `inherited` tells what a role inherits there by one step.
    """
    found = {*granted, ANONYMOUS}
    waiting = list(found)
    while waiting:
        for role in inherited(organisation, waiting.pop()):
            if role not in found:
                found.add(role)
                waiting.append(role)
    return frozenset(found)


class WrongHierarchy(ValueError):
    """Roles that inherit in a circle, or too deep, or are too many to tell."""


class Hierarchy:
    """Answers which roles and groups somebody holds, given those that were granted."""

    def __init__(self, links: Iterable[Inheritance], assignments: Iterable[Assignment] = ()) -> None:
        """Of the assignments those of groups and programs are part of the hierarchy; those of persons are only measured
        for their depth. Raises `WrongHierarchy`.
        """
        self._inherits: dict[tuple[str, str], set[str]] = {}
        self.organisations = {ANY}
        for link in links:
            self._add(link.organisation, link.role, link.inherits)
        granted: dict[str, set[str]] = {ANY: set()}
        for given in assignments:
            organisation, role = given.organisation, given.role
            if given.subject.startswith((GROUP, CLIENT_ROLE)):
                self._add(organisation, given.subject, role)
            elif organisation in granted:  # most often: there may be a million, in few organisations
                granted[organisation].add(role)
            else:
                granted[organisation] = {role}
        self._refuse_circles_and_depth(granted)

    def _add(self, organisation: str, role: str, inherits: str) -> None:
        self._inherits.setdefault((organisation, role), set()).add(inherits)
        self.organisations.add(organisation)

    def held(self, organisation: str, granted: Iterable[str]) -> frozenset[str]:
        """The granted roles, all that they inherit there, and `anonymous`, which is everybody's."""
        return held(self._above, organisation, granted)

    def _above(self, organisation: str, role: str) -> set[str]:
        everywhere = self._inherits.get((ANY, role), _NOTHING)
        if organisation == ANY:
            return everywhere
        own = self._inherits.get((organisation, role))
        return everywhere | own if own else everywhere

    def _refuse_circles_and_depth(self, granted: dict[str, set[str]]) -> None:
        """A circle, or a way that is too long, lies in the links of all organisations, or goes by those for a while and
        then takes one of an organisation's own: so each organisation is looked at from its own links only.
        """
        own: dict[str, set[str]] = {}
        below: dict[str, set[str]] = {role: {_SOMEBODY} for role in granted.pop(ANY, ())}
        for (owner, role), inherited in self._inherits.items():
            own.setdefault(owner, set()).add(role)
            if owner == ANY:
                for one in inherited:
                    below.setdefault(one, set()).add(role)
        walk = _Walk()
        heights = walk.longest(below, lambda role: below.get(role, _NOTHING), ANY)
        for organisation in sorted((own.keys() | granted.keys()) - {ANY}):
            links, given = own.get(organisation, _NOTHING), granted.get(organisation, _NOTHING)
            above = partial(self._above, organisation)
            depths = walk.longest(links | given, above, organisation)
            for role in links | given:
                if depths[role] + max(heights.get(role, 0), role in given) > DEEPEST:
                    raise _too_deep(role, organisation)


class _Walk:
    """Measures hierarchies, without recursion and in bounded time, since a hostile one may be long, wide or many."""

    def __init__(self) -> None:
        self._steps = 0

    def longest(self, starts: Iterable[str], onward: Callable[[str], set[str]], organisation: str) -> dict[str, int]:
        """How many steps lead on from each role, at most. Raises `WrongHierarchy`."""
        lengths: dict[str, int] = {}
        for start in sorted(starts):
            if start not in lengths:
                self._measure(start, onward, organisation, lengths)
        return lengths

    def _measure(
        self, start: str, onward: Callable[[str], set[str]], organisation: str, lengths: dict[str, int]
    ) -> None:
        path = [(start, iter(sorted(onward(start))))]
        on_path = {start}
        while path:
            role, rest = path[-1]
            for following in rest:
                self._steps += 1
                if self._steps > MOST_STEPS:
                    raise WrongHierarchy(f"roles, groups and organisations are too many: over {MOST_STEPS} steps")
                if following in on_path:
                    raise WrongHierarchy(f"the role {following!r} inherits itself in organisation {organisation!r}")
                if following not in lengths:
                    path.append((following, iter(sorted(onward(following)))))
                    on_path.add(following)
                    break
            else:
                path.pop()
                on_path.discard(role)
                lengths[role] = 1 + max((lengths[following] for following in onward(role)), default=-1)
                if lengths[role] > DEEPEST:
                    raise _too_deep(role, organisation)


def _too_deep(role: str, organisation: str) -> WrongHierarchy:
    return WrongHierarchy(
        f"through the role {role!r} more than {DEEPEST} steps are inherited in organisation {organisation!r}"
    )
