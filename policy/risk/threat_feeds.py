"""Threat intelligence: a feed of addresses that attacks came from lists the one that this request comes from."""

from __future__ import annotations

from policy.risk.observation import Observation

NAME = "threat_feeds"
LISTED = 50


def weigh(observed: Observation) -> int:
    """0 or 50. Where there is no feed that could say, the other signals speak alone."""
    return LISTED if observed.threat else 0
