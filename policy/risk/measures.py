"""Measures: what an administrator, or an automatic response, adds for as long as a measure stands."""

from __future__ import annotations

from policy.risk.observation import Observation

NAME = "measures"


def weigh(observed: Observation) -> int:
    """0 to 100."""
    return min(observed.suspicion, 100)
