"""What is answered of zones."""

from __future__ import annotations

import msgspec

from policy.zone_map.map import MappedZone


class ZoneList(msgspec.Struct, frozen=True):
    """Zones, by name."""

    zones: tuple[MappedZone, ...]
    next: str | None
    """Ask for `?after=` this for more; null: there are none."""
