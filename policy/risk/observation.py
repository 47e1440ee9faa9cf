"""What the signals look at: a request's facts, told as a few plain answers. None: unknown, which never helps."""

from __future__ import annotations

from typing import NamedTuple

from policy.context import same
from policy.request import DeviceTrust, Facts


class Observation(NamedTuple):
    """Few values, so that a score is worked out once for each of the combinations there are."""

    device_trust: DeviceTrust
    same_device: bool | None
    """The device is the one that the session began on."""
    country_known: bool
    same_country: bool | None
    same_address: bool | None
    network_known: bool
    usual_time: bool | None
    """It is an hour at which the organisation usually works."""
    threat: bool | None = None
    """A threat feed lists the address; None: there is none that could say."""
    suspicion: int = 0
    """Points that measures add."""


def observe(facts: Facts, usual_time: bool | None, suspicion: int = 0) -> Observation:
    """Reduce facts, the time and what measures add to what the signals need."""
    return Observation(
        facts.device_trust,
        same(facts.session_device, facts.device_id),
        bool(facts.country),
        same(facts.session_country, facts.country),
        same(facts.session_address, facts.address),
        bool(facts.network),
        usual_time,
        None if facts.threats is None else bool(facts.threats),
        suspicion,
    )
