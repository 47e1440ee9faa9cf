"""A rate: what it counts, and the arithmetic by which it is kept. Pure: moments are seconds of one clock.

The arithmetic is the generic cell rate algorithm in its virtual scheduling form (ITU-T I.371, annex A): of each subject
one moment is kept, at which all that was taken would be worked off at the declared pace. It needs no window that begins
anew, so that nobody gets two windows' worth around its edge.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Per(StrEnum):
    """Of whom requests are counted together."""

    PERSON = "person"
    """Whoever a session or token speaks for; a program, where it speaks for itself."""
    CLIENT = "client"
    """The OAuth client that a bearer token was issued to. Browsers come by a cookie, and are no client of their own."""
    ADDRESS = "address"
    """One IPv4 address, or the /64 of one IPv6 subscriber."""
    ROUTE = "route"
    """Everybody together, each route by itself."""


class Rate(msgspec.Struct, frozen=True):
    """So many requests in so many seconds, on average; `burst` of them may come at once."""

    per: Per
    requests: int
    seconds: int
    burst: int
    scope: str
    """What it is declared for: requests to all of that are counted together."""

    @property
    def pace(self) -> float:
        """Seconds that one request takes up."""
        return self.seconds / self.requests


def wait_for(worked_off_at: float, now: float, pace: float, burst: int) -> float:
    """Seconds until one more would be within the rate; 0: it is now. `worked_off_at`: the moment that is kept."""
    ahead = (worked_off_at if worked_off_at > now else now) + pace - now
    wait = ahead - pace * burst
    return wait if wait > pace * _ROUNDING else 0.0


_ROUNDING = 1e-3
"""Of one request's time: sums of floating-point seconds are that inexact at most, and nobody waits for so little."""
