"""Whether conditions can hold at all, for any facts: what a contradiction is found by before it is published.

Each comparison speaks of one name and literals, so values at, beside and between the literals stand for all there are.
Whatever is too tangled to be settled within a bound counts as possible: then a warning is missing, and nothing else.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from typing import Any

from policy.conditions import Comparison, Expression, Junction

STEPS = 2_000
"""Comparisons that are looked at before it is given up."""
_DOMAINS: dict[str, tuple[float, float]] = {
    "device": (1, 3),
    "assurance": (0, 3),
    "auth_age": (0, float("inf")),
    "hour": (0, 23),
    "weekday": (1, 7),
    "risk": (0, 100),
    "recent_risk": (0, 100),
}
_HOLDS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "in": lambda value, values: value in values,
    "not in": lambda value, values: value not in values,
    "is": operator.is_,
}
_ANOTHER = "\0"
"""A text that no literal is and that comes before all of them; behind a literal, it makes the next one, since days have
an order."""
_Values = dict[str, tuple[Any, ...]]


class _GivenUp(Exception):
    pass


def satisfiable(*expressions: Expression) -> bool:
    """Whether there are facts, all known, for which all of these hold at once."""
    values = _values(expressions)
    steps = iter(range(STEPS))

    def possible(pending: tuple[Expression, ...], left: _Values) -> bool:
        while pending:
            if next(steps, None) is None:
                raise _GivenUp
            first, *rest = pending
            if isinstance(first, Junction):
                if first.word != "and":
                    return any(possible((part, *rest), left) for part in first.parts)
                pending = (*first.parts, *rest)
                continue
            pending = tuple(rest)
            holds = _HOLDS.get(first.operator)
            if holds is not None:
                kept = tuple(value for value in left[first.name] if holds(value, first.value))
                if not kept:
                    return False
                left = {**left, first.name: kept}
        return True

    try:
        return possible(expressions, values)
    except (_GivenUp, RecursionError, TypeError):
        return True


def _values(expressions: tuple[Expression, ...]) -> _Values:
    """Of each name values that stand for all it may have."""
    literals: dict[str, list[Any]] = {}
    for comparison in (found for expression in expressions for found in _comparisons(expression)):
        value = comparison.value
        literals.setdefault(comparison.name, []).extend(value if isinstance(value, tuple) else (value,))
    return {name: _standing_for(name, found) for name, found in literals.items()}


def _standing_for(name: str, literals: list[Any]) -> tuple[Any, ...]:
    if all(isinstance(value, bool) for value in literals):
        return (True, False)
    if not all(isinstance(value, int) for value in literals):
        return (_ANOTHER, *dict.fromkeys(text for literal in literals for text in (literal, literal + _ANOTHER)))
    least, most = _DOMAINS.get(name, (-float("inf"), float("inf")))
    step = 0.5 if most == float("inf") else 1
    near = {value + by for value in literals for by in (-step, 0, step)} | {least, most}
    return tuple(sorted(value for value in near if least <= value <= most))


def _comparisons(expression: Expression) -> Iterator[Comparison]:
    if isinstance(expression, Comparison):
        yield expression
    else:
        for part in expression.parts:
            yield from _comparisons(part)
