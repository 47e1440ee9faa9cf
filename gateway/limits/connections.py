"""How many connections one address holds open at once."""

from __future__ import annotations

from http import HTTPStatus

from config.problem import ProblemType
from config.subscriber import UNKNOWN, subscriber

TOO_MANY_OF_ADDRESS = ProblemType(
    "MJ-GATEWAY-151", HTTPStatus.TOO_MANY_REQUESTS, "Too many connections stand from your network",
    "Use connections again that stand already, and open fewer.",
)  # fmt: skip

BOUND = 2048


class PerAddress:
    """Counts by address, or by the /64 of IPv6; as large as there are connections, and no larger."""

    def __init__(self, bound: int = BOUND) -> None:
        self.refused = 0
        self._bound = bound
        self._open: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._open)

    def enter(self, address: str) -> bool:
        """One more stands; `leave` is called at its end, whatever this says. False: it is one too many.

        What has no address (a unix socket) comes from this machine, and is not counted.
        """
        whose = subscriber(address)
        if whose == UNKNOWN:
            return True
        count = self._open[whose] = self._open.get(whose, 0) + 1
        if count > self._bound:
            self.refused += 1
            return False
        return True

    def leave(self, address: str) -> None:
        """One is closed."""
        whose = subscriber(address)
        count = self._open.get(whose, 0) - 1
        if count > 0:
            self._open[whose] = count
        else:
            self._open.pop(whose, None)
