"""How many requests may be sent a second time, so that repeating does not amplify an outage.

Good answers earn repeats, a fifth of one each, and a few are given by time: while all is well a target that dies with
many requests in flight costs nobody an answer, and while nothing is well repeats soon stop.
"""

from __future__ import annotations

_SHARE = 0.2
_EACH_SECOND = 1.0


class RetryBudget:
    """Pure."""

    __slots__ = ("_bound", "left")

    def __init__(self, bound: float) -> None:
        """`bound`: how many may be saved up; it begins full, since nothing failed yet."""
        self._bound = bound
        self.left = bound

    def earn(self, answers: int, seconds: float) -> None:
        """As many good answers came in as many seconds."""
        self.left = min(self._bound, self.left + answers * _SHARE + seconds * _EACH_SECOND)

    def spend(self) -> bool:
        """Take one, if there is one."""
        if self.left < 1:
            return False
        self.left -= 1
        return True
