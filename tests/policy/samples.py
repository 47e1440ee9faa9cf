"""Policies and requests to decide, small and large."""

from __future__ import annotations

from typing import Any

import msgspec

from policy.artefact import Policy, Rule, RuleEffect, Zone
from policy.request import AccessRequest, DeviceTrust, Facts, Subject, at_home

MONDAY_NOON = 1_767_581_400.0
"""2026-01-05, 02:50 UTC, which is Monday, 11:50 in Seoul."""

SUBJECT = Subject(
    id="u-1",
    organisation="org-1",
    roles=frozenset({"customer"}),
    assurance=1,
    authenticated_at=MONDAY_NOON - 120,
)
FACTS = at_home("d-1", "192.0.2.1", "office", DeviceTrust.REGISTERED)
NOBODY = Subject()


def request(
    method: str = "GET",
    path: str = "/",
    *,
    zone: str = "shop",
    subject: Subject = SUBJECT,
    facts: Facts = FACTS,
    at: float = MONDAY_NOON,
    **changes: Any,
) -> AccessRequest:
    """A request by a customer in good standing; `changes` go to the subject or to the facts, by their name."""
    for name, value in changes.items():
        if name in Subject.__struct_fields__:
            subject = msgspec.structs.replace(subject, **{name: value})
        else:
            facts = msgspec.structs.replace(facts, **{name: value})
    return AccessRequest(subject, facts, zone, method, path, at)


def rule(id: str, path: str = "/**", **fields: Any) -> Rule:  # noqa: A002 - the field's name
    """An allow for customers in the shop, unless `fields` say otherwise."""
    given = {"priority": 100, "role": "customer", "zone": "shop", "effect": RuleEffect.ALLOW, **fields}
    return Rule(id=id, path=path, **given)


def policy(*rules: Rule, zones: tuple[Zone, ...] = (Zone("shop"),), **fields: Any) -> Policy:
    """A policy of these rules."""
    roles = {rule.role for rule in rules if rule.role != "*"}
    return Policy(**{"roles": tuple(sorted(roles)), "zones": zones, "rules": rules, **fields})
