"""Rules, roles and resources as lines of a Casbin policy file, read and written with real CSV quoting.

`p, priority, id, role, organisation, zone, path, methods, condition, effect, obligations` (methods and obligations are
joined by `|`); `g, role, inherited role, organisation`; `g2, subject, role or group, organisation` (who holds a role or
is in a group); `g3, path, @resource, zone` (one path of a resource). Blank lines and lines that begin with `#` are left
out.

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
from policy.artefact import RESOURCE, Assignment, Inheritance, Policy, Resource, Rule
from policy.expand import resource_name

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
ASSIGNMENT_FIELDS = ("subject", "role", "organisation")
RESOURCE_FIELDS = ("path", "resource", "zone")
JOINT = "|"
_OBLIGATIONS = re.compile(r"\|(?=read_only(?:\||\Z)|(?:mask|limit|methods|scopes):)")
"""Where one obligation ends and the next begins: `methods:GET|HEAD` is one."""
MOST_LINES = 1_200_000
MOST_ERRORS = 1000
"""Wrong lines that are named; a file that is none at all would name millions."""


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
    assignments: tuple[Assignment, ...] = ()
    resources: tuple[Resource, ...] = ()


class _Reading:
    """What was read so far."""

    def __init__(self) -> None:
        self.rules: list[Rule] = []
        self.links: list[Inheritance] = []
        self.assignments: list[Assignment] = []
        self.paths: dict[tuple[str, str], list[str]] = {}
        self.where: dict[str, int] = {}

    def line(self, number: int, line: str) -> None:
        """Raises `ValueError`."""
        kind, given = _values(line)
        match kind:
            case "p":
                rule = _rule(_named(given, RULE_FIELDS, kind))
                if rule.id in self.where:
                    raise ValueError(f"the id {rule.id!r} stands in line {self.where[rule.id]} already")
                self.where[rule.id] = number
                self.rules.append(rule)
            case "g":
                self.links.append(msgspec.convert(_named(given, LINK_FIELDS, kind), Inheritance))
            case "g2":
                self.assignments.append(msgspec.convert(_named(given, ASSIGNMENT_FIELDS, kind), Assignment))
            case "g3":
                self._path(_named(given, RESOURCE_FIELDS, kind))
            case _:
                raise ValueError(f"a line begins with p (a rule), g, g2 or g3, not with {kind[:20]!r}")

    def _path(self, named: dict[str, str]) -> None:
        path_pattern.parse(named["path"])
        if not named["resource"].startswith(RESOURCE):
            raise ValueError(f"the name of a resource begins with {RESOURCE}, not as {named['resource'][:20]!r} does")
        name = named["resource"].removeprefix(RESOURCE)
        msgspec.convert({"name": name, "zone": named["zone"], "paths": (named["path"],)}, Resource)
        self.paths.setdefault((name, named["zone"]), []).append(named["path"])

    def lines(self) -> Lines:
        """All of it. Raises `msgspec.ValidationError` for a resource of too many paths."""
        resources = tuple(
            msgspec.convert({"name": name, "zone": zone, "paths": paths}, Resource)
            for (name, zone), paths in self.paths.items()
        )
        return Lines(tuple(self.rules), tuple(self.links), self.where, tuple(self.assignments), resources)


def read(text: str) -> Lines:
    """Read a policy file, all or nothing. Raises `WrongLines` with every line that is wrong."""
    reading = _Reading()
    errors: list[LineError] = []
    lines = text.splitlines()
    if len(lines) > MOST_LINES:
        raise WrongLines((LineError(MOST_LINES + 1, f"a policy file has at most {MOST_LINES} lines"),))
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        try:
            reading.line(number, line)
        except ValueError as error:
            errors.append(LineError(number, str(error)))
            if len(errors) == MOST_ERRORS:
                break
    if errors:
        raise WrongLines(tuple(errors))
    try:
        return reading.lines()
    except ValueError as error:
        raise WrongLines((LineError(len(lines), f"a resource: {error}"),)) from error


def write(
    rules: Iterable[Rule],
    inheritance: Iterable[Inheritance],
    assignments: Iterable[Assignment] = (),
    resources: Iterable[Resource] = (),
) -> str:
    """The lines of rules, in their total order, and of all that they name; `read` gives the same back."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    for rule in sorted(rules, key=lambda rule: rule.order):
        writer.writerow(("p", *values(rule, rule.condition)))
    for link in inheritance:
        writer.writerow(("g", link.role, link.inherits, link.organisation))
    for assignment in assignments:
        writer.writerow(("g2", assignment.subject, assignment.role, assignment.organisation))
    for resource in resources:
        writer.writerows(("g3", path, RESOURCE + resource.name, resource.zone) for path in resource.paths)
    return out.getvalue()


def of_policy(policy: Policy) -> str:
    """The lines of a policy."""
    return write(policy.rules, policy.inheritance, policy.assignments, policy.resources)


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


def _values(line: str) -> tuple[str, list[str]]:
    try:
        (row,) = csv.reader([line], skipinitialspace=True, strict=True)
    except (csv.Error, ValueError) as error:
        raise ValueError(f"not a line of comma-separated values: {error}") from error
    kind, *given = (value.strip() for value in row)
    return kind, given


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
    if rule.path.startswith(RESOURCE):
        resource_name(rule.path)
    else:
        path_pattern.parse(rule.path)
    if rule.condition:
        conditions.parse(rule.condition)
    return rule
