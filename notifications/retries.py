"""When a mail that was not taken is tried again (RFC 5321, section 4.5.4.1)."""

from __future__ import annotations

import random
from datetime import timedelta

MOST_ATTEMPTS = 12
"""Attempts that the server may put off before a mail is a dead letter; a server that is away counts as none."""
_FIRST = timedelta(seconds=1)
_LONGEST = timedelta(minutes=30)
_LONGEST_AWAY = timedelta(minutes=1)


def pause_after(attempts: int, chance: random.Random) -> timedelta:
    """How long a mail waits after it was put off for the `attempts`-th time: doubling, so many never come at once."""
    return _jittered(min(_FIRST * 2 ** min(attempts, 20), _LONGEST), chance)


def pause_while_away(failures: int, chance: random.Random) -> timedelta:
    """How long all mails wait after the server could not be reached `failures` times in a row."""
    return _jittered(min(_FIRST * 2 ** min(failures, 20), _LONGEST_AWAY), chance)


def _jittered(pause: timedelta, chance: random.Random) -> timedelta:
    return pause * chance.uniform(0.5, 1.0)
