"""One line of a Casbin policy under one alternative of its matcher, as rules of ours."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from itertools import product

import msgspec

from policy import conditions
from policy.artefact import ANONYMOUS, ANY, RESOURCE, Name, Resource, Rule, RuleEffect
from policy.casbin_files import matcher, values
from policy.casbin_files.graphs import Graph
from policy.casbin_files.matcher import Demand, Holds, LineSays, Linked, Match, RuleHolds, Same, WrongMatcher
from policy.casbin_files.model import Effects, Model
from policy.casbin_files.split import Line

FIRST = 1000
_PARTS = {
    "subject": frozenset({"sub", "subject", "user"}),
    "organisation": frozenset({"dom", "domain", "tenant", "org"}),
    "path": frozenset({"obj", "object", "thing", "resource", "path", "url"}),
    "methods": frozenset({"act", "action", "method"}),
}
"""What a value of a request is, by its name."""


class WrongLine(ValueError):
    """A line that cannot be taken over; the message says why."""


class _Never(Exception):
    """An alternative that no request of ours meets."""


class Fields(msgspec.Struct, frozen=True):
    """Which graphs are of subjects and of objects."""

    roles: str
    """The role definition of subjects; empty: there is none."""
    objects: frozenset[str]
    free: tuple[tuple[Demand, ...], ...]
    """The alternatives that ask nothing of a policy line."""

    @classmethod
    def of(cls, model: Model, alternatives: tuple[tuple[Demand, ...], ...]) -> Fields:
        """Raises `WrongMatcher`."""
        graphs: dict[str, set[str]] = {"subject": set(), "path": set()}
        for demand in (each for alternative in alternatives for each in alternative):
            _defined(demand, model)
            if isinstance(demand, Linked):
                kind = part(demand.field)
                if kind not in graphs:
                    raise WrongMatcher(
                        f"{demand.graph}(r.{demand.field}, …): only subjects and objects have graphs here"
                    )
                if (model.roles[demand.graph] == 3) is not bool(demand.domain):
                    raise WrongMatcher(f"{demand.graph} is defined with another number of values")
                if demand.domain and part(demand.domain) != "organisation":
                    raise WrongMatcher(f"r.{demand.domain} is no domain that is known by its name")
                graphs[kind].add(demand.graph)
        if len(graphs["subject"]) > 1 or graphs["subject"] & graphs["path"]:
            raise WrongMatcher("subjects have one role definition, and objects others")
        free = tuple(each for each in alternatives if all(isinstance(demand, Same | Holds) for demand in each))
        if free and model.effect is not Effects.ALLOW_OVERRIDE:
            raise WrongMatcher("an alternative that asks nothing of a policy line is understood only where all allow")
        if model.effect is Effects.SUBJECT_PRIORITY and part(model.policy[0]) != "subject":
            raise WrongMatcher("subjectPriority takes the first value of a policy line for its subject")
        return cls("".join(graphs["subject"]), frozenset(graphs["path"]), free)


def part(field: str) -> str:
    """What a value of a request is. Raises `WrongMatcher`."""
    for name, fields in _PARTS.items():
        if field in fields:
            return name
    raise WrongMatcher(f"{field!r} is no subject, domain, object or action that is known by its name")


def _defined(demand: Demand, model: Model) -> None:
    if isinstance(demand, Same | Match | Linked) and (part(demand.field), demand.field not in model.request)[1]:
        raise WrongMatcher(f"r.{demand.field} is not in the request definition")
    if isinstance(demand, Match | Linked | LineSays | RuleHolds) and demand.value not in model.policy:
        raise WrongMatcher(f"p.{demand.value} is not in the policy definition")
    if isinstance(demand, Linked) and demand.graph not in model.roles:
        raise WrongMatcher(f"{demand.graph} is not in the role definition")


class Rules:
    """Makes rules, and keeps what they name."""

    def __init__(
        self,
        model: Model,
        fields: Fields,
        graphs: Mapping[str, Graph],
        zone: str,
        methods: Mapping[str, tuple[str, ...]],
        name_patterns: Mapping[str, str],
        domain_patterns: Collection[str],
    ) -> None:
        self._model = model
        self._fields = fields
        self._graphs = graphs
        self._zone = zone
        self._methods = dict(methods)
        self._name_patterns = name_patterns
        self._domain_patterns = domain_patterns
        self._resources: dict[str, Resource] = {}
        self._spelt: dict[str, str] = {}
        self.named: set[str] = set()
        """The names that rules are for."""

    @property
    def resources(self) -> tuple[Resource, ...]:
        return tuple(self._resources.values())

    def without_lines(self) -> Iterator[Rule]:
        """The rules of alternatives that ask nothing of a policy line. Raises `WrongMatcher`."""
        for number, alternative in enumerate(self._fields.free):
            try:
                yield from self._made(f"casbin.matcher.{number}", FIRST, RuleEffect.ALLOW, alternative, {})
            except (WrongLine, _Never) as error:
                raise WrongMatcher(str(error)) from error

    def otherwise(self, name: str, priority: int) -> Rule:
        """Everything to everybody."""
        return Rule(name, priority, ANY, self._zone, "/**", RuleEffect.ALLOW)

    def of_line(self, line: Line, priority: int, alternatives: tuple[tuple[Demand, ...], ...]) -> Iterator[Rule]:
        """The rules of one line. Raises `WrongLine`."""
        said = dict(zip(self._model.policy, line.values, strict=True))
        effect = self._effect(said.get("eft", "allow"))
        asking = [each for each in alternatives if each not in self._fields.free]
        found = False
        for number, alternative in enumerate(asking):
            suffix = f".{number}" if len(asking) > 1 else ""
            try:
                rules = list(self._made(f"casbin.{line.number:07}{suffix}", priority, effect, alternative, said))
            except _Never:
                continue
            found = True
            yield from rules
        if not found:
            raise WrongLine("no request meets this line, as the matcher reads it")

    def _effect(self, eft: str) -> RuleEffect:
        if eft not in ("allow", "deny"):
            raise WrongLine(f"the effect {eft[:20]!r} says nothing: only allow and deny do")
        if eft == "deny" and self._model.effect is Effects.ALLOW_OVERRIDE:
            raise WrongLine("a line that denies says nothing under this policy effect")
        return RuleEffect(eft)

    def _made(
        self, name: str, priority: int, effect: RuleEffect, alternative: tuple[Demand, ...], said: Mapping[str, str]
    ) -> Iterator[Rule]:
        """The rules of one line under one alternative. Raises `WrongLine`, `_Never`."""
        chosen: dict[str, tuple[str, ...]] = {}
        asked: list[str] = []
        try:
            for demand in alternative:
                if isinstance(demand, LineSays):
                    if (said[demand.value] == demand.literal) is not demand.same:
                        raise _Never
                elif isinstance(demand, Holds):
                    asked.append(demand.condition)
                elif isinstance(demand, RuleHolds):
                    asked.append(matcher.condition(said[demand.value]))
                else:
                    kind = part(demand.field)
                    if kind in chosen:
                        raise WrongLine(f"the matcher asks twice for r.{demand.field}")
                    chosen[kind] = self._chosen(kind, demand, said)
            condition = asked[0] if len(asked) == 1 else " and ".join(f"({each})" for each in asked)
            if condition:
                conditions.parse(condition)
        except (values.WrongValue, WrongMatcher, conditions.WrongCondition) as error:
            raise WrongLine(str(error)) from error
        combined = list(
            product(chosen.get("subject", (ANY,)), chosen.get("organisation", (ANY,)), chosen.get("path", ("/**",)))
        )
        for number, (role, organisation, path) in enumerate(combined):
            given = {
                "id": f"{name}.{number:03}" if len(combined) > 1 else name,
                "priority": priority,
                "role": role,
                "zone": self._zone,
                "path": path,
                "effect": effect,
                "organisation": organisation,
                "methods": chosen.get("methods", (ANY,)),
                "condition": condition,
            }
            try:
                yield msgspec.convert(given, Rule)
            except msgspec.ValidationError as error:
                raise WrongLine(str(error)) from error

    def _chosen(self, kind: str, demand: Same | Match | Linked, said: Mapping[str, str]) -> tuple[str, ...]:
        literals = demand.values if isinstance(demand, Same) else (said[demand.value],)
        how = demand.how if isinstance(demand, Match) else "=="
        if how == "==" and ANY in literals:
            raise _Never  # `==` compares with the star itself, which is nobody's name
        match kind:
            case "subject":
                return tuple(self._subject(value, demand, how) for value in literals)
            case "organisation":
                return tuple(self._organisation(value, how) for value in literals)
            case "path":
                if isinstance(demand, Linked):
                    return (self._resource(literals[0], demand.graph),)
                return tuple(self._path(value, how) for value in literals)
        found = {method: None for value in literals for method in self._methods_of(value, how)}
        return (ANY,) if ANY in found else tuple(found)

    def _subject(self, value: str, demand: Same | Match | Linked, how: str) -> str:
        name = self.name(value)
        if how != "==":
            raise WrongLine(f"subjects are compared by name, not by {how}")
        graph = self._graphs.get(self._fields.roles)
        if not isinstance(demand, Linked) and graph is not None and name in graph.parents:
            raise WrongLine(f"{name!r} is a role, yet `==` means a person of that name only")
        self.named.add(name)
        return name

    def name(self, value: str) -> str:
        """The same name, if it may be one here. Raises `WrongLine`."""
        try:
            name: str = msgspec.convert(value, Name)
        except msgspec.ValidationError as error:
            raise WrongLine(f"{value[:100]!r} is no name here: {error}") from error
        if name == ANONYMOUS:
            raise WrongLine(f"{name!r} means everybody here")
        return name

    def _organisation(self, value: str, how: str) -> str:
        if value == ANY and how == "keyMatch":
            return ANY
        if how not in ("==", "keyMatch") or ANY in value:
            raise WrongLine(f"the domain {value[:100]!r} is no organisation, nor all of them ({how})")
        return self.name(value)

    def organisation_of_link(self, domain: str) -> str:
        """Where a role is held. Raises `WrongLine`."""
        if not domain:
            return ANY
        if domain == ANY:
            if self._fields.roles not in self._domain_patterns:
                raise WrongLine("the domain * means every one only where the application adds a matching function")
            return ANY
        return self.name(domain)

    def _path(self, value: str, how: str) -> str:
        path = values.path(value, how)
        self._spell(path, value)
        return path

    def _methods_of(self, value: str, how: str) -> tuple[str, ...]:
        found = values.methods(value, how, self._methods)
        for method in found:
            self._spell(method, value if value in self._methods else method)
        return found

    def _spell(self, meaning: str, value: str) -> None:
        """Two values that Casbin tells apart must not become one here."""
        if self._spelt.setdefault(meaning, value) != value:
            raise WrongLine(f"{value[:100]!r} and {self._spelt[meaning][:100]!r} would both be {meaning!r} here")

    def _resource(self, value: str, graph_name: str) -> str:
        graph = self._graphs[graph_name]
        if value not in graph.parents:
            return self._path(value, "==")
        known = self._resources.get(value)
        if known is None:
            how = self._name_patterns.get(graph_name, "==")
            paths: dict[str, None] = {}
            try:
                leaves = graph.leaves(value)
            except ValueError as error:
                raise WrongLine(str(error)) from error
            for link in leaves:
                if link.domain and (link.domain != ANY or graph_name not in self._domain_patterns):
                    raise WrongLine(f"line {link.line}: resources have no organisations of their own")
                paths[self._path(link.child, how)] = None
            try:
                known = msgspec.convert({"name": value, "zone": self._zone, "paths": list(paths)}, Resource)
            except msgspec.ValidationError as error:
                raise WrongLine(f"the resource {value[:100]!r}: {error}") from error
            self._resources[value] = known
        return RESOURCE + value
