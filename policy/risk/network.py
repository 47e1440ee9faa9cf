"""The network: one that has a name here, or any other."""

from __future__ import annotations

from policy.risk.observation import Observation

NAME = "network"
UNKNOWN = 10


def weigh(observed: Observation) -> int:
    """0 or 10."""
    return 0 if observed.network_known else UNKNOWN
