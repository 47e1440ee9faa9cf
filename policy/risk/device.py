"""The device: how much is known of it, and whether it is the one that the session began on."""

from __future__ import annotations

from policy.request import DeviceTrust
from policy.risk.observation import Observation

NAME = "device"
TRUST = {DeviceTrust.UNKNOWN: 20, DeviceTrust.KNOWN: 5, DeviceTrust.REGISTERED: 0, DeviceTrust.ATTESTED: 0}
ANOTHER = 40
NEVER_KNOWN = 5


def weigh(observed: Observation) -> int:
    """0 to 60."""
    changed = {True: 0, False: ANOTHER, None: NEVER_KNOWN}[observed.same_device]
    return TRUST[observed.device_trust] + changed
