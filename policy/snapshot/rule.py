"""One rule, ready to be tried."""

from __future__ import annotations

import msgspec

from policy import conditions
from policy.artefact import Rule, RuleEffect
from policy.conditions import Compiled
from policy.context import Context


class CompiledRule(msgspec.Struct, frozen=True, gc=False):
    """A rule with everything that can be worked out before there is a request."""

    place: int
    """In the total order of the rules."""
    effect: RuleEffect
    condition: Compiled | None
    """None: always."""
    rule: Rule
    ages: tuple[int, ...]
    """The ages of an authentication that its condition asks for, seconds."""

    @classmethod
    def of(cls, place: int, rule: Rule) -> CompiledRule:
        """A rule at its place. Raises `ValueError` where its condition cannot be used."""
        if not rule.condition:
            return cls(place, rule.effect, None, rule, ())
        condition = conditions.parse(rule.condition)
        function = condition.compile(restricts=rule.effect is not RuleEffect.ALLOW)
        return cls(place, rule.effect, function, rule, condition.ages)


def holds(rule: CompiledRule, context: Context) -> bool:
    """Whether a candidate's condition lets it match; one that fails to be decided never helps."""
    if rule.condition is None:
        return True
    try:
        return rule.condition(context)
    except Exception:
        return rule.effect is not RuleEffect.ALLOW
