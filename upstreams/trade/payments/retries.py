"""When a provider is asked again that gave no answer, and when a person has to look."""

from __future__ import annotations

from datetime import timedelta

MOST_ATTEMPTS = 16
"""Attempts after which nothing is tried any more until somebody says so: with these pauses about a day."""
_FIRST = timedelta(seconds=2)
_LONGEST = timedelta(hours=3)


def pause_after(attempts: int, chance: float) -> timedelta:
    """How long to wait after the `attempts`-th attempt: doubling, of which `chance` (0 to 1) shortens up to half, so
    that many never come back at once."""
    return min(_FIRST * int(2 ** min(max(attempts - 1, 0), 20)), _LONGEST) * (1 - chance / 2)
