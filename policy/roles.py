"""Role hierarchy: who holds which roles, by inheritance within an organisation."""

from __future__ import annotations

from collections.abc import Iterable

from policy.artefact import ANONYMOUS, ANY, Inheritance

DEEPEST = 9
"""Steps of inheritance; Casbin's role manager follows no more."""


class WrongHierarchy(ValueError):
    """Roles that inherit in a circle, or too deep."""


class Hierarchy:
    """Answers which roles somebody holds, given the roles that were granted."""

    def __init__(self, links: Iterable[Inheritance]) -> None:
        """Raises `WrongHierarchy`."""
        self._inherits: dict[tuple[str, str], set[str]] = {}
        self.organisations = {ANY}
        for link in links:
            self._inherits.setdefault((link.organisation, link.role), set()).add(link.inherits)
            self.organisations.add(link.organisation)
        self._refuse_circles_and_depth()

    def held(self, organisation: str, granted: Iterable[str]) -> frozenset[str]:
        """The granted roles, all that they inherit there, and `anonymous`, which is everybody's."""
        held = {*granted, ANONYMOUS}
        waiting = list(held)
        while waiting:
            role = waiting.pop()
            for inherited in self._above(organisation, role):
                if inherited not in held:
                    held.add(inherited)
                    waiting.append(inherited)
        return frozenset(held)

    def _above(self, organisation: str, role: str) -> set[str]:
        everywhere = self._inherits.get((ANY, role), set())
        if organisation == ANY:
            return everywhere
        return everywhere | self._inherits.get((organisation, role), set())

    def _refuse_circles_and_depth(self) -> None:
        for organisation in sorted(self.organisations):
            depths: dict[str, int] = {}
            roles = sorted({role for owner, role in self._inherits if owner in (ANY, organisation)})
            for start in roles:
                self._measure(organisation, start, depths)

    def _measure(self, organisation: str, start: str, depths: dict[str, int]) -> None:
        """Depth-first without recursion, since a hostile hierarchy may be long."""
        path = [(start, iter(sorted(self._above(organisation, start))))] if start not in depths else []
        on_path = {role for role, _ in path}
        while path:
            role, rest = path[-1]
            for inherited in rest:
                if inherited in on_path:
                    raise WrongHierarchy(f"the role {inherited!r} inherits itself in organisation {organisation!r}")
                if inherited not in depths:
                    path.append((inherited, iter(sorted(self._above(organisation, inherited)))))
                    on_path.add(inherited)
                    break
            else:
                path.pop()
                on_path.discard(role)
                above = self._above(organisation, role)
                depths[role] = 1 + max((depths[inherited] for inherited in above), default=-1)
                if depths[role] > DEEPEST:
                    raise WrongHierarchy(
                        f"the role {role!r} inherits through more than {DEEPEST} steps in organisation {organisation!r}"
                    )
