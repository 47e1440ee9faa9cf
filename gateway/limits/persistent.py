"""Who is refused again and again since they use up a rate: counted here, told to the audit once in a while.

Who that is, is an IPv4 address, or the /64 that one subscriber of IPv6 has.

What is told there may be answered by a measure (`policy.response`). Counting costs a refused request a dictionary
look-up, and any other request nothing.
"""

from __future__ import annotations

from audit import trail
from config.clock import Clock
from config.connections import Database
from config.subscriber import UNKNOWN, subscriber
from config.web import new_correlation_id

REFUSALS = 100
"""Refusals within `WITHIN` after which an address is told."""
WITHIN = 60.0
"""Seconds."""
TOLD_FOR = 300.0
"""Seconds for which an address that was told is not told again."""
KEPT = 8192
"""Addresses that are counted at once; beyond, all are counted anew."""
AT_A_TIME = 100
"""Addresses that are told at once; of more, the others are told next time if they go on."""


class Persistent:
    """Of one process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._counts: dict[str, int] = {}
        self._since = clock.monotonic()
        self._told: dict[str, float] = {}
        self._waiting: list[str] = []

    def refused(self, address: str) -> None:
        """A request of this address was refused."""
        now = self._clock.monotonic()
        if now - self._since >= WITHIN or len(self._counts) >= KEPT:
            self._counts.clear()
            self._since = now
        whose = subscriber(address)
        if whose == UNKNOWN:  # it came over a unix socket
            return
        count = self._counts[whose] = self._counts.get(whose, 0) + 1
        if count != REFUSALS:
            return
        if len(self._waiting) < AT_A_TIME and now >= self._told.get(whose, now):
            self._told[whose] = now + TOLD_FOR
            self._waiting.append(address)

    async def tell(self, database: Database) -> None:
        """Put those that are due on record."""
        now = self._clock.monotonic()
        self._told = {whose: until for whose, until in self._told.items() if now < until}
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        try:
            async with database.begin() as tx:
                for address in waiting:
                    await trail.record(tx, _record(address))
        except BaseException:
            self._waiting = [*waiting, *self._waiting][:AT_A_TIME]
            raise


def _record(address: str) -> trail.AuditEvent:
    return trail.AuditEvent(
        kind=trail.Kind.RATE_EXCEEDED,
        correlation_id=new_correlation_id(),
        actor="gateway",
        subject=subscriber(address),
        ip=address,
        details={"refusals": REFUSALS, "within": WITHIN},
    )
