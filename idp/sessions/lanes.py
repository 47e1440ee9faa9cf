"""One lane for each recipient: how much is under way to it, and whether it rests because it does not answer."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

from config.clock import Clock

LONGEST_REST = 60.0
"""Seconds for which a recipient that does not answer is left alone."""

Key = TypeVar("Key", bound=Hashable)


@dataclass(slots=True)
class Lane:
    """One recipient, as this process sees it."""

    under_way: int = 0
    silences: int = 0
    """How often in a row it did not answer."""
    rests_until: float = 0.0


class Lanes(Generic[Key]):
    """The lanes of one process; one that is idle and well is forgotten."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lanes: dict[Key, Lane] = {}

    def enter(self, key: Key) -> None:
        """A post to this recipient begins."""
        self._lanes.setdefault(key, Lane()).under_way += 1

    def leave(self, key: Key, *, answered: bool | None) -> None:
        """A post to this recipient is over; `answered` None: nobody was asked."""
        lane = self._lanes[key]
        lane.under_way -= 1
        if answered:
            lane.silences = 0
            lane.rests_until = 0.0
        elif answered is False:
            lane.silences += 1
            lane.rests_until = self._clock.monotonic() + min(LONGEST_REST, 2.0 ** min(lane.silences - 1, 10))

    def closed(self) -> list[Key]:
        """Recipients that take nothing now: something is under way to them, or they rest."""
        now = self._clock.monotonic()
        for key in [key for key, lane in self._lanes.items() if self._is_idle(lane, now)]:
            del self._lanes[key]
        return [key for key, lane in self._lanes.items() if lane.under_way or now < lane.rests_until]

    def _is_idle(self, lane: Lane, now: float) -> bool:
        return not lane.under_way and (not lane.silences or now > lane.rests_until + LONGEST_REST)
