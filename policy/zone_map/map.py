"""The map as data: zones with all that is known of them, and the flows between them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from policy.artefact import ANY, Inheritance, Policy, RuleEffect, Zone
from policy.obligations import SAFE_METHODS
from policy.strictness import weaker_in
from policy.zone_map.routes import MappedRoute, MappedRoutes

MOST_ROLES = 200
"""Roles that are named of one zone; of more only the number is told."""


class MappedEntry(msgspec.Struct, frozen=True):
    """A role whose holders some rule lets in."""

    role: str
    """`anonymous` is everybody's, `*` is any."""
    changes: bool
    """A rule allows it a method that is not safe (RFC 9110, section 9.2.1)."""
    held_by: tuple[str, ...] = ()
    """Roles that inherit it, by some steps, in some organisation."""


class MappedBand(msgspec.Struct, frozen=True):
    """What is left above a risk."""

    id: str
    above: int
    obligations: tuple[str, ...]
    role: str


class MappedZone(msgspec.Struct, frozen=True):
    """One zone."""

    name: str
    in_policy: bool
    """False: routes lead there, and the policy has no such zone, so that nobody gets in."""
    within: str
    assurance: int
    device: int
    max_age: int | None
    networks: tuple[str, ...]
    countries: tuple[str, ...]
    hours: tuple[int, int] | None
    weekdays: tuple[int, ...]
    step_up_risk: int
    max_risk: int
    services: tuple[str, ...]
    entered_by: tuple[MappedEntry, ...]
    more_roles: int
    """How many roles are not named."""
    bands: tuple[MappedBand, ...]
    routes: tuple[MappedRoute, ...]
    upstreams: tuple[str, ...]
    outage: str
    """What the route table has it do while the store of sessions is away: `strict`, `grace` or `read_only`; empty: it
    does not speak of it."""
    grace: int
    """Seconds of `grace`."""
    expired_tokens: float


class MappedFlow(msgspec.Struct, frozen=True, rename={"source": "from"}):
    """Services of one zone may call into another one."""

    source: str
    to: str
    methods: tuple[str, ...]
    certificate: bool
    by: tuple[str, ...]
    """The services that may."""
    stricter_in: tuple[str, ...]
    """The demands in which the zone that it leads to is the stricter one."""


class ZoneMap(msgspec.Struct, frozen=True):
    """All zones, by name, and all flows."""

    version: int | None
    """Of the policy; null: it is no published one."""
    routes_known: bool
    """False: the route table could not be read; outage, routes and upstreams are not known."""
    zones: tuple[MappedZone, ...]
    flows: tuple[MappedFlow, ...]


def zone_map(policy: Policy, version: int | None, table: MappedRoutes | None) -> ZoneMap:
    """The map of a policy and a route table."""
    named = {zone.name: zone for zone in policy.zones}
    routed = {} if table is None else {**table.zones, **{route.zone: None for route in table.routes}}
    entered = _entered(policy)
    inherited = _inherited(policy.inheritance)
    zones = tuple(_zone(name, named.get(name), policy, table, entered, inherited) for name in sorted({*named, *routed}))
    return ZoneMap(version, table is not None, zones, tuple(_flows(policy, named)))


def _zone(
    name: str,
    found: Zone | None,
    policy: Policy,
    table: MappedRoutes | None,
    entered: Mapping[str, Mapping[str, bool]],
    inherited: Mapping[str, tuple[str, ...]],
) -> MappedZone:
    zone = found or Zone(name)
    lets_in: dict[str, bool] = {}
    for roles_of in (entered.get(ANY, {}), entered.get(name, {})) if found is not None else ():
        for role, changes in roles_of.items():
            lets_in[role] = lets_in.get(role, False) or changes
    roles = sorted(lets_in)
    routes = () if table is None else tuple(route for route in table.routes if route.zone == name)
    outage = table.zones.get(name) if table is not None else None
    mode, _, seconds = ("", "", "") if outage is None else outage.store_away.partition(" ")
    return MappedZone(
        name=name,
        in_policy=found is not None,
        within=zone.within,
        assurance=zone.assurance,
        device=int(zone.device),
        max_age=zone.max_age,
        networks=zone.networks,
        countries=zone.countries,
        hours=zone.hours,
        weekdays=zone.weekdays,
        step_up_risk=zone.step_up_risk,
        max_risk=zone.max_risk,
        services=zone.services,
        entered_by=tuple(MappedEntry(role, lets_in[role], inherited.get(role, ())) for role in roles[:MOST_ROLES]),
        more_roles=max(0, len(roles) - MOST_ROLES),
        bands=tuple(
            MappedBand(band.id, band.above, band.obligations, band.role)
            for band in sorted(policy.bands, key=lambda band: (band.above, band.id))
            if found is not None and band.zone in (ANY, name)
        ),
        routes=routes,
        upstreams=tuple(dict.fromkeys(route.upstream for route in routes)),
        outage=mode,
        grace=int(seconds) if seconds.isascii() and seconds.isdecimal() else 0,
        expired_tokens=0.0 if outage is None else outage.expired_tokens,
    )


def _entered(policy: Policy) -> dict[str, dict[str, bool]]:
    """By zone (`*`: all), the roles that a rule allows something, and whether one allows them to change anything."""
    entered: dict[str, dict[str, bool]] = {}
    for rule in policy.rules:
        if rule.effect is RuleEffect.ALLOW:
            roles = entered.setdefault(rule.zone, {})
            roles[rule.role] = roles.get(rule.role, False) or not SAFE_METHODS.issuperset(rule.methods)
    return entered


def _inherited(links: Iterable[Inheritance]) -> dict[str, tuple[str, ...]]:
    """By role, those that inherit it, by however many steps."""
    below: dict[str, set[str]] = {}
    for link in links:
        below.setdefault(link.inherits, set()).add(link.role)
    return {role: tuple(sorted(_all_below(role, below))) for role in below}


def _all_below(role: str, below: Mapping[str, set[str]]) -> set[str]:
    found: set[str] = set()
    waiting = [role]
    while waiting:
        for heir in below.get(waiting.pop(), ()):
            if heir not in found and heir != role:
                found.add(heir)
                waiting.append(heir)
    return found


def _flows(policy: Policy, named: Mapping[str, Zone]) -> Iterator[MappedFlow]:
    for flow in sorted(policy.flows, key=lambda flow: (flow.source, flow.to, flow.methods)):
        source, to = named.get(flow.source), named.get(flow.to)
        stricter = weaker_in(source, to) if source is not None and to is not None else ()
        services = source.services if source is not None else ()
        yield MappedFlow(flow.source, flow.to, flow.methods, flow.certificate, services, stricter)
