"""The question: everything that a decision may know. What is missing is unknown, and unknown never helps (P1)."""

from __future__ import annotations

from enum import IntEnum, StrEnum

import msgspec


class DeviceTrust(IntEnum):
    """How much is known of a device, in rising order."""

    UNKNOWN = 0
    KNOWN = 1
    """Seen before with this person."""
    REGISTERED = 2
    """Registered by the person or the organisation."""
    ATTESTED = 3
    """Its hardware or management vouches for it."""


CLIENT_ROLE = "client:"
"""What the roles of programs begin with: one that people never hold, whatever their organisation calls it."""

GROUP = "group:"
"""What the names of groups begin with: a group is put into others and holds roles as people do."""


def client_role(client_id: str) -> str:
    """The one role of a program that calls for itself."""
    return CLIENT_ROLE + client_id


class Subject(msgspec.Struct, frozen=True, gc=False, cache_hash=True, omit_defaults=True):
    """Who asks; an anonymous caller has an empty `id` and no roles."""

    id: str = ""
    organisation: str = ""
    roles: frozenset[str] = frozenset()
    assurance: int = 0
    """1: one factor; 2: two factors or a passkey; 3: a passkey that stays in its device; 0: not authenticated."""
    authenticated_at: float | None = None
    """Epoch seconds of the last full authentication."""
    machine: bool = False
    """A program that calls for itself: no person, and nothing that people are asked for can help it."""


def assignee(subject: Subject) -> str:
    """The name under which roles and groups are assigned to somebody; empty: nothing can be.

    A person whose name looks like a program's or a group's is neither.
    """
    if subject.machine:
        return client_role(subject.id)
    return "" if subject.id.startswith((CLIENT_ROLE, GROUP)) else subject.id


class Facts(msgspec.Struct, frozen=True, gc=False, cache_hash=True, omit_defaults=True):
    """What stays the same over many requests of one session: computed when a fact changes, not for every request.

    Keep the same object from request to request: what follows from it is remembered. A decision's record has all of it.
    """

    device_trust: DeviceTrust = DeviceTrust.UNKNOWN
    device_id: str = ""
    country: str = ""
    """ISO 3166-1 alpha-2; empty: unknown."""
    network: str = ""
    """The narrowest named network that holds the client's address, e.g. `loopback`, `office`; empty: unknown."""
    address: str = ""
    session_device: str = ""
    """The device that the session began on; another one now raises the risk."""
    session_country: str = ""
    session_address: str = ""
    actor: str = ""
    """The program that acts for the subject, by a token that it exchanged for one of theirs (RFC 8693); empty: nobody
    does."""
    certificate: str = ""
    """The `x5t#S256` (RFC 8705, section 3.1) of the certificate that the client's connection came with; empty: none."""
    certificate_name: str = ""
    """Its subject's common name, where an authority of ours vouches for it."""
    risk_peaks: tuple[tuple[int, float], ...] = ()
    """Risks of this session not long ago, each with the epoch seconds until which it counts (`policy.recent_risk`)."""
    threats: tuple[str, ...] | None = None
    """The threat feeds that list the address; None: there is no feed that could say."""


def at_home(device: str, address: str, network: str, trust: DeviceTrust, country: str = "KR") -> Facts:
    """Of somebody at the device, the address and the country that their session began at."""
    return Facts(
        device_trust=trust,
        device_id=device,
        country=country,
        network=network,
        address=address,
        session_device=device,
        session_country=country,
        session_address=address,
    )


class Elevated(msgspec.Struct, frozen=True, gc=False):
    """A role that the subject holds for a time, on top of their own."""

    id: str
    role: str
    until: float
    """Epoch seconds: at that moment it is over."""


class MeasureEffect(StrEnum):
    """What a measure does to whatever it is aimed at."""

    DENY = "deny"
    SHRINK = "shrink"
    """Its obligations are laid on all that is allowed."""
    STEP_UP = "step_up"
    """Two factors are needed, given since the measure was taken."""
    RISK = "risk"
    """So many points are added to the risk."""


class Measured(msgspec.Struct, frozen=True, gc=False):
    """A measure that holds for this request."""

    id: str
    effect: MeasureEffect
    since: float
    """Epoch seconds."""
    until: float
    """Epoch seconds: at that moment it is over."""
    points: int = 0
    obligations: tuple[str, ...] = ()


class AccessRequest(msgspec.Struct, frozen=True, gc=False):
    """One request to be decided."""

    subject: Subject
    facts: Facts
    zone: str
    method: str
    path: str
    """The canonical path."""
    at: float
    """Epoch seconds: a value that is passed in."""
    elevations: tuple[Elevated, ...] = ()
    """Those of the subject that are in force: `policy.overlay` finds them."""
    measures: tuple[Measured, ...] = ()
    """Those that hold for this request: likewise."""
