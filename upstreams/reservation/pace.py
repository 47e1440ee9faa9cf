"""How often one person may ask: the less the gateway trusts who asks, the slower. Pure.

The assertion carries what the gateway made of the request: the trust in the device, the level of the risk, and the
obligations of a reduced decision. The slowest pace of these holds. A script that hammers from somewhere odd is slowed
so; a person on their own device never notices.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple


class Pace(NamedTuple):
    """So many requests in so many seconds."""

    requests: int
    seconds: int


TRUSTED = Pace(60, 10)
UNKNOWN_DEVICE = Pace(20, 10)
RAISED_RISK = Pace(6, 10)
REDUCED = Pace(2, 10)
"""Where the risk is high, or the policy reduces what may be done."""


def pace_of(device_trust: str, risk: str, obligations: Collection[str]) -> Pace:
    """The pace of one request, by the trust in its device, the level of its risk (empty: none is told) and what its
    decision obliges to. A level that nobody knows here is taken for the highest."""
    if obligations or risk not in ("", "low", "raised"):
        return REDUCED
    if risk == "raised":
        return RAISED_RISK
    return UNKNOWN_DEVICE if device_trust in ("", "unknown") else TRUSTED
