"""The place: the country and the address, against those that the session began with."""

from __future__ import annotations

from policy.risk.observation import Observation

NAME = "location"
UNKNOWN_COUNTRY = 5
ANOTHER_COUNTRY = 40
ANOTHER_ADDRESS = 10
NEVER_KNOWN = 3


def weigh(observed: Observation) -> int:
    """0 to 55."""
    weight = 0 if observed.country_known else UNKNOWN_COUNTRY
    weight += {True: 0, False: ANOTHER_COUNTRY, None: NEVER_KNOWN}[observed.same_country]
    return weight + {True: 0, False: ANOTHER_ADDRESS, None: NEVER_KNOWN}[observed.same_address]
