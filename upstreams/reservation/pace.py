"""How often one person may ask: the less the gateway trusts who asks, the slower. Pure.

The assertion carries what the policy made of the risk: the trust in the device, and the obligations of a reduced
decision. A script that hammers from somewhere odd is slowed so; a person on their own device never notices.
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
REDUCED = Pace(2, 10)
"""Where the policy reduces what may be done, the risk is up."""


def pace_of(device_trust: str, obligations: Collection[str]) -> Pace:
    """The pace of one request, by the trust in its device and what its decision obliges to."""
    if obligations:
        return REDUCED
    return UNKNOWN_DEVICE if device_trust in ("", "unknown") else TRUSTED
