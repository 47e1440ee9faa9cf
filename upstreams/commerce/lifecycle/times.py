"""How long a product was in each state, and how late its launch was, from its events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from upstreams.commerce.lifecycle.states import Event, Life


@dataclass(frozen=True, slots=True)
class Stay:
    """A time in one state."""

    state: str
    since: datetime
    until: datetime | None
    """None: it is there still."""

    def lasted(self, now: datetime) -> timedelta:
        """How long it was, or has been."""
        return (self.until or now) - self.since


def stays(life: Life, events: Sequence[Event], now: datetime) -> list[Stay]:
    """Every stay, the first first; a product may be in one state several times. Notes end none."""
    turns = [(event.to_state, event.at) for event in events if event.from_state != event.to_state]
    if not turns:
        turns = [(life.state, life.created_at)]
    ends: list[datetime | None] = [at for _, at in turns[1:]]
    return [Stay(state, since, until) for (state, since), until in zip(turns, [*ends, None], strict=True)]


def time_in_states(life: Life, events: Sequence[Event], now: datetime) -> dict[str, timedelta]:
    """How long it was in each state, all its stays together."""
    sums: dict[str, timedelta] = {}
    for stay in stays(life, events, now):
        sums[stay.state] = sums.get(stay.state, timedelta()) + stay.lasted(now)
    return sums


def launch_delay(life: Life, now: datetime) -> timedelta | None:
    """How much later than planned it was launched, below zero where it was earlier; so far, where it is late and not
    launched yet. None: nothing was planned, or it is still to come, or it ended before."""
    if life.planned_launch_at is None:
        return None
    if life.launched_at is not None:
        return life.launched_at - life.planned_launch_at
    late = (life.ended_at or now) - life.planned_launch_at
    return late if late > timedelta() else None
