"""The hour: one at which the person's organisation usually works, or an odd one."""

from __future__ import annotations

from policy.risk.observation import Observation

NAME = "time_of_day"
ODD = 15


def weigh(observed: Observation) -> int:
    """0 or 15; an hour that cannot be told counts as odd."""
    return 0 if observed.usual_time else ODD
