"""What a zone demands, in the terms of conditions: whether it lets in anybody for whom a rule's condition holds."""

from __future__ import annotations

from policy import conditions
from policy.artefact import ANONYMOUS, Rule, RuleEffect, Zone
from policy.conditions import Comparison
from policy.request import CLIENT_ROLE, DeviceTrust
from policy.satisfiable import satisfiable


def lets_in(zone: Zone, rule: Rule) -> bool:
    """Whether what a rule allows may pass its zone for some facts; only a contradiction is ever found."""
    if rule.effect is not RuleEffect.ALLOW or not rule.condition:
        return True
    return satisfiable(conditions.parse(rule.condition).expression, *_demands(zone, of_person=asks_person(rule)))


def asks_person(rule: Rule) -> bool:
    """Whether a zone makes its demands on people of whom the rule allows something."""
    return not (rule.role == ANONYMOUS or rule.role.startswith(CLIENT_ROLE))


def _demands(zone: Zone, *, of_person: bool) -> tuple[Comparison, ...]:
    found = [Comparison("risk", "<=", zone.max_risk)]
    if of_person:
        found.append(Comparison("assurance", ">=", zone.assurance))
        if zone.device is not DeviceTrust.UNKNOWN:
            found.append(Comparison("device", ">=", int(zone.device)))
        if zone.max_age is not None:
            found.append(Comparison("auth_age", "<=", zone.max_age))
    if zone.networks:
        found.append(Comparison("network", "in", zone.networks))
    if zone.countries:
        found.append(Comparison("country", "in", zone.countries))
    if zone.weekdays:
        found.append(Comparison("weekday", "in", zone.weekdays))
    if zone.hours is not None and zone.hours[0] < zone.hours[1]:
        found += [Comparison("hour", ">=", zone.hours[0]), Comparison("hour", "<", zone.hours[1])]
    return tuple(found)
