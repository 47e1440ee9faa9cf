"""Measures: what is ordered against a person, a device, a range of addresses, a country or an organisation, for a time.

By hand or automatically; each says why, ends by itself, and can be lifted before.
"""

from __future__ import annotations

import ipaddress
import re
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated

import msgspec

from policy.artefact import Obligation
from policy.request import Measured, MeasureEffect

LONGEST = 30 * 86_400
"""Seconds for which a measure may stand."""
MOST = 10_000
"""Measures that may stand at once: every gateway holds all of them."""
WIDEST = {4: 8, 6: 16}
"""Bits that a range has at least, by the version of its addresses: nobody shuts out a continent by a slip."""
_SHAPES = {
    "country": re.compile(r"[A-Z]{2}"),
    "organisation": re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
    "person": re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@-]{0,127}"),
    "device": re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@-]{0,127}"),
}


class Kind(StrEnum):
    """What a measure may be aimed at."""

    PERSON = "person"
    """A `sub`: a person's, or a program's."""
    DEVICE = "device"
    ADDRESS = "address"
    """One address or a range of them (CIDR)."""
    COUNTRY = "country"
    """ISO 3166-1 alpha-2."""
    ORGANISATION = "organisation"


class WrongMeasure(ValueError):
    """A measure that nobody may order; the message says what is expected."""


class Target(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a measure is aimed at."""

    kind: Kind
    value: Annotated[str, msgspec.Meta(min_length=1, max_length=128)]


class Measure(msgspec.Struct, frozen=True, kw_only=True):
    """One measure as it is kept."""

    id: str
    target: Target
    effect: MeasureEffect
    points: int = 0
    obligations: tuple[str, ...] = ()
    why: str
    by: str
    """A person's `sub`, or `response:TRIGGER`."""
    at: datetime
    until: datetime
    lifted_at: datetime | None = None
    lifted_by: str = ""
    lifted_why: str = ""

    @property
    def measured(self) -> Measured:
        """What it says to a request that it holds for."""
        return Measured(
            self.id, self.effect, self.at.timestamp(), self.until.timestamp(), self.points, self.obligations
        )

    def stands(self, now: datetime) -> bool:
        """Whether it holds at a moment."""
        return self.lifted_at is None and now < self.until


class Ordered(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is ordered, before it has a number and a moment."""

    target: Target
    effect: MeasureEffect
    seconds: Annotated[int, msgspec.Meta(ge=1, le=LONGEST)]
    why: Annotated[str, msgspec.Meta(min_length=3, max_length=1000)]
    points: Annotated[int, msgspec.Meta(ge=0, le=100)] = 0
    """Of `risk`."""
    obligations: Annotated[tuple[Obligation, ...], msgspec.Meta(max_length=16)] = ()
    """Of `shrink`; none: `read_only`."""


def measure_of(ordered: Ordered, *, ident: str, by: str, at: datetime) -> Measure:
    """The measure that an order comes to at a moment. Raises `WrongMeasure`."""
    obligations = ordered.obligations
    if ordered.effect is MeasureEffect.SHRINK:
        obligations = obligations or ("read_only",)
    elif obligations:
        raise WrongMeasure("obligations are what `shrink` lays on what is allowed")
    if (ordered.effect is MeasureEffect.RISK) is not bool(ordered.points):
        raise WrongMeasure("`points` says how much `risk` adds, from 1 to 100, and is nothing to other effects")
    return Measure(
        id=ident,
        target=Target(ordered.target.kind, _value(ordered.target)),
        effect=ordered.effect,
        points=ordered.points,
        obligations=obligations,
        why=ordered.why,
        by=by,
        at=at,
        until=at + timedelta(seconds=ordered.seconds),
    )


def _value(target: Target) -> str:
    """In the one form that facts have. Raises `WrongMeasure`."""
    if target.kind is not Kind.ADDRESS:
        if not _SHAPES[target.kind.value].fullmatch(target.value):
            raise WrongMeasure(f"this is no {target.kind.value}: {target.value[:50]!r}")
        return target.value
    try:
        network = ipaddress.ip_network(target.value)
    except ValueError as error:
        raise WrongMeasure(f"an address, or a range of them (CIDR), is expected: {error}") from error
    if isinstance(network, ipaddress.IPv6Network) and network.network_address.ipv4_mapped:
        raise WrongMeasure("an IPv4 address in the form of IPv6 is told as the IPv4 address")
    if network.prefixlen < WIDEST[network.version]:
        raise WrongMeasure(f"a range of IPv{network.version} has at least {WIDEST[network.version]} bits")
    return str(network)
