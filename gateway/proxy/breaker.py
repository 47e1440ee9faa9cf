"""The circuit breaker of one target: failures in a row open it, a trial after a rest decides whether it closes.

Two kinds of failure, for they are healed by different things. A target that cannot be *reached* is tried by the gateway
itself, which dials it after the rest, so no request is spent on it. One that is reached and *fails* its requests can
only show by a request (or by an active check) that it is well again.
"""

from __future__ import annotations

from enum import StrEnum

from gateway.routes.upstream import Ejection

_CALM = 60.0
"""Seconds closed after which a new rest begins with the shortest again."""
_LONGEST_LEVEL = 20


class State(StrEnum):
    """Of a breaker."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"
    """A trial is under way."""


class Fault(StrEnum):
    """What a target can do wrong."""

    CONNECT = "connect"
    """No connection."""
    BROKE_OFF = "broke_off"
    """It closed, or answered what is no answer."""
    SILENT = "silent"
    """Nothing came in time."""
    STATUS = "status"
    """It answered 502, 503 or 504."""
    CHECK = "check"
    """An active check went wrong."""


class Breaker:
    """Pure: `now` is seconds of any clock that only rises."""

    __slots__ = ("_closed_at", "_ejection", "_failed", "_level", "_unreached", "_until", "state", "unreachable")

    def __init__(self, ejection: Ejection) -> None:
        self._ejection = ejection
        self._unreached = 0
        self._failed = 0
        self._level = -1
        self._until = 0.0
        self._closed_at = 0.0
        self.state = State.CLOSED
        self.unreachable = False
        """Why it is not closed: it could not be reached."""

    @property
    def suspect(self) -> bool:
        """Whether there is something that a good answer would mend."""
        return bool(self._failed) or self.state is not State.CLOSED

    def not_reached(self, now: float) -> bool:
        """No connection could be made; says whether this opened it."""
        self._unreached += 1
        if self.state is State.OPEN or (self.state is State.CLOSED and self._unreached < self._ejection.failures):
            return False
        self._open(now, unreachable=True)
        return True

    def reached(self, now: float) -> None:
        """A connection stands."""
        self._unreached = 0
        if self.state is State.HALF_OPEN and self.unreachable:
            self._close(now)

    def failed(self, now: float, *, may_open: bool) -> bool:
        """A request was answered badly or not at all; says whether this opened it. One that is tried always reopens."""
        self._failed += 1
        if self.state is State.OPEN:
            return False
        if self.state is State.CLOSED and (self._failed < self._ejection.failures or not may_open):
            return False
        self._open(now, unreachable=False)
        return True

    def answered(self, now: float) -> None:
        """A request was answered well."""
        self._failed = 0
        if self.state is State.HALF_OPEN and not self.unreachable:
            self._close(now)

    def checked(self, now: float) -> None:
        """An active check was answered well: it was reached, but no rest for its other answers is cut short by that."""
        if self.unreachable or self.tries(now):
            self._close(now)

    def tries(self, now: float) -> bool:
        """Whether the rest, or the time of a trial that nothing was heard of, is over."""
        return self.state is not State.CLOSED and now >= self._until

    def begin_trial(self, now: float, patience: float) -> None:
        """One request or dial goes there; nothing else does for as many seconds, unless it shows how things stand."""
        self.state = State.HALF_OPEN
        self._until = now + patience

    def rest(self, now: float) -> float:
        """Seconds until a trial; 0 while closed."""
        return 0.0 if self.state is State.CLOSED else max(0.0, self._until - now)

    def _open(self, now: float, *, unreachable: bool) -> None:
        calm = self.state is State.CLOSED and now - self._closed_at >= _CALM
        self._level = 0 if calm else min(self._level + 1, _LONGEST_LEVEL)
        self.state = State.OPEN
        self.unreachable = unreachable
        # a dial costs nobody a request, so who cannot be reached is dialled again and again
        longer = 1 if unreachable else 2**self._level
        self._until = now + min(self._ejection.rest * longer, self._ejection.longest)

    def _close(self, now: float) -> None:
        self.state = State.CLOSED
        self.unreachable = False
        self._failed = self._unreached = 0
        self._closed_at = now
