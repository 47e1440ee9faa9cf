"""What a condition may speak of.

A value that is not known is None; `auth_age`, `hour`, `weekday` and `risk` are worked out from the request, so they are
the only ones that move while the facts of a session stay the same.
"""

from __future__ import annotations

import msgspec

from policy.request import Subject

CLOCK_SKEW = 30.0
"""Seconds by which the identity provider's clock may run ahead of the one that decides."""


class Context(msgspec.Struct, frozen=True, gc=False):
    """The names of the condition language."""

    device: int | None
    """How much is known of the device, 1 to 3 (`policy.request.DeviceTrust`); an unknown device has no level."""
    assurance: int
    """0 not authenticated, 1 one factor, 2 two factors or a passkey, 3 a passkey that stays in its device."""
    auth_age: float | None
    """Seconds since the last full authentication."""
    country: str | None
    network: str | None
    hour: int | None
    """0 to 23, in the organisation's time zone."""
    weekday: int | None
    """1 (Monday) to 7, ISO 8601."""
    risk: int
    same_device: bool | None
    """The request comes from the device that the session began on."""
    same_country: bool | None
    same_address: bool | None
    actor: str
    """The program that acts for the caller; empty: nobody does. Always known: a signed token says it."""
    client_certificate: str | None = None
    client_certificate_name: str | None = None
    date: str | None = None
    """The organisation's day, `2026-12-24`."""
    holiday: bool | None = None
    """By the organisation's calendar."""
    working_day: bool | None = None
    recent_risk: int = 0
    """The highest risk of this session lately, that of now included (`policy.recent_risk`)."""
    threat: bool | None = None
    """A threat feed lists the address."""


def since_authentication(subject: Subject, at: float) -> float | None:
    """Seconds since the authentication; None where its time is unknown or lies in the future."""
    if subject.authenticated_at is None:
        return None
    age = at - subject.authenticated_at
    if age >= 0:
        return age
    return 0.0 if age >= -CLOCK_SKEW else None


def same(began: str, now: str) -> bool | None:
    """Whether a fact is still what it was when the session began; one that got lost since counts as changed (P1)."""
    return None if not began else began == now
