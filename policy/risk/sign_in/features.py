"""What a sign-in shows of itself, each feature from the narrowest level to the widest."""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import Final, NamedTuple

SLOTS_OF_DAY: Final = 6
"""Parts of a day, of four hours each."""


class Seen(NamedTuple):
    """One sign-in, or one that somebody attempts. An empty word: not known."""

    at: float
    """Epoch seconds."""
    subscriber: str
    """The network that one subscriber has (`config.subscriber`)."""
    network: str
    """The name of the autonomous system."""
    country: str
    """ISO 3166-1, or the name of a place that is in no country."""
    device: str
    """Who the browser's cookie proves it to be; empty for one that was never here."""
    label: str
    """Browser and system, as the browser says."""
    browser: str
    slot: str
    """Part of the week, by `slot_of`."""


class Level(NamedTuple):
    """One way to tell a feature, and how much of a person's habit is looked for at it."""

    name: str
    share: float


class Feature(NamedTuple):
    """Levels from narrow to wide; their shares add up to 1."""

    name: str
    levels: tuple[Level, ...]


WHERE: Final = Feature("place", (Level("subscriber", 0.6), Level("network", 0.3), Level("country", 0.1)))
"""The shares are those of Wiefling, Dürmuth and Lo Iacono (RAID 2021) for address, network and region."""
WITH_WHAT: Final = Feature("device", (Level("device", 0.6), Level("label", 0.25), Level("browser", 0.15)))
WHEN: Final = Feature("hour", (Level("slot", 1.0),))
FEATURES: Final = (WHERE, WITH_WHAT, WHEN)
LEVELS: Final = tuple(level.name for feature in FEATURES for level in feature.levels)


def slot_of(at: datetime, zone: tzinfo) -> str:
    """The part of the week: `0` to `5` on a working day, `w0` to `w5` at a weekend."""
    local = at.astimezone(zone)
    weekend = "w" if local.weekday() >= 5 else ""
    return f"{weekend}{local.hour * SLOTS_OF_DAY // 24}"
