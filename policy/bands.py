"""Bands of risk: privileges shrink with it, in steps, and grow back by themselves.

A band is compiled to a rule that reduces, before all others, so it is laid on whatever a rule allows, and every band
below the risk of now is laid at once: the smallest privilege holds. What it asks of is `recent_risk`, so it is entered
at once and left later (`policy.recent_risk`).
"""

from __future__ import annotations

from msgspec.structs import replace

from policy.artefact import Band, Policy, Rule, RuleEffect

_BEFORE_ALL = -1
"""A priority that no rule of a document has."""
PREFIX = "band:"
"""What stands before a band's id where a rule's is told."""


def with_bands(policy: Policy) -> Policy:
    """The policy with its bands as rules; to be compiled, not to be kept."""
    if not policy.bands:
        return policy
    return replace(policy, rules=(*(_rule(band) for band in policy.bands), *policy.rules), bands=())


def _rule(band: Band) -> Rule:
    return Rule(
        PREFIX + band.id,
        _BEFORE_ALL,
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
