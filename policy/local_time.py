"""The hour and the day where an organisation works, from epoch seconds."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

QUARTER = 900.0
"""Seconds. Every offset in use today is a whole number of quarters of an hour, so an hour ends only at their ends."""


class LocalTime:
    """One time zone (IANA name); the last quarter of an hour that was asked for is kept."""

    def __init__(self, name: str) -> None:
        """Raises `zoneinfo.ZoneInfoNotFoundError` or `ValueError` for a name that is none."""
        self._zone = ZoneInfo(name)
        self._last: tuple[float, float, int, int] = (0.0, 0.0, 0, 0)

    def at(self, moment: float) -> tuple[float, float, int, int]:
        """From and until when the answer holds (epoch seconds), the hour (0 to 23), the ISO weekday (1 to 7)."""
        last = self._last
        if last[0] <= moment < last[1]:
            return last
        began = moment - moment % QUARTER
        local = datetime.fromtimestamp(moment, self._zone)
        self._last = last = (began, began + QUARTER, local.hour, local.isoweekday())
        return last


def within(hours: tuple[int, int], hour: int) -> bool:
    """Whether an hour lies in [first, second); over midnight where the first is the later one."""
    first, second = hours
    return first <= hour < second if first <= second else hour >= first or hour < second
