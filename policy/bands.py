"""Bands of risk: privileges shrink with it, in steps, and grow back by themselves.

A band is compiled to a rule that reduces, before all others, so it is laid on whatever a rule allows, and every band
below the risk of now is laid at once: the smallest privilege holds. What it asks of is `recent_risk`, so it is entered
at once and left later (`policy.recent_risk`).
"""

from __future__ import annotations

from policy.artefact import Band, Policy, Rule, RuleEffect

PREFIX = "band:"
"""What stands before a band's id where a rule's is told."""


def in_order(policy: Policy) -> list[Rule]:
    """The rules in their total order, behind those that stand for bands: what is compiled."""
    bands = sorted(policy.bands, key=lambda band: band.id)
    return [*map(_rule, bands), *sorted(policy.rules, key=lambda rule: rule.order)]


def _rule(band: Band) -> Rule:
    return Rule(
        PREFIX + band.id,
        0,
        band.role,
        band.zone,
        "/**",
        RuleEffect.REDUCE,
        condition=condition(band),
        obligations=band.obligations,
    )


def condition(band: Band) -> str:
    """When a band holds somebody, in the language of conditions."""
    lifted = []
    if band.assurance is not None:
        lifted.append(f"assurance >= {band.assurance}")
    if band.max_age is not None:
        lifted.append(f"auth_age <= {band.max_age}")
    risky = f"recent_risk > {band.above}"
    return f"{risky} and not ({' and '.join(lifted)})" if lifted else risky
