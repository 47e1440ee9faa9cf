"""The graphs that the `g` lines of a Casbin policy file make: who holds which role, what belongs to which resource."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from policy.casbin_files.split import Line
from policy.casbin_lines import LineError, WrongLines
from policy.roles import DEEPEST


class Link(msgspec.Struct, frozen=True):
    """One `g` line."""

    line: int
    child: str
    parent: str
    domain: str
    """Empty: the definition has none."""


class Graph:
    """The links of one role definition."""

    def __init__(self, lines: Iterable[Line]) -> None:
        self.links = [
            Link(line.number, line.values[0], line.values[1], line.values[2] if len(line.values) > 2 else "")
            for line in lines
        ]
        self.parents = {link.parent for link in self.links}
        self._children: dict[str, list[Link]] = {}
        for link in self.links:
            self._children.setdefault(link.parent, []).append(link)

    def leaves(self, name: str) -> list[Link]:
        """The links by which whatever is nobody's parent belongs to a name, through so many others as Casbin follows.

        Raises `ValueError` where there are more between them.
        """
        found: list[Link] = []
        seen, level = {name}, [name]
        for _ in range(DEEPEST):
            links = [link for parent in level for link in self._children.get(parent, ())]
            found += [link for link in links if link.child not in self.parents]
            level = list({link.child: None for link in links if link.child in self.parents and link.child not in seen})
            seen.update(level)
        if level:
            raise ValueError(f"{name[:100]!r} holds others through more than {DEEPEST} steps")
        return found


def level_of_subjects(links: Iterable[Link]) -> dict[tuple[str, str], int]:
    """Of each (domain, subject) how many rounds pass before it is nobody's parent any more: `subjectPriority` tries the
    lowest first, as pycasbin's `get_subject_hierarchy_map` has it. Raises `WrongLines`.
    """
    rest = [((link.domain, link.child), (link.domain, link.parent), link.line) for link in links]
    left = {node for child, parent, _ in rest for node in (child, parent)}
    levels: dict[tuple[str, str], int] = {}
    level = 0
    while rest:
        lowest = left - {parent for _, parent, _ in rest}
        if not lowest:
            raise WrongLines((LineError(rest[0][2], "the roles inherit in a circle"),))
        levels.update(dict.fromkeys(lowest, level))
        rest = [link for link in rest if link[0] not in lowest]
        left -= lowest
        level += 1
    return {**levels, **dict.fromkeys(left, level)}
