"""What was odd about a session lately, in this process's memory: a fact of the session like any other (decision 0040).

Risks that bands of the policy ask of are noted when a request is decided anew, and heard of from the other gateways
(`gateway.decision.risk_news`). Forgetting one only lets privileges grow back sooner: the risk of now counts by itself.
"""

from __future__ import annotations

from policy.recent_risk import Peaks, counts_until, remembered

KEPT = 100_000
"""Sessions; beyond, those that were noted longest ago are forgotten."""
_AHEAD = 30.0
"""Seconds by which another gateway's clock may run ahead of this one's."""
_NOTHING: Peaks = ()


class RiskMemory:
    """The peaks of each session, each tuple the very same object until there is news of it."""

    def __init__(self, *, kept: int = KEPT) -> None:
        self.peaks: dict[str, Peaks] = {}
        self.untold: dict[str, list[tuple[int, float]]] = {}
        """Noted here and not told to the others yet."""
        self._kept = kept

    def of(self, sid: str) -> Peaks:
        """What is remembered of a session."""
        return self.peaks.get(sid, _NOTHING)

    def note(self, sid: str, risk: int, at: float) -> None:
        """A request of a session was decided at `at` (epoch seconds) with this risk."""
        until = counts_until(at)
        if self.hear(sid, risk, until, at):
            untold = self.untold.setdefault(sid, [])
            untold.append((risk, until))
            while len(self.untold) > self._kept:
                del self.untold[next(iter(self.untold))]

    def hear(self, sid: str, risk: int, until: float, now: float) -> bool:
        """A risk of a session counts until `until`, wherever it was seen. Says whether that is news."""
        if not now < until <= counts_until(now) + _AHEAD:
            return False
        known = self.peaks.get(sid, _NOTHING)
        fresh = remembered(known, risk, until, now)
        if fresh is known:
            return False
        self.peaks.pop(sid, None)
        self.peaks[sid] = fresh
        while len(self.peaks) > self._kept:
            del self.peaks[next(iter(self.peaks))]
        return True

    def forget_over(self, now: float) -> None:
        """Drop what counts no more at `now`."""
        over = [sid for sid, peaks in self.peaks.items() if peaks[-1][1] <= now]
        for sid in over:
            del self.peaks[sid]
