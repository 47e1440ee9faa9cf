"""Rules and role hierarchy as lines of a Casbin policy file, read and written with real CSV quoting.

`p, priority, id, role, organisation, zone, path, methods, condition, effect, obligations` (methods and obligations are
joined by `|`) and `g, role, inherited role, organisation`. Blank lines and lines that begin with `#` are left out.

Casbin's own readers split at every comma outside of brackets and keep the quotes, which turns a condition into a text
that is always true; they must not be used for these lines.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable

import msgspec

from policy import conditions, path_pattern
from policy.artefact import Inheritance, Rule

RULE_FIELDS = (
    "priority",
    "id",
    "role",
    "organisation",
    "zone",
    "path",
    "methods",
    "condition",
    "effect",
    "obligations",
)
LINK_FIELDS = ("role", "inherits", "organisation")
JOINT = "|"
_OBLIGATIONS = re.compile(r"\|(?=read_only(?:\||\Z)|(?:mask|limit|methods|scopes):)")
"""Where one obligation ends and the next begins: `methods:GET|HEAD` is one."""
MOST_LINES = 200_000


class LineError(msgspec.Struct, frozen=True):
    """What is wrong in one line, counted from 1."""

    line: int
    message: str


class WrongLines(ValueError):
    """Lines that cannot be used, all of them named: nothing was taken over."""

    def __init__(self, errors: tuple[LineError, ...]) -> None:
        super().__init__("; ".join(f"line {error.line}: {error.message}" for error in errors[:10]))
        self.errors = errors


class Lines(msgspec.Struct, frozen=True):
    """What a policy file holds."""

    rules: tuple[Rule, ...]
    inheritance: tuple[Inheritance, ...]
    where: dict[str, int]
    """The line of each rule, by its id."""


def read(text: str) -> Lines:
    """Read a policy file, all or nothing. Raises `WrongLines` with every line that is wrong."""
    rules: list[Rule] = []
    links: list[Inheritance] = []
    errors: list[LineError] = []
    seen: dict[str, int] = {}
    lines = text.splitlines()
    if len(lines) > MOST_LINES:
        raise WrongLines((LineError(MOST_LINES + 1, f"a policy file has at most {MOST_LINES} lines"),))
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        try:
            found = _read_line(line)
        except ValueError as error:
            errors.append(LineError(number, str(error)))
            continue
        if isinstance(found, Inheritance):
            links.append(found)
        elif found.id in seen:
            errors.append(LineError(number, f"the id {found.id!r} stands in line {seen[found.id]} already"))
        else:
            seen[found.id] = number
            rules.append(found)
    if errors:
        raise WrongLines(tuple(errors))
    return Lines(tuple(rules), tuple(links), seen)


def write(rules: Iterable[Rule], inheritance: Iterable[Inheritance]) -> str:
    """The lines of rules, in their total order, and of the hierarchy; `read` gives the same back."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    for rule in sorted(rules, key=lambda rule: rule.order):
        writer.writerow(("p", *values(rule, rule.condition)))
    for link in inheritance:
        writer.writerow(("g", link.role, link.inherits, link.organisation))
    return out.getvalue()


def values(rule: Rule, condition: str) -> tuple[str, ...]:
    """A rule's values in the order of the fields, with its condition as it is to be written."""
    return (
        str(rule.priority),
        rule.id,
        rule.role,
        rule.organisation,
        rule.zone,
        rule.path,
        JOINT.join(rule.methods),
        condition,
        rule.effect.value,
        JOINT.join(rule.obligations),
    )


def _read_line(line: str) -> Rule | Inheritance:
    try:
        (row,) = csv.reader([line], skipinitialspace=True, strict=True)
    except csv.Error as error:
        raise ValueError(f"not a line of comma-separated values: {error}") from error
    kind, *given = (value.strip() for value in row)
    if kind == "p":
        return _rule(_named(given, RULE_FIELDS, "p"))
    if kind == "g":
        return msgspec.convert(_named(given, LINK_FIELDS, "g"), Inheritance)
    raise ValueError(f"a line begins with p (a rule) or g (inheritance), not with {kind[:20]!r}")


def _named(given: list[str], fields: tuple[str, ...], kind: str) -> dict[str, str]:
    if len(given) != len(fields):
        raise ValueError(f"a {kind} line has {len(fields)} values ({', '.join(fields)}), this one {len(given)}")
    return dict(zip(fields, given, strict=True))


def _rule(named: dict[str, str]) -> Rule:
    if not (named["priority"].isascii() and named["priority"].isdigit()) or len(named["priority"]) > 7:
        raise ValueError(f"a priority is a whole number from 0 to 1000000, not {named['priority'][:20]!r}")
    rule = msgspec.convert(
        {
            **named,
            "priority": int(named["priority"]),
            "methods": named["methods"].split(JOINT),
            "obligations": _OBLIGATIONS.split(named["obligations"]) if named["obligations"] else [],
        },
        Rule,
    )
    path_pattern.parse(rule.path)
    if rule.condition:
        conditions.parse(rule.condition)
    return rule
