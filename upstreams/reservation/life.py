"""The life of a reservation: which state follows which, and who may want it so. Pure.

QUEUED -> PENDING (held until a moment) | REFUSED | FAILED
PENDING -> CONFIRMED | EXPIRED (nobody confirmed it) | RELEASED (its payment came to nothing) | CANCELLED
CONFIRMED -> CANCELLED (the last of its lines was given back) -> REFUNDED (the payment provider says so)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

State = Literal["QUEUED", "REFUSED", "FAILED", "PENDING", "CONFIRMED", "CANCELLED", "REFUNDED", "EXPIRED", "RELEASED"]
"""QUEUED until it is decided; REFUSED or FAILED, or PENDING while it is held, and what follows from there."""

NEXT: Mapping[State, frozenset[State]] = {
    "QUEUED": frozenset({"PENDING", "REFUSED", "FAILED"}),
    "REFUSED": frozenset(),
    "FAILED": frozenset({"QUEUED"}),  # an administrator has a dead letter tried again
    "PENDING": frozenset({"CONFIRMED", "EXPIRED", "RELEASED", "CANCELLED"}),
    "CONFIRMED": frozenset({"CANCELLED"}),
    "CANCELLED": frozenset({"REFUNDED"}),
    "REFUNDED": frozenset(),
    "EXPIRED": frozenset({"CONFIRMED"}),  # paid too late, and it could be had again
    "RELEASED": frozenset(),
}


class NotInThatState(Exception):
    """A reservation is not in a state from which what is wanted follows."""

    def __init__(self, state: State, wanted: State) -> None:
        super().__init__(f"{state} does not become {wanted}")
        self.state = state
        self.wanted = wanted


def step(state: State, to: State) -> State:
    """The state that follows. Raises `NotInThatState`."""
    if to not in NEXT[state]:
        raise NotInThatState(state, to)
    return to
