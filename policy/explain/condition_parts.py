"""A condition part by part: what held, what did not, and the value of each fact."""

from __future__ import annotations

from policy import conditions
from policy.artefact import RuleEffect
from policy.conditions import LEVELS, Comparison, Expression
from policy.context import Context
from policy.explain.told import ConditionPart, Value
from policy.snapshot import CompiledRule

_LEVEL_NAMES = {level: name for name, level in LEVELS.items()}


def checked(candidate: CompiledRule, context: Context) -> ConditionPart | None:
    """The condition of a rule against one context; None where it has none.

    Of a rule that grants a part matters where it does not certainly hold, of one that restricts where it certainly does
    not (P1): that is what kept the rule from matching.
    """
    text = candidate.rule.condition
    if not text:
        return None
    return _part(conditions.parse(text).expression, context, restricts=candidate.effect is not RuleEffect.ALLOW)


def _part(expression: Expression, context: Context, *, restricts: bool) -> ConditionPart:
    if isinstance(expression, Comparison):
        return _comparison(expression, context, restricts=restricts)
    parts = tuple(_part(part, context, restricts=restricts) for part in expression.parts)
    decisive = expression.word == "or"  # one that holds decides an `or`, one that fails an `and`
    told = [part.holds for part in parts]
    holds = decisive if decisive in told else None if None in told else not decisive
    matters = not _matches(holds, restricts=restricts)
    if not matters:
        parts = tuple(_of_no_matter(part) for part in parts)
    text = f" {expression.word} ".join(f"({part.text})" if part.word else part.text for part in parts)
    return ConditionPart(text, holds, matters, word=expression.word, parts=parts)


def _comparison(comparison: Comparison, context: Context, *, restricts: bool) -> ConditionPart:
    text = _text(comparison)
    read = conditions.parse(text)
    certainly, possibly = read.compile(restricts=False)(context), read.compile(restricts=True)(context)
    holds = True if certainly else None if possibly else False
    value: Value = getattr(context, comparison.name)
    if comparison.name == "device" and isinstance(value, int):
        value = _LEVEL_NAMES.get(value, value)
    return ConditionPart(text, holds, not _matches(holds, restricts=restricts), comparison.name, value)


def _matches(holds: bool | None, *, restricts: bool) -> bool:
    return holds is not False if restricts else holds is True


def _of_no_matter(part: ConditionPart) -> ConditionPart:
    """A part whose failing changed nothing, since what it belongs to held without it."""
    parts = tuple(_of_no_matter(inner) for inner in part.parts)
    return ConditionPart(part.text, part.holds, False, part.fact, part.value, part.word, parts)


def _text(comparison: Comparison) -> str:
    if comparison.operator == "is":
        return comparison.name if comparison.value else f"not {comparison.name}"
    value = comparison.value
    if comparison.name == "device":
        levels = value if isinstance(value, tuple) else (value,)
        names = [str(_LEVEL_NAMES.get(level, level)) if isinstance(level, int) else str(level) for level in levels]
        told = f"[{', '.join(names)}]" if isinstance(value, tuple) else names[0]
    else:
        told = repr(list(value) if isinstance(value, tuple) else value)
    return f"{comparison.name} {comparison.operator} {told}"
