"""How reports say what was found: words of `words.toml`, figures as people read them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime
from babel.numbers import format_decimal

from pages.catalogue import Catalogue
from pages.locale import Locale

WORDS = Path(__file__).parent / "words.toml"
_MOMENT: Mapping[Locale, str] = {"ko": "y년 M월 d일 HH:mm", "en": "d MMM y, HH:mm"}
_DAY: Mapping[Locale, str] = {"ko": "y년 M월 d일", "en": "d MMM y"}
_SHARES = frozenset({"share"})
_NAMED: Mapping[str, str] = {"method": "method", "why": "failure"}
"""Values that are words of a vocabulary, and of which."""


@cache
def words() -> Catalogue:
    """All of them. Raises `CatalogueError`."""
    return Catalogue.load(WORDS)


class Saying:
    """Says things in one language, by one clock."""

    def __init__(self, locale: Locale, zone: str) -> None:
        self.locale = locale
        self._zone = ZoneInfo(zone)

    def __call__(self, key: str, **values: object) -> str:
        """One message; numbers among its values are written as people read them."""
        said = {name: self.number(value) if isinstance(value, int | float) else value for name, value in values.items()}
        return words().text(key, self.locale, **said)

    def found(self, code: str, values: Mapping[str, str | int | float]) -> str:
        """A finding."""
        return self(f"found.{code}", **self._told(values))

    def advised(self, code: str, values: Mapping[str, str | int | float]) -> str:
        """An advice."""
        return self(f"advice.{code}", **self._told(values))

    def named(self, names: Mapping[str, str]) -> str:
        """What something is called in this language; in another one where it has no name in this."""
        return names.get(self.locale) or next(iter(names.values()), "")

    def _told(self, values: Mapping[str, str | int | float]) -> dict[str, object]:
        said: dict[str, object] = {}
        for name, value in values.items():
            if name in _SHARES and isinstance(value, int | float):
                said[name] = self.percent(value)
            elif name in _NAMED:
                said[name] = self(f"{_NAMED[name]}.{value}")
            elif name == "platform":
                said[name] = value or "–"
            elif name.startswith("name_"):
                said["name"] = values.get(f"name_{self.locale}", value)
            else:
                said[name] = value
        return said

    def number(self, value: float) -> str:
        """A number, with what divides its thousands."""
        return format_decimal(value, format="#,##0.#", locale=self.locale)

    def percent(self, share: float) -> str:
        """A share; a small one with one decimal, so that it does not become nothing."""
        return f"{share * 100:.1f}%" if 0 < share < 0.1 else f"{share * 100:.0f}%"

    def seconds(self, value: float | None) -> str:
        """A duration."""
        return self("analysis.unknown") if value is None else self("analysis.seconds", seconds=round(value, 1))

    def moment(self, at: datetime) -> str:
        """A moment, by the clock."""
        return format_datetime(at.astimezone(self._zone), _MOMENT[self.locale], locale=self.locale)

    def day(self, day: date) -> str:
        """A date."""
        return format_date(day, _DAY[self.locale], locale=self.locale)
