"""What can be wrong with a sign-in, as the page tells it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from babel.dates import format_timedelta

from idp.credentials.throttle import Limit
from pages.locale import Locale

_MINUTE = 60


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong: beside which field (empty: none), and what (`sign_in.fault.<what>`)."""

    field: str
    what: str
    wait: int = 0
    """Seconds until it is worth trying again."""
    counted: Sequence[tuple[Limit, str]] = ()
    """What the throttle has against this guess and those before it."""


def wait_words(seconds: int, locale: Locale) -> str:
    """`12초`, `3분`; `12 seconds`, `3 minutes`: never less than it takes."""
    told = max(1, seconds) if seconds <= _MINUTE else -(-seconds // _MINUTE) * _MINUTE
    return format_timedelta(timedelta(seconds=told), threshold=1, locale=locale)
