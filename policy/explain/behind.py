"""What stands behind a score and behind a zone's demand: the facts that were looked at."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from policy.artefact import Zone
from policy.context import Context
from policy.explain.told import Demand, FactTold, Signal, Value
from policy.judgement import Situation
from policy.reasons import Reason
from policy.risk import device, location, network, time_of_day

_TWO_FACTORS = 2


def signals(situation: Situation) -> tuple[Signal, ...]:
    """Each signal that has a share of the risk, with the facts behind it."""
    return tuple(
        Signal(name, share, _FACTS[name](situation) if name in _FACTS else ()) for name, share in situation.signals
    )


def _device(situation: Situation) -> tuple[FactTold, ...]:
    facts = situation.request.facts
    return (
        FactTold("device", facts.device_trust.name.lower()),
        FactTold("device_id", facts.device_id or None, facts.session_device or None),
    )


def _location(situation: Situation) -> tuple[FactTold, ...]:
    facts = situation.request.facts
    return (
        FactTold("country", facts.country or None, facts.session_country or None),
        FactTold("address", facts.address or None, facts.session_address or None),
    )


def _network(situation: Situation) -> tuple[FactTold, ...]:
    return (FactTold("network", situation.request.facts.network or None),)


def _time(situation: Situation) -> tuple[FactTold, ...]:
    first, last = situation.standing.usual_hours
    return (FactTold("hour", situation.context.hour), FactTold("usual_hours", f"{first}-{last}"))


_FACTS: Mapping[str, Callable[[Situation], tuple[FactTold, ...]]] = {
    device.NAME: _device,
    location.NAME: _location,
    network.NAME: _network,
    time_of_day.NAME: _time,
}


def demands(unmet: tuple[Reason, ...], zone: Zone, context: Context) -> tuple[Demand, ...]:
    """What was wanted, and what there was."""
    return tuple(Demand(reason, *_wanted(reason, zone, context)) for reason in unmet)


def _wanted(reason: Reason, zone: Zone, context: Context) -> tuple[tuple[Value, ...], Value]:
    match reason:
        case Reason.ASSURANCE_TOO_LOW:
            at_risk = context.risk > zone.step_up_risk
            return (max(_TWO_FACTORS, zone.assurance) if at_risk else zone.assurance,), context.assurance
        case Reason.AUTHENTICATION_TOO_OLD:
            return (zone.max_age,), context.auth_age
        case Reason.DEVICE_TRUST_TOO_LOW:
            return (int(zone.device),), context.device
        case Reason.NETWORK_NOT_ALLOWED:
            return zone.networks, context.network
        case Reason.COUNTRY_NOT_ALLOWED:
            return zone.countries, context.country
        case Reason.OUTSIDE_HOURS:
            hours: tuple[Value, ...] = () if zone.hours is None else (f"{zone.hours[0]}-{zone.hours[1]}",)
            return (*hours, *(f"weekday {day}" for day in zone.weekdays)), context.hour
        case Reason.RISK_TOO_HIGH:
            return (zone.max_risk,), context.risk
    return (), None
