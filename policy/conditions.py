"""The condition language: a small part of Python's expressions, read by `ast`, never run as text.

A condition compares the names of `policy.context.Context` with literals: `device >= registered and hour >= 9`,
`country in ["KR", "JP"]`, `not same_device`, `9 <= hour < 18`, `date >= "2026-12-24"`. Names, literals and operators
are checked for their type when the rule is read, so that nothing is left to go wrong when a request is decided.

What is unknown neither holds nor fails. A condition is decided in Kleene's three-valued logic, by moving every `not`
down to its comparison: a rule that grants matches only where its condition certainly holds, and a rule that restricts
matches wherever it may hold. So an unknown fact never helps (P1).

Casbin is given the same condition with those guards written out (`Condition.casbin`).
"""

from __future__ import annotations

import ast
import re
import threading
from collections.abc import Callable
from datetime import date
from functools import lru_cache

import msgspec

from policy.context import Context
from policy.request import DeviceTrust

PARSING = threading.Lock()
"""Held while anything of policy is parsed: before 3.11.8 and 3.12.1, CPython's `ast.parse` raises `SystemError` now and
then when two threads are in it (gh-106905)."""

LONGEST = 1000
"""Characters of one condition."""

DEEPEST = 20
"""Levels of `and`, `or` inside one another."""

Compiled = Callable[[Context], bool]

LEVELS = {trust.name.lower(): int(trust) for trust in DeviceTrust if trust}
_TYPES: dict[str, type] = {
    "device": int, "assurance": int, "auth_age": int, "country": str, "network": str, "hour": int, "weekday": int,
    "risk": int, "same_device": bool, "same_country": bool, "same_address": bool,
    "actor": str, "client_certificate": str, "client_certificate_name": str,
    "recent_risk": int,
    "date": date, "holiday": bool, "working_day": bool,
}  # fmt: skip
_ALWAYS_KNOWN = frozenset({"assurance", "risk", "actor", "recent_risk"})
_OPERATORS: dict[type[ast.cmpop], str] = {
    ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=",
    ast.In: "in", ast.NotIn: "not in",
}  # fmt: skip
_OPPOSITE = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">", "in": "not in", "not in": "in"}
_MIRRORED = {"==": "==", "!=": "!=", "<": ">", ">": "<", "<=": ">=", ">=": "<="}
_TEXT = re.compile(r"[A-Za-z0-9 _:/@+-]{1,128}")  # nothing that Casbin rewrites inside a string: no dot, !, &, |, #
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")  # of which the order as texts is the order as days


class WrongCondition(ValueError):
    """A condition that cannot be used; the message says which part and what is expected."""


class Comparison(msgspec.Struct, frozen=True):
    """One name compared with a literal, or a name that is true or false by itself (`is`)."""

    name: str
    operator: str
    value: int | str | bool | tuple[int | str, ...]

    def negated(self) -> Comparison:
        if self.operator == "is":
            return Comparison(self.name, "is", not self.value)
        return Comparison(self.name, _OPPOSITE[self.operator], self.value)


class Junction(msgspec.Struct, frozen=True):
    """Parts joined by `and` or by `or`."""

    word: str
    parts: tuple[Comparison | Junction, ...]


Expression = Comparison | Junction


class Condition(msgspec.Struct, frozen=True):
    """A condition that was read and found sound."""

    text: str
    expression: Expression

    @property
    def names(self) -> frozenset[str]:
        """The names it speaks of."""
        return frozenset(comparison.name for comparison in _comparisons(self.expression))

    @property
    def ages(self) -> tuple[int, ...]:
        """The ages of an authentication, in seconds, at which its answer may change."""
        return tuple(
            comparison.value
            for comparison in _comparisons(self.expression)
            if comparison.name == "auth_age" and isinstance(comparison.value, int)
        )

    @property
    def risks(self) -> tuple[int, ...]:
        """What it compares the risk of lately with."""
        return tuple(
            comparison.value
            for comparison in _comparisons(self.expression)
            if comparison.name == "recent_risk" and isinstance(comparison.value, int)
        )

    def compile(self, *, restricts: bool) -> Compiled:
        """A function of the context: certainly true, or with `restricts` possibly true."""
        return _compiled(self.text, restricts)

    def casbin(self, *, restricts: bool) -> str:
        """The same for Casbin's `eval()`: names stand under `r.ctx`, what is unknown there is None."""
        return _source(self.expression, restricts, prefix="r.ctx.", unknown="== None", known="!= None")


def vocabulary() -> dict[str, str]:
    """The names there are, and what each is compared with."""
    words = {
        int: "a whole number",
        str: "a text",
        date: 'a day, "2026-12-24"',
        bool: "nothing: it is true or false by itself",
    }
    return {name: words[kind] for name, kind in _TYPES.items()}


@lru_cache(maxsize=4096)
def parse(text: str) -> Condition:
    """Read one condition. Raises `WrongCondition`."""
    text = text.strip()
    if not text:
        raise WrongCondition("a condition may be left out, but not blank")
    if len(text) > LONGEST:
        raise WrongCondition(f"a condition has at most {LONGEST} characters")
    if not text.isascii() or not text.isprintable() or "#" in text:
        raise WrongCondition("a condition is one line of printable ASCII without comments")
    try:
        with PARSING:
            tree = ast.parse(text, mode="eval").body
        expression = _expression(tree, negated=False)
    except (SyntaxError, RecursionError, MemoryError) as error:
        raise WrongCondition(f"this is not an expression: {text!r}") from error
    if _depth(expression) > DEEPEST:
        raise WrongCondition(f"a condition nests at most {DEEPEST} levels")
    return Condition(text, expression)


def names_compared(text: str) -> dict[str, tuple[str, ...]]:
    """The texts that a condition compares each of its names with. Raises `WrongCondition`."""
    named: dict[str, tuple[str, ...]] = {}
    for comparison in _comparisons(parse(text).expression):
        values = comparison.value if isinstance(comparison.value, tuple) else (comparison.value,)
        named[comparison.name] = (*named.get(comparison.name, ()), *(v for v in values if isinstance(v, str)))
    return named


def _expression(node: ast.expr, *, negated: bool) -> Expression:
    match node:
        case ast.BoolOp(op=op, values=values):
            conjunction = isinstance(op, ast.And) is not negated
            return Junction(
                "and" if conjunction else "or", tuple(_expression(value, negated=negated) for value in values)
            )
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return _expression(operand, negated=not negated)
        case ast.Name(id=name):
            if _type(name) is not bool:
                raise WrongCondition(f"{name} is not true or false by itself: compare it with something")
            return Comparison(name, "is", not negated)
        case ast.Compare(left=left, ops=ops, comparators=comparators):
            operands = [left, *comparators]
            parts = tuple(
                _comparison(operands[index], operator, operands[index + 1]) for index, operator in enumerate(ops)
            )
            if negated:
                parts = tuple(part.negated() for part in parts)
            return parts[0] if len(parts) == 1 else Junction("or" if negated else "and", parts)
    raise WrongCondition(f"only names, literals, comparisons, and, or, not are understood, not {ast.unparse(node)!r}")


def _comparison(left: ast.expr, operator: ast.cmpop, right: ast.expr) -> Comparison:
    word = _OPERATORS.get(type(operator))
    if word is None:
        raise WrongCondition("`is` is not understood: use == or !=")
    if not _is_fact(left) and _is_fact(right):
        if word not in _MIRRORED:
            raise WrongCondition("the name stands before `in`, the list behind it")
        left, right, word = right, left, _MIRRORED[word]
    if not isinstance(left, ast.Name) or _is_fact(right):
        raise WrongCondition("a comparison has a name on one side and a literal on the other")
    wanted = _type(left.id)
    if wanted is bool:
        raise WrongCondition(f"{left.id} is true or false by itself: write `{left.id}` or `not {left.id}`")
    if word in ("in", "not in"):
        if not isinstance(right, ast.List | ast.Tuple) or not right.elts:
            raise WrongCondition(f"behind `{word}` stands a list of literals")
        return Comparison(left.id, word, tuple(_literal(item, left.id, wanted) for item in right.elts))
    if wanted is str and word not in ("==", "!="):
        raise WrongCondition(f"{left.id} is a name: it has no order, so {word} says nothing")
    return Comparison(left.id, word, _literal(right, left.id, wanted))


def _is_fact(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id not in LEVELS


def _type(name: str) -> type:
    if name not in _TYPES:
        raise WrongCondition(f"there is no {name!r}: the names are {', '.join(sorted(_TYPES))}")
    return _TYPES[name]


def _literal(node: ast.expr, name: str, wanted: type) -> int | str:
    if isinstance(node, ast.Name) and name == "device":
        return LEVELS[node.id]
    value = node.value if isinstance(node, ast.Constant) else None
    if wanted is int and type(value) is int and value <= 2**31:
        return value
    if wanted is str and isinstance(value, str) and (_TEXT.fullmatch(value) or (name == "actor" and not value)):
        return value
    if wanted is date:
        if isinstance(value, str) and _DAY.fullmatch(value) and _is_day(value):
            return value
        raise WrongCondition(f'{name} is compared with a day, "2026-12-24", not with {ast.unparse(node)!r}')
    expected = "a whole number" if wanted is int else "a short text in quotes, of letters, digits, space and _:/@+-"
    raise WrongCondition(f"{name} is compared with {expected}, not with {ast.unparse(node)!r}")


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _comparisons(expression: Expression) -> list[Comparison]:
    if isinstance(expression, Comparison):
        return [expression]
    return [comparison for part in expression.parts for comparison in _comparisons(part)]


def _depth(expression: Expression) -> int:
    if isinstance(expression, Comparison):
        return 0
    return 1 + max(_depth(part) for part in expression.parts)


def _source(expression: Expression, restricts: bool, *, prefix: str, unknown: str, known: str) -> str:
    if isinstance(expression, Junction):
        parts = (_source(part, restricts, prefix=prefix, unknown=unknown, known=known) for part in expression.parts)
        return "(" + f" {expression.word} ".join(parts) + ")"
    name = prefix + expression.name
    if expression.operator == "is":
        comparison = name if expression.value else f"not {name}"
    else:
        value = list(expression.value) if isinstance(expression.value, tuple) else expression.value
        comparison = f"{name} {expression.operator} {value!r}"
    if expression.name in _ALWAYS_KNOWN:
        return f"({comparison})"
    return f"({name} {unknown} or {comparison})" if restricts else f"({name} {known} and {comparison})"


@lru_cache(maxsize=4096)
def _compiled(text: str, restricts: bool) -> Compiled:
    source = _source(parse(text).expression, restricts, prefix="c.", unknown="is None", known="is not None")
    code = compile(f"lambda c: {source}", "<condition>", "eval")
    function: Compiled = eval(code, {"__builtins__": {}})  # noqa: S307 - written by _source from a checked tree, not by a caller
    return function
