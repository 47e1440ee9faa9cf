"""What is wrong with zones, bands and flows, above all ways into a stricter zone on weaker demands (P8)."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from typing import Literal

import msgspec

from policy import bands, conditions
from policy.artefact import ANY, Flow, Policy, RuleEffect, Zone
from policy.request import CLIENT_ROLE
from policy.strictness import weaker_in

Kind = Literal[
    "duplicate_id", "duplicate_service", "unknown_zone", "unknown_role", "wrong_condition", "wrong_nesting",
    "weaker_nesting", "weaker_flow", "no_flow",
]  # fmt: skip
"""Values of `policy.lint.Fault`."""


class ZoneFault(msgspec.Struct, frozen=True):
    """One thing found."""

    kind: Kind
    message: str
    rule: str = ""
    refuses: bool = True


def zone_faults(policy: Policy, roles: Container[str]) -> Iterator[ZoneFault]:
    """Everything for which a policy is refused. `roles`: those that a rule may name."""
    zones = {zone.name: zone for zone in policy.zones}
    yield from _services(policy.zones)
    yield from _nesting(zones)
    yield from _bands(policy, zones, roles)
    for flow in policy.flows:
        yield from _flow(flow, zones)


def zone_warnings(policy: Policy) -> Iterator[ZoneFault]:
    """Rules that allow a program something in a zone that no flow leads it into: it will never get there."""
    homes = {service: zone.name for zone in policy.zones for service in zone.services}
    if not homes and not policy.flows:
        return
    ways = {(flow.source, flow.to) for flow in policy.flows}
    for rule in policy.rules:
        if rule.effect is not RuleEffect.ALLOW or not rule.role.startswith(CLIENT_ROLE):
            continue
        home = homes.get(rule.role)
        entered = zones_of(rule.zone, policy.zones)
        if home is None:
            message = f"{rule.role!r} is a service of no zone, and flows say who may call where: it gets in nowhere"
            yield ZoneFault("no_flow", message, rule.id, refuses=False)
        elif not any(zone == home or (home, zone) in ways for zone in entered):
            message = f"no flow leads {rule.role!r} from its zone {home!r} into {rule.zone!r}"
            yield ZoneFault("no_flow", message, rule.id, refuses=False)


def zones_of(named: str, zones: Iterable[Zone]) -> list[str]:
    """The zones that a rule means."""
    return [zone.name for zone in zones if named in (ANY, zone.name)]


def _services(zones: Iterable[Zone]) -> Iterator[ZoneFault]:
    homes: dict[str, str] = {}
    for zone in zones:
        for service in zone.services:
            home = homes.setdefault(service, zone.name)
            if home != zone.name:
                message = f"{service!r} is at home in {home!r} and in {zone.name!r}: a service has one home"
                yield ZoneFault("duplicate_service", message)


def _nesting(zones: dict[str, Zone]) -> Iterator[ZoneFault]:
    for zone in zones.values():
        if not zone.within:
            continue
        outer = zones.get(zone.within)
        if outer is None:
            yield ZoneFault("unknown_zone", f"zone {zone.name!r} lies within {zone.within!r}, which there is not")
        elif _encloses_itself(zone, zones):
            yield ZoneFault("wrong_nesting", f"the zone {zone.name!r} lies within itself")
        elif weaker := weaker_in(zone, outer):
            message = f"zone {zone.name!r} lies within {outer.name!r} and demands less of: {', '.join(weaker)}"
            yield ZoneFault("weaker_nesting", message)


def _encloses_itself(zone: Zone, zones: dict[str, Zone]) -> bool:
    seen, around = {zone.name}, zones.get(zone.within)
    while around is not None and around.name not in seen:
        seen.add(around.name)
        around = zones.get(around.within)
    return around is not None


def _bands(policy: Policy, zones: dict[str, Zone], roles: Container[str]) -> Iterator[ZoneFault]:
    ids = {rule.id for rule in policy.rules}
    for band in policy.bands:
        told = bands.PREFIX + band.id
        if told in ids:
            yield ZoneFault("duplicate_id", f"more than one band or rule has the id {told!r}", told)
        ids.add(told)
        if band.zone != ANY and band.zone not in zones:
            yield ZoneFault("unknown_zone", f"there is no zone {band.zone!r}", told)
        if band.role not in roles:
            yield ZoneFault("unknown_role", f"there is no role {band.role!r}", told)
        try:
            conditions.parse(bands.condition(band))
        except conditions.WrongCondition as error:
            yield ZoneFault("wrong_condition", str(error), told)


def _flow(flow: Flow, zones: dict[str, Zone]) -> Iterator[ZoneFault]:
    named = f"the flow from {flow.source!r} to {flow.to!r}"
    unknown = [name for name in (flow.source, flow.to) if name not in zones]
    for name in unknown:
        yield ZoneFault("unknown_zone", f"{named}: there is no zone {name!r}")
    if unknown:
        return
    if flow.source == flow.to:
        yield ZoneFault("wrong_nesting", f"{named}: within a zone services need no flow")
    if stricter := weaker_in(zones[flow.source], zones[flow.to]):
        demanded = f"{flow.to!r} is stricter ({', '.join(stricter)})"
        if not flow.certificate:
            yield ZoneFault("weaker_flow", f"{named}: {demanded}, so it demands the service's certificate")
        if ANY in flow.methods:
            yield ZoneFault("weaker_flow", f"{named}: {demanded}, so it names its methods")
