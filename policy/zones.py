"""What a zone demands of whoever enters it, and which of its demands a request leaves unmet."""

from __future__ import annotations

from policy.artefact import Zone
from policy.context import Context
from policy.local_time import within
from policy.reasons import Reason


def unmet(zone: Zone, context: Context, *, public: bool) -> tuple[Reason, ...]:
    """The demands left unmet; with `public` those on the person and the device are not made."""
    reasons: tuple[Reason, ...] = ()
    if not public:
        if context.assurance < zone.assurance or (context.risk > zone.step_up_risk and context.assurance < 2):
            reasons += (Reason.ASSURANCE_TOO_LOW,)
        if zone.max_age is not None and (context.auth_age is None or context.auth_age > zone.max_age):
            reasons += (Reason.AUTHENTICATION_TOO_OLD,)
        if (context.device or 0) < zone.device:
            reasons += (Reason.DEVICE_TRUST_TOO_LOW,)
    if zone.networks and context.network not in zone.networks:
        reasons += (Reason.NETWORK_NOT_ALLOWED,)
    if zone.countries and context.country not in zone.countries:
        reasons += (Reason.COUNTRY_NOT_ALLOWED,)
    if (zone.hours is not None or zone.weekdays) and not _open(zone, context):
        reasons += (Reason.OUTSIDE_HOURS,)
    if context.risk > zone.max_risk:
        reasons += (Reason.RISK_TOO_HIGH,)
    return reasons


def _open(zone: Zone, context: Context) -> bool:
    if zone.weekdays and context.weekday not in zone.weekdays:
        return False
    return zone.hours is None or (context.hour is not None and within(zone.hours, context.hour))
