"""What is sent to the API about elevations and measures, and what it answers."""

from __future__ import annotations

import msgspec

from policy.admin.messages import Why
from policy.overlay.elevation import Elevation
from policy.overlay.measure import Measure


class Reasoned(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why it is done."""

    why: Why


class ElevationList(msgspec.Struct, frozen=True):
    """Elevations, the newest first."""

    elevations: list[Elevation]
    next: str | None
    """Ask for `?after=` this for older ones; null: there are none."""


class Askable(msgspec.Struct, frozen=True):
    """A role that may be asked for."""

    role: str
    longest: int
    """Seconds."""


class AskableList(msgspec.Struct, frozen=True):
    """The roles that may be asked for, by name."""

    roles: list[Askable]


class MeasureList(msgspec.Struct, frozen=True):
    """Measures, the newest first."""

    measures: list[Measure]
    next: str | None
    """Ask for `?after=` this for older ones; null: there are none."""
