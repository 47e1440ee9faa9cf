"""How odd a request is, in three words: as much of its risk as services behind the gateway are told.

A word and not the number, so that nobody can measure through a service what the signals weigh, and so that what is made
for a session (its assertion above all) is not made anew whenever the number moves.
"""

from __future__ import annotations

from typing import Final, Literal

Level = Literal["low", "raised", "high"]
RAISED_FROM: Final = 40
HIGH_FROM: Final = 70
_LEVELS: Final[tuple[Level, ...]] = tuple(
    "high" if risk >= HIGH_FROM else "raised" if risk >= RAISED_FROM else "low" for risk in range(101)
)


def level_of(risk: int) -> Level:
    """The word for a risk of 0 to 100; beyond either end that of the end."""
    return _LEVELS[min(max(risk, 0), 100)]
