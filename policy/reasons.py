"""Why: a closed vocabulary. Other rooms translate it; nobody parses sentences."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """Each value is stable: it stands in logs, in answers to programs and in the console's filters."""

    RULE_ALLOWS = "rule_allows"
    RULE_DENIES = "rule_denies"
    NO_RULE = "no_rule"
    NO_POLICY = "no_policy"
    EVALUATION_FAILED = "evaluation_failed"
    NOT_AUTHENTICATED = "not_authenticated"
    ASSURANCE_TOO_LOW = "assurance_too_low"
    AUTHENTICATION_TOO_OLD = "authentication_too_old"
    DEVICE_TRUST_TOO_LOW = "device_trust_too_low"
    NETWORK_NOT_ALLOWED = "network_not_allowed"
    OUTSIDE_HOURS = "outside_hours"
    COUNTRY_NOT_ALLOWED = "country_not_allowed"
    RISK_TOO_HIGH = "risk_too_high"
    PRIVILEGES_REDUCED = "privileges_reduced"
    UNKNOWN_ZONE = "unknown_zone"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    """The rule that would allow leaves other methods, to whomever it allows anything."""
    UNKNOWN_SERVICE = "unknown_service"
    """A program of no zone, where the policy says which services belong to which."""
    NO_FLOW = "no_flow"
    """No flow leads from the zone of the calling service into this one."""
    CERTIFICATE_NEEDED = "certificate_needed"
    """A flow would lead here for a service that came with its certificate."""
    SCOPE_MISSING = "scope_missing"
    """The access token is not for this, whatever its person may do: it lacks a scope that the route demands."""
    MEASURE_DENIES = "measure_denies"
    MEASURES_UNKNOWN = "measures_unknown"
