"""The hour, the day and its calendar where an organisation works, from epoch seconds."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

WORKING_DAYS = (1, 2, 3, 4, 5)
QUARTER = 900.0
"""Seconds. Every offset in use today is a whole number of quarters of an hour, so an hour ends only at their ends."""


class Moment(NamedTuple):
    """A quarter of an hour as an organisation's clock and calendar have it."""

    began: float
    ends: float
    """Epoch seconds, like `began`; the rest holds from then until now."""
    hour: int
    """0 to 23."""
    weekday: int
    """1 (Monday) to 7, ISO 8601."""
    date: str
    """ISO 8601, `2026-12-24`."""
    holiday: bool
    working_day: bool
    """One of the weekdays that are worked on, and no holiday."""


class LocalTime:
    """One time zone (IANA name) and the calendar there; the last quarter of an hour that was asked for is kept."""

    def __init__(
        self, name: str, *, working_days: Collection[int] = WORKING_DAYS, holidays: Collection[date] = ()
    ) -> None:
        """Raises `zoneinfo.ZoneInfoNotFoundError` or `ValueError` for a name that is none."""
        self._zone = ZoneInfo(name)
        self._working_days = frozenset(working_days)
        self._holidays = frozenset(holidays)
        self._last = Moment(0.0, 0.0, 0, 0, "", False, False)

    def at(self, moment: float) -> Moment:
        """What the clock and the calendar show at a moment (epoch seconds)."""
        last = self._last
        if last[0] <= moment < last[1]:
            return last
        began = moment - moment % QUARTER
        local = datetime.fromtimestamp(moment, self._zone)
        today, weekday = local.date(), local.isoweekday()
        holiday = today in self._holidays
        working_day = weekday in self._working_days and not holiday
        self._last = last = Moment(began, began + QUARTER, local.hour, weekday, today.isoformat(), holiday, working_day)
        return last


def within(hours: tuple[int, int], hour: int) -> bool:
    """Whether an hour lies in [first, second); over midnight where the first is the later one."""
    first, second = hours
    return first <= hour < second if first <= second else hour >= first or hour < second
