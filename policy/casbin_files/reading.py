"""A Casbin model and its policy file, taken over into our rules, roles, assignments and resources, all or nothing.

Names of `p` lines become roles, and whoever is nobody's role is a person: `p, alice, …` is a rule for the role `alice`,
which is assigned to the person `alice`. Objects become paths of one zone, domains organisations. The result decides
what the stock enforcer decides, for whoever is no role, and for paths that are no group of objects; a line of which
that cannot be said is named, and nothing is taken over.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from policy.artefact import Assignment, Inheritance, Method, Name
from policy.casbin_files import matcher
from policy.casbin_files.graphs import Graph, level_of_subjects
from policy.casbin_files.model import Effects, Model, WrongModel
from policy.casbin_files.model import read as read_model
from policy.casbin_files.rules import Fields, Rules, WrongLine
from policy.casbin_files.split import Line, split
from policy.casbin_lines import MOST_ERRORS, LineError, Lines, WrongLines
from policy.request import GROUP
from policy.roles import Hierarchy, WrongHierarchy

FIRST = 1000
"""The priority of the first rule: there is room for one's own before."""
OTHERWISE = "casbin.otherwise"
"""The rule that allows what nothing denies, where the model's effect is that."""
READING: tuple[Method, ...] = ("GET", "HEAD")
WRITING: tuple[Method, ...] = ("POST", "PUT", "PATCH", "DELETE")


class Setting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What Casbin's files do not say."""

    zone: Name
    """The zone whose paths their objects are."""
    methods: Mapping[str, tuple[Method, ...]] = msgspec.field(
        default_factory=lambda: {"read": READING, "write": WRITING}
    )
    """The methods of actions that are none themselves."""
    name_patterns: Mapping[str, str] = {}
    """By role definition (`g2`), the function that the application adds for its names (`keyMatch2`)."""
    domain_patterns: frozenset[str] = frozenset()
    """The role definitions for whose domains the application adds one, so that `*` means every domain."""


class Imported(msgspec.Struct, frozen=True):
    """What was taken over."""

    lines: Lines
    roles: tuple[str, ...]


def take_over(model_text: str, policy_text: str, setting: Setting) -> Imported:
    """Read both files. Raises `WrongModel` or `WrongLines`, with every line that cannot be taken over."""
    model = read_model(model_text)
    try:
        alternatives = matcher.read(model.matcher)
        fields = Fields.of(model, alternatives)
    except matcher.WrongMatcher as error:
        raise WrongModel((LineError(model.matcher_line, str(error)),)) from error
    lines = _of_their_kind(split(policy_text), model)
    graphs = {name: Graph(line for line in lines if line.kind == name) for name in model.roles}
    rules = Rules(model, fields, graphs, setting.zone, setting.methods, setting.name_patterns, setting.domain_patterns)
    policy = [line for line in lines if line.kind == "p"]
    errors: list[LineError] = []
    try:
        made = list(rules.without_lines())
    except matcher.WrongMatcher as error:
        raise WrongModel((LineError(model.matcher_line, str(error)),)) from error
    where: dict[str, int] = {rule.id: model.matcher_line for rule in made}
    for priority, line in _ordered(policy, model, graphs):
        try:
            for rule in rules.of_line(line, priority, alternatives):
                made.append(rule)
                where[rule.id] = line.number
        except WrongLine as error:
            errors.append(LineError(line.number, str(error)))
    if model.effect is Effects.DENY_OVERRIDE:
        made.append(rules.otherwise(OTHERWISE, FIRST + 2))
        where[OTHERWISE] = model.matcher_line
    unused = model.roles.keys() - fields.objects - {fields.roles}
    errors += [LineError(line.number, f"the matcher never asks {line.kind}") for line in lines if line.kind in unused]
    links, assignments = _links(rules, graphs.get(fields.roles), errors, setting.domain_patterns)
    try:
        Hierarchy(links, assignments)
    except WrongHierarchy as error:
        errors.append(LineError(next(line.number for line in lines if line.kind == fields.roles), str(error)))
    if errors:
        raise WrongLines(tuple(sorted(errors, key=lambda error: error.line)[:MOST_ERRORS]))
    roles = {rule.role for rule in made} | {link.role for link in links} | {link.inherits for link in links}
    roles |= {given.role for given in assignments}
    named = sorted(role for role in roles if role != "*" and not role.startswith(GROUP))
    found = Lines(tuple(made), tuple(links), where, tuple(assignments), rules.resources)
    return Imported(found, tuple(named))


def _of_their_kind(lines: list[Line], model: Model) -> list[Line]:
    """The lines, all of which the model defines. Raises `WrongLines`."""
    sizes = {"p": len(model.policy), **model.roles}
    errors = []
    for line in lines:
        if line.kind not in sizes:
            errors.append(LineError(line.number, f"the model has no {line.kind[:20]!r}, so this says nothing"))
        elif len(line.values) != sizes[line.kind]:
            errors.append(
                LineError(line.number, f"a {line.kind} line has {sizes[line.kind]} values, this one {len(line.values)}")
            )
    if errors:
        raise WrongLines(tuple(errors[:MOST_ERRORS]))
    return lines


def _ordered(lines: list[Line], model: Model, graphs: Mapping[str, Graph]) -> Iterator[tuple[int, Line]]:
    """Each line with the priority of its rules; those that deny come first where one denial is enough."""
    effect = model.effect
    if effect in (Effects.PRIORITY, Effects.SUBJECT_PRIORITY):
        yield from enumerate(_by_priority(lines, model, graphs), start=FIRST)
        return
    eft = model.policy.index("eft") if "eft" in model.policy else None
    for line in lines:
        denies = eft is not None and line.values[eft] == "deny"
        yield (FIRST if denies or effect is Effects.ALLOW_OVERRIDE else FIRST + 1), line


def _by_priority(lines: list[Line], model: Model, graphs: Mapping[str, Graph]) -> list[Line]:
    if model.effect is Effects.SUBJECT_PRIORITY:
        levels = level_of_subjects(graphs["g"].links if "g" in graphs else ())
        domain = model.policy.index("dom") if "dom" in model.policy else None

        def level(line: Line) -> int:
            return levels.get(("" if domain is None else line.values[domain], line.values[0]), 0)

        return sorted(lines, key=level)
    if "priority" not in model.policy:
        return lines
    place = model.policy.index("priority")
    wrong = [line for line in lines if not (line.values[place].isascii() and line.values[place].isdigit())]
    wrong += [line for line in lines if len(line.values[place]) > 9]
    if wrong:
        errors = (LineError(line.number, f"{line.values[place][:20]!r} is no priority") for line in wrong)
        raise WrongLines(tuple(errors)[:MOST_ERRORS])
    return sorted(lines, key=lambda line: int(line.values[place]))


def _links(
    rules: Rules, graph: Graph | None, errors: list[LineError], domain_patterns: Iterable[str]
) -> tuple[list[Inheritance], list[Assignment]]:
    """Roles that inherit, and people who hold them. What is wrong is added to the errors."""
    links: list[Inheritance] = []
    assignments = [Assignment(name, name) for name in sorted(rules.named) if graph is None or name not in graph.parents]
    for link in graph.links if graph is not None else ():
        try:
            child, parent = rules.name(link.child), rules.name(link.parent)
            organisation = rules.organisation_of_link(link.domain)
        except WrongLine as error:
            errors.append(LineError(link.line, str(error)))
            continue
        if child in graph.parents and not child.startswith(GROUP):  # type: ignore[union-attr] # it has links
            links.append(Inheritance(child, parent, organisation))
        else:
            assignments.append(Assignment(child, parent, organisation))
    return links, assignments
