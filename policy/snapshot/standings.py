"""What a caller comes to under one version: roles granted, assigned and inherited, and the clock that they live by."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

import msgspec

from policy.artefact import ANY, Organisation
from policy.local_time import LocalTime
from policy.roles import held
from policy.snapshot.assigned import Assigned
from policy.snapshot.layout import Outline, Records, Sections, Words, joined

KEPT_STANDINGS = 4096
"""Sets of roles whose resolution is kept; beyond, all are forgotten and resolved again."""
KEPT_CLOCKS = 1024
KEPT_SUBJECTS = 16_384
"""People and programs of whom it is kept what they are assigned."""


class Standing:
    """What a set of roles in one organisation comes to under one version."""

    __slots__ = ("clock", "keys", "usual_hours")

    def __init__(self, keys: tuple[int, ...], clock: LocalTime, usual_hours: tuple[int, int]) -> None:
        self.keys = keys
        """Those of the policy's (organisation, role) pairs that it holds, as the compiled policy numbers them."""
        self.clock = clock
        self.usual_hours = usual_hours


class Standings:
    """Resolves callers, and keeps so many of them."""

    def __init__(self, sections: Sections, outline: Outline, words: Words, records: Records) -> None:
        """Raises `ValueError` where this machine does not know a time zone."""
        self._outline = outline
        self._words = words
        self._records = records
        self._assigned = Assigned(sections, records, outline.role_sets)
        self._assigns = outline.assigns
        try:
            # kept, so that no clock of an organisation is read from a file when it is first asked
            self._time_zones = [ZoneInfo(name) for name in outline.time_zones]
        except (KeyError, OSError) as error:
            raise ValueError(f"a time zone is not known here: {error}") from error
        self._clocks: dict[tuple[str, tuple[int, ...], tuple[date, ...]], LocalTime] = {}
        self._of_roles: dict[tuple[str, frozenset[str]], Standing] = {}
        self._of_subject: dict[tuple[str, frozenset[str], str], Standing] = {}

    def of(self, organisation: str, roles: frozenset[str], subject: str = "") -> Standing:
        """Resolve what somebody was granted, and assigned (`policy.request.assignee`), through the hierarchy there."""
        if subject and self._assigns:
            known = self._of_subject.get((organisation, roles, subject))
            return known or self._assigned_too(organisation, roles, subject)
        return self._of_roles.get((organisation, roles)) or self._resolved(organisation, roles)

    def __len__(self) -> int:
        """How many are kept."""
        return len(self._of_roles) + len(self._of_subject)

    def forget(self) -> None:
        """Let go of all that was resolved."""
        self._of_roles.clear()
        self._of_subject.clear()

    def assigned(self, organisation: str, subject: str) -> tuple[str, ...]:
        """The roles and groups that somebody is assigned, there or everywhere (`policy.request.assignee`)."""
        found = (*self._assigned.find(organisation, subject), *self._assigned.find(ANY, subject)) if subject else ()
        return tuple(dict.fromkeys(found))

    def names(self, organisation: str, roles: frozenset[str], subject: str = "") -> frozenset[str]:
        """All roles and groups that somebody holds: granted, assigned and inherited."""
        return held(self._inherited, organisation, roles.union(self.assigned(organisation, subject)))

    def _assigned_too(self, organisation: str, roles: frozenset[str], subject: str) -> Standing:
        whole = roles.union(self.assigned(organisation, subject))
        standing = self._of_roles.get((organisation, whole)) or self._resolved(organisation, whole)
        if len(self._of_subject) >= KEPT_SUBJECTS:
            self._of_subject.clear()
        self._of_subject[organisation, roles, subject] = standing
        return standing

    def _resolved(self, organisation: str, roles: frozenset[str]) -> Standing:
        words, pairs = self._words, self._outline.roles
        everything = [*held(self._inherited, organisation, roles), ANY]
        found = {words.find(joined(place, role), pairs) for place in (organisation, ANY) for role in everything}
        place = self._organisation(organisation)
        keys = tuple(sorted(found - {-1}))
        standing = Standing(keys, self._clock(place), place.usual_hours)
        if len(self._of_roles) >= KEPT_STANDINGS:
            self.forget()
        self._of_roles[organisation, roles] = standing
        return standing

    def _clock(self, place: Organisation) -> LocalTime:
        """The clock of all organisations with the same time zone and calendar."""
        key = place.time_zone, place.working_days, place.holidays
        clock = self._clocks.get(key)
        if clock is None:
            if len(self._clocks) >= KEPT_CLOCKS:
                self._clocks.clear()
            self._clocks[key] = clock = LocalTime(
                place.time_zone, working_days=place.working_days, holidays=place.holidays
            )
        return clock

    def _inherited(self, organisation: str, role: str) -> list[str]:
        """What a role inherits by one step, there or everywhere."""
        links: list[str] = []
        for place in {organisation, ANY}:
            found = self._words.find(joined(place, role), self._outline.inheriting)
            if found >= 0:
                links += msgspec.msgpack.decode(self._records[self._words.value(found)], type=list[str])
        return links

    def _organisation(self, name: str) -> Organisation:
        for known in (name, ANY):
            place = self._words.find(known, self._outline.organisations)
            if place >= 0:
                return msgspec.msgpack.decode(self._records[self._words.value(place)], type=Organisation)
        return Organisation()
