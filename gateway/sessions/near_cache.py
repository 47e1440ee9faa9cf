"""The sessions that this gateway knows, in its own memory: pure state, fed by fills and pushed events (S4).

Three rules hold whatever the order in which news arrives: a lower version is refused, an ended session never lives
again, and nothing that was read before a reset is taken after it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class LiveSession:
    """One session as last heard of. Moments are epoch seconds by the server's clock."""

    sid: str
    version: int
    idle_expires_at: float
    absolute_expires_at: float
    revoked: frozenset[str] = frozenset()
    """What of its tokens counts for nothing any more: the `jti` of one, the `grant` of all that came of one."""
    expires_at: float = field(init=False)
    """The moment from which it is over, unless something extends it: the idle clock, capped (S6)."""

    def __post_init__(self) -> None:
        self.expires_at = min(self.idle_expires_at, self.absolute_expires_at)

    def refuses(self, jti: str, grant: str) -> bool:
        """Whether a token of it is revoked, alone or with its grant; "" is no name of either."""
        return jti in self.revoked or grant in self.revoked

    def extend(self, idle_expires_at: float, absolute_expires_at: float) -> None:
        """Activity never shortens: a touch of our own may be ahead of what the identity provider has told."""
        self.idle_expires_at = max(self.idle_expires_at, idle_expires_at)
        self.absolute_expires_at = absolute_expires_at
        self.expires_at = min(self.idle_expires_at, absolute_expires_at)


@dataclass(frozen=True, slots=True)
class EndedSession:
    """A tombstone: who ended it, why and when, as far as this gateway was told."""

    sid: str
    version: int
    reason: str
    at: float
    ended_by: dict[str, Any] | None = field(default=None, hash=False)


@dataclass(slots=True)
class NearCache:
    """Bounded: live sessions heard of longest ago go first and are filled again on demand; tombstones go by age."""

    live_limit: int = 200_000
    tombstone_limit: int = 200_000
    tombstone_lifetime: float = 3600.0
    """Seconds; longer than any access token lives, and than a rebuild of the projection takes."""
    generation: int = 0
    """Rises with every reset: a fill that began in an older one is thrown away."""
    evictions: int = 0
    """Live sessions that made room for others."""
    live: OrderedDict[str, LiveSession] = field(default_factory=OrderedDict)
    ended: OrderedDict[str, EndedSession] = field(default_factory=OrderedDict)

    def find(self, sid: str) -> LiveSession | EndedSession | None:
        """What is known of a session; None: nothing yet."""
        found = self.live.get(sid)
        return found if found is not None else self.ended.get(sid)

    def learn_live(
        self,
        sid: str,
        version: int,
        *,
        idle_expires_at: float,
        absolute_expires_at: float,
        revoked: frozenset[str] = frozenset(),
    ) -> bool:
        """Take news of a live session. Says whether it was taken: an ended one, and a higher version, win over it."""
        if sid in self.ended:
            return False
        known = self.live.get(sid)
        if known is None:
            self.live[sid] = LiveSession(sid, version, idle_expires_at, absolute_expires_at, revoked)
            while len(self.live) > self.live_limit:
                self.live.popitem(last=False)
                self.evictions += 1
            return True
        if version < known.version:
            return False
        known.version = version
        known.revoked = revoked
        known.extend(idle_expires_at, absolute_expires_at)
        self.live.move_to_end(sid)
        return True

    def learn_ended(self, tombstone: EndedSession, *, now: float) -> bool:
        """Take news of an end, whatever its version: no later news may revive it. Says whether it is news."""
        known = self.ended.get(tombstone.sid)
        if known is not None:
            if known.ended_by is None and tombstone.ended_by is not None:
                self.ended[tombstone.sid] = tombstone
            return False
        self.live.pop(tombstone.sid, None)
        self.ended[tombstone.sid] = tombstone
        self.forget_old(now)
        return True

    def touch(self, sid: str, at: float, idle_timeout: float) -> None:
        """A person acted at `at`: the idle clock runs from there, never backwards."""
        known = self.live.get(sid)
        if known is not None:
            known.extend(at + idle_timeout, known.absolute_expires_at)

    def reset(self) -> None:
        """Something may have been missed: forget who lives. Who ended has ended all the same."""
        self.generation += 1
        self.live.clear()

    def forget_old(self, now: float) -> None:
        """Drop tombstones past their lifetime, and the oldest past the bound."""
        for sid in self._overdue(now):
            del self.ended[sid]

    def _overdue(self, now: float) -> list[str]:
        excess = len(self.ended) - self.tombstone_limit
        return list(self._oldest(now, excess))

    def _oldest(self, now: float, excess: int) -> Iterator[str]:
        for position, (sid, tombstone) in enumerate(self.ended.items()):
            if position >= excess and tombstone.at + self.tombstone_lifetime > now:
                return
            yield sid
