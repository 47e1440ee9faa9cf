"""A Casbin matcher, taken apart: alternatives, each of which is a row of demands that must all be met."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from itertools import product

import msgspec

from policy import conditions

LONGEST = 4000
MOST_ALTERNATIVES = 32
MATCHING = frozenset({"keyMatch", "keyMatch2", "keyMatch3", "regexMatch"})
"""Casbin's own functions over a request's value and a policy's that can be translated."""
_TOKENS = re.compile(r"""("[^"]*"|'[^']*')|&&|\|\||!(?!=)""")
_WORDS = {"&&": " and ", "||": " or ", "!": " not "}


class WrongMatcher(ValueError):
    """A matcher, or a rule within one, that has no meaning here; the message says which part."""


class Same(msgspec.Struct, frozen=True):
    """A value of the request is one of some literals."""

    field: str
    values: tuple[str, ...]


class Match(msgspec.Struct, frozen=True):
    """A value of the request matches one of the policy line's: `how` is `==`, or one of Casbin's functions."""

    field: str
    value: str
    how: str


class Linked(msgspec.Struct, frozen=True):
    """A value of the request holds one of the policy line's in a graph of roles; `domain`: in which domain."""

    graph: str
    field: str
    value: str
    domain: str


class LineSays(msgspec.Struct, frozen=True):
    """A value of the policy line is a literal: nothing that a request changes."""

    value: str
    literal: str
    same: bool


class Holds(msgspec.Struct, frozen=True):
    """A condition over attributes of the request, in our language."""

    condition: str


class RuleHolds(msgspec.Struct, frozen=True):
    """The condition that a policy line has in one of its values."""

    value: str


Demand = Same | Match | Linked | LineSays | Holds | RuleHolds


def read(text: str) -> tuple[tuple[Demand, ...], ...]:
    """The alternatives of a matcher. Raises `WrongMatcher`."""
    alternatives = list(_alternatives(_parsed(text)))
    return tuple(tuple(_demand(node) for node in alternative) for alternative in alternatives)


def condition(text: str) -> str:
    """A rule that a policy line has for `eval`, in our language of conditions. Raises `WrongMatcher`."""
    return _condition(_parsed(text))


def _parsed(text: str) -> ast.expr:
    if len(text) > LONGEST or not text.isascii() or not text.isprintable():
        raise WrongMatcher(f"an expression is one line of at most {LONGEST} printable ASCII characters")
    python = _TOKENS.sub(lambda found: found[1] or _WORDS[found[0]], text.strip())
    python = re.sub(r"\b([rp])_(?=[A-Za-z])", r"\1.", python)
    try:
        with conditions.PARSING:
            return ast.parse(python.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise WrongMatcher(f"this is not an expression: {text[:100]!r}") from error


def _alternatives(node: ast.expr) -> Iterator[tuple[ast.expr, ...]]:
    if _is_condition(node):
        yield (node,)
        return
    match node:
        case ast.BoolOp(op=ast.Or(), values=values):
            for value in values:
                yield from _alternatives(value)
        case ast.BoolOp(op=ast.And(), values=values):
            parts = [list(_alternatives(value)) for value in values]
            many = 1
            for part in parts:
                many *= len(part)
            if many > MOST_ALTERNATIVES:
                raise WrongMatcher(f"this has more than {MOST_ALTERNATIVES} alternatives")
            for chosen in product(*parts):
                yield tuple(demand for part in chosen for demand in part)
        case _:
            yield (node,)


def _demand(node: ast.expr) -> Demand:
    if _is_condition(node):
        return Holds(_condition(node))
    match node:
        case ast.Compare(left=left, ops=[ast.Eq()], comparators=[right]):
            return _equal(left, right)
        case ast.Compare(left=left, ops=[ast.NotEq()], comparators=[right]):
            value, literal = _of(left, "p"), _literal(right)
            if value and literal is not None:
                return LineSays(value, literal, same=False)
        case ast.Compare(left=left, ops=[ast.In()], comparators=[ast.List(elts=items) | ast.Tuple(elts=items)]):
            literals = [_literal(item) for item in items]
            field = _of(left, "r")
            if field and literals and None not in literals:
                return Same(field, tuple(literal for literal in literals if literal is not None))
        case ast.Call(func=ast.Name(id=name), args=[*given], keywords=[]):
            return _called(name, given)
    raise WrongMatcher(f"{ast.unparse(node)!r} is not understood")


def _equal(left: ast.expr, right: ast.expr) -> Demand:
    for one, other in ((left, right), (right, left)):
        field, value, literal = _of(one, "r"), _of(other, "p"), _literal(other)
        if field and value:
            return Match(field, value, "==")
        if field and literal is not None:
            return Same(field, (literal,))
        if (line_value := _of(one, "p")) and literal is not None:
            return LineSays(line_value, literal, same=True)
    raise WrongMatcher(f"{ast.unparse(left)} == {ast.unparse(right)} is not understood")


def _called(name: str, given: list[ast.expr]) -> Demand:
    if name == "eval" and len(given) == 1 and (value := _of(given[0], "p")):
        return RuleHolds(value)
    if len(given) >= 2:
        field, value = _of(given[0], "r"), _of(given[1], "p")
        if field and value and len(given) == 2 and name in MATCHING:
            return Match(field, value, name)
        if field and value and re.fullmatch(r"g[2-9]?", name):
            domain = _of(given[2], "r") if len(given) == 3 else ""
            if len(given) == 2 or domain:
                return Linked(name, field, value, domain)
    raise WrongMatcher(f"{name}({', '.join(ast.unparse(each) for each in given)}) is not understood")


def _of(node: ast.expr, side: str) -> str:
    """The name of a value of the request (`r`) or of the policy line (`p`); empty: it is none."""
    match node:
        case ast.Attribute(value=ast.Name(id=owner), attr=name) if owner == side:
            return name
    return ""


def _literal(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _is_condition(node: ast.expr) -> bool:
    """Whether attributes of the request's values, and nothing else, are spoken of."""
    names = [each for each in ast.walk(node) if isinstance(each, ast.Name)]
    inner = [
        each
        for each in ast.walk(node)
        if isinstance(each, ast.Attribute) and isinstance(each.value, ast.Attribute) and _of(each.value, "r")
    ]
    return bool(inner) and len(names) == len(inner)


class _Renamed(ast.NodeTransformer):
    """`r.sub.hour`, whichever value of the request it is an attribute of, is our `hour`."""

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        if isinstance(node.value, ast.Attribute) and _of(node.value, "r"):
            return ast.Name(id=node.attr)
        raise WrongMatcher(f"{ast.unparse(node)} is not understood")


def _condition(node: ast.expr) -> str:
    if not _is_condition(node):
        raise WrongMatcher(f"{ast.unparse(node)!r} is not a condition over attributes of the request")
    text = ast.unparse(_Renamed().visit(node))
    try:
        conditions.parse(text)
    except conditions.WrongCondition as error:
        raise WrongMatcher(f"the condition {text[:200]!r}: {error}") from error
    return text
