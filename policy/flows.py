"""Which zone's services may call into which zone (P8): services are programs and certificates, each at home in one.

Where a policy says so of any, it holds for all: a program of no zone, calling for itself or acting for somebody, gets
in nowhere. Rules and the zone's demands hold as ever for what a flow leads to; the person for whom a service acts must
meet what the zone demands of people.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from policy.artefact import ANY, Flow, Policy
from policy.reasons import Reason
from policy.request import AccessRequest, client_role

CERTIFICATE = "certificate:"


class Crossings(msgspec.Struct, frozen=True):
    """What a policy says of services, as it is compiled."""

    homes: dict[str, str]
    """The zone of each service."""
    flows: tuple[Flow, ...]


def crossings(policy: Policy) -> Crossings | None:
    """What a policy says of services; None: nothing, so that none is asked about."""
    homes = {service: zone.name for zone in policy.zones for service in zone.services}
    return Crossings(homes, policy.flows) if homes or policy.flows else None


class Flows:
    """Answers whether a service may cross from its zone into another one."""

    def __init__(self, said: Crossings) -> None:
        self.homes = said.homes
        self._ways: dict[tuple[str, str], tuple[Flow, ...]] = {}
        for flow in said.flows:
            way = flow.source, flow.to
            self._ways[way] = (*self._ways.get(way, ()), flow)

    def barred(self, request: AccessRequest) -> Reason | None:
        """Why the service behind a request may not call into its zone; None: it may, or there is no service."""
        reasons = [self._barred(home, request) for home in self._homes(request)]
        return next((reason for reason in reasons if reason is not None), None)

    def _homes(self, request: AccessRequest) -> Iterator[str]:
        """The zones of all that calls here; an empty name for what has none."""
        subject, facts = request.subject, request.facts
        by_certificate = self._by_certificate(request)
        if subject.machine:
            yield self.homes.get(client_role(subject.id)) or by_certificate
        if facts.actor:
            yield self.homes.get(client_role(facts.actor), "")
        if by_certificate:
            yield by_certificate

    def _by_certificate(self, request: AccessRequest) -> str:
        name = request.facts.certificate_name
        return self.homes.get(CERTIFICATE + name, "") if name else ""

    def _barred(self, home: str, request: AccessRequest) -> Reason | None:
        if not home:
            return Reason.UNKNOWN_SERVICE
        if home == request.zone:
            return None
        ways = [way for way in self._ways.get((home, request.zone), ()) if _takes(way, request.method)]
        if not ways:
            return Reason.NO_FLOW
        if self._by_certificate(request) == home or any(not way.certificate for way in ways):
            return None
        return Reason.CERTIFICATE_NEEDED


def _takes(flow: Flow, method: str) -> bool:
    return ANY in flow.methods or method in flow.methods
