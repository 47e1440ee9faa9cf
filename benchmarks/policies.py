"""Policies of any size and requests to them, for measuring decisions against peers."""

from __future__ import annotations

from policy.artefact import Policy, Rule, RuleEffect, Zone
from policy.request import AccessRequest, DeviceTrust, Subject, at_home

AT = 1_767_581_400.0
"""Monday, 5 January 2026, 11:50 in Seoul."""
CONDITION = 'device >= registered and risk < 60 and hour >= 6 and country in ["KR", "JP"]'


def policy_of(rules: int, *, conditions: bool = True) -> Policy:
    """`rules` rules, each for a role and a path of its own, with conditions (ABAC) or without (RBAC)."""
    made = tuple(
        Rule(
            id=f"r{index}",
            priority=index,
            role=f"role{index}",
            zone="shop",
            path=f"/data{index}/:id",
            effect=RuleEffect.ALLOW,
            methods=("GET", "POST"),
            condition=CONDITION if conditions else "",
        )
        for index in range(rules)
    )
    return Policy(tuple(sorted(rule.role for rule in made)), (Zone("shop"),), made)


def request_to(index: int) -> AccessRequest:
    """A request that the rule of this index allows; one beyond the last matches none."""
    subject = Subject("u-1", "org-1", frozenset({f"role{index}"}), assurance=1, authenticated_at=AT - 60)
    facts = at_home("d-1", "192.0.2.1", "office", DeviceTrust.REGISTERED)
    return AccessRequest(subject, facts, "shop", "GET", f"/data{index}/7", AT)
