"""The overlay: everything that stands above the policy now, immutable, swapped as a whole.

An entry is over at its own time, whether anybody says so or not; that it began, or ended sooner, is told by events.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

import msgspec
from msgspec.structs import replace

from policy.artefact import ADMIN_ZONE, ADMINISTRATOR
from policy.overlay.measure import Kind, Measure
from policy.overlay.ranges import Nested, address_of
from policy.request import AccessRequest, Elevated, Measured, MeasureEffect, Subject

_NOBODY: tuple[Elevated, ...] = ()


class Granted(msgspec.Struct, frozen=True):
    """Somebody holds a role for a time, in one organisation."""

    sub: str
    organisation: str
    elevated: Elevated


class Overlay:
    """Build it anew for every change. `NOTHING` is the one above which nothing stands, `UNKNOWN` the one that could not
    be read: any request may be what a measure denies, so all are."""

    def __init__(
        self,
        granted: Iterable[Granted] = (),
        measures: Iterable[Measure] = (),
        *,
        operator: str = "",
        known: bool = True,
    ) -> None:
        """`operator`: the organisation whose administrators must always be able to lift what was ordered."""
        self.known = known
        self._operator = operator
        self._granted: dict[tuple[str, str], tuple[Elevated, ...]] = {}
        for one in granted:
            holder = one.sub, one.organisation
            self._granted[holder] = (*self._granted.get(holder, ()), one.elevated)
        self._found: dict[Kind, dict[str, tuple[Measured, ...]]] = {kind: {} for kind in Kind}
        ranges = []
        for measure in measures:
            kind, value = measure.target.kind, measure.target.value
            if kind is Kind.ADDRESS:
                ranges.append((ipaddress.ip_network(value), measure.measured))
            else:
                found = self._found[kind]
                found[value] = (*found.get(value, ()), measure.measured)
        self._ranges = Nested(ranges)
        self.elevations = sum(map(len, self._granted.values()))
        self.measures = len(ranges) + sum(len(held) for found in self._found.values() for held in found.values())

    def applied(self, request: AccessRequest) -> AccessRequest:
        """The request with what stands above it at its moment; the very same where nothing does."""
        elevations = self._elevations(request) if self._granted else _NOBODY
        measures = self._measures(request) if self.measures else ()
        if not elevations and not measures:
            return request
        return replace(request, elevations=elevations, measures=measures)

    def _elevations(self, request: AccessRequest) -> tuple[Elevated, ...]:
        subject = request.subject
        held = self._granted.get((subject.id, subject.organisation), _NOBODY)
        # a program that acts for a person was not what anybody granted a role to
        if not held or request.facts.actor:
            return _NOBODY
        return tuple(elevated for elevated in held if request.at < elevated.until)

    def _measures(self, request: AccessRequest) -> tuple[Measured, ...]:
        subject, facts, found = request.subject, request.facts, self._found
        of_one = (
            *found[Kind.PERSON].get(subject.id, ()),
            *found[Kind.DEVICE].get(facts.device_id, ()),
            *found[Kind.DEVICE].get(facts.session_device, ()),
        )
        address = address_of(facts.address) if self._ranges else None
        of_many = (
            *found[Kind.COUNTRY].get(facts.country, ()),
            *found[Kind.ORGANISATION].get(subject.organisation, ()),
            *(self._ranges.of(address) if address is not None else ()),
        )
        if of_many and request.zone == ADMIN_ZONE and self._may_lift(subject):
            of_many = tuple(map(_softened, of_many))
        alike = dict.fromkeys((*of_one, *of_many))  # a device is its session's, most often
        return tuple(measured for measured in alike if request.at < measured.until)

    def _may_lift(self, subject: Subject) -> bool:
        return bool(self._operator) and subject.organisation == self._operator and ADMINISTRATOR in subject.roles


def _softened(measured: Measured) -> Measured:
    """Whoever may lift a measure that is aimed at many is asked for fresh factors by it, and for nothing else, where
    they lift it."""
    return replace(measured, effect=MeasureEffect.STEP_UP, points=0, obligations=())


NOTHING = Overlay()
UNKNOWN = Overlay(known=False)
