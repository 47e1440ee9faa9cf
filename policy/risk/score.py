"""All signals together: their sum, at most 100, with each one's share."""

from __future__ import annotations

from functools import lru_cache

from policy.risk import device, location, measures, network, threat_feeds, time_of_day
from policy.risk.observation import Observation

HIGHEST = 100
SIGNALS = (device, location, network, time_of_day, threat_feeds, measures)


@lru_cache(maxsize=2048)
def score(observed: Observation) -> tuple[int, tuple[tuple[str, int], ...]]:
    """The risk, and the shares that add up to it, largest first; a share beyond 100 in all is cut."""
    weights = sorted(
        ((signal.weigh(observed), signal.NAME) for signal in SIGNALS), key=lambda pair: (-pair[0], pair[1])
    )
    left = HIGHEST
    shares = []
    for weight, name in weights:
        share = min(weight, left)
        left -= share
        if share:
            shares.append((name, share))
    return HIGHEST - left, tuple(shares)
