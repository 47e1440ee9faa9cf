"""Single changes to a policy: a rule, a role or an assignment put or taken away, many at once and all or nothing.

Whether what comes out can be stored is for lint to say; here it only has to be there, or not to be there.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

import msgspec

from policy.artefact import ANY, Assignment, Inheritance, Name, NameOrAny, Policy, Rule

SEPARATOR = "~"
"""Between the parts of an assignment's id: no name has it."""


class NotThere(LookupError):
    """What was to be taken away, or what an address names, is not there."""


class AlreadyThere(ValueError):
    """What was to be new is there already."""


class Inherited(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A role that another one holds too, in one organisation or in all."""

    role: Name
    organisation: NameOrAny = ANY


class Role(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A role, and what whoever holds it holds too."""

    name: Name
    inherits: tuple[Inherited, ...] = ()


class PutRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="put_rule", tag_field="do"):
    """A rule is there as it is here, in the place of one with its id."""

    rule: Rule


class RemoveRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="remove_rule", tag_field="do"):
    """No rule has this id."""

    id: Name


class PutRole(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="put_role", tag_field="do"):
    """A role is there and inherits what is said here, and nothing else."""

    role: Role


class RemoveRole(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="remove_role", tag_field="do"):
    """There is no such role, and it inherits nothing; whatever else names it is left to lint."""

    name: Name


class PutAssignment(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="put_assignment", tag_field="do"):
    """Somebody holds a role."""

    assignment: Assignment


class RemoveAssignment(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="remove_assignment", tag_field="do"
):
    """They do not hold it."""

    assignment: Assignment


Change: TypeAlias = PutRule | RemoveRule | PutRole | RemoveRole | PutAssignment | RemoveAssignment


def amended(policy: Policy, changes: Iterable[Change], *, new: bool = False) -> Policy:
    """The policy after all of the changes, in their order.

    Raises `NotThere` for what is taken away, and where what is put must be `new` `AlreadyThere`.
    """
    parts = _Parts(policy, new=new)
    for change in changes:
        parts.apply(change)
    return parts.policy()


def roles_of(policy: Policy) -> tuple[Role, ...]:
    """The roles of a policy, each with what it inherits, by their names."""
    links: dict[str, list[Inherited]] = {}
    for link in policy.inheritance:
        links.setdefault(link.role, []).append(Inherited(link.inherits, link.organisation))
    return tuple(Role(name, tuple(links.get(name, ()))) for name in sorted(policy.roles))


def assignment_id(assignment: Assignment) -> str:
    """What names an assignment in an address: subject, role and, where it is not all, organisation."""
    parts = [assignment.subject, assignment.role]
    if assignment.organisation != ANY:
        parts.append(assignment.organisation)
    return SEPARATOR.join(parts)


def assignment_of(ident: str) -> Assignment:
    """The assignment that such an id names. Raises `NotThere` for what is none."""
    parts = ident.split(SEPARATOR)
    try:
        return msgspec.convert(dict(zip(Assignment.__struct_fields__[: len(parts)], parts, strict=True)), Assignment)
    except ValueError as error:  # too many parts, too few, or no names
        raise NotThere(ident) from error


class _Parts:
    """A policy taken apart, so that thousands of changes cost as much as they are many."""

    def __init__(self, policy: Policy, *, new: bool) -> None:
        self._policy = policy
        self._new = new
        self._rules = {rule.id: rule for rule in policy.rules}
        self._roles = {role.name: role for role in roles_of(policy)}
        self._loose = [link for link in policy.inheritance if link.role not in self._roles]
        self._assignments = dict.fromkeys(policy.assignments)

    def apply(self, change: Change) -> None:
        match change:
            case PutRule(rule):
                self._expect(rule.id not in self._rules, rule.id)
                self._rules[rule.id] = rule
            case RemoveRule(ident):
                self._gone(self._rules.pop(ident, None), ident)
            case PutRole(role):
                self._expect(role.name not in self._roles, role.name)
                self._roles[role.name] = role
            case RemoveRole(name):
                self._gone(self._roles.pop(name, None), name)
            case PutAssignment(assignment):
                self._expect(assignment not in self._assignments, assignment_id(assignment))
                self._assignments[assignment] = None
            case RemoveAssignment(assignment):
                if assignment not in self._assignments:
                    raise NotThere(assignment_id(assignment))
                del self._assignments[assignment]

    def policy(self) -> Policy:
        links = (
            Inheritance(role.name, one.role, one.organisation) for role in self._roles.values() for one in role.inherits
        )
        return msgspec.structs.replace(
            self._policy,
            rules=tuple(self._rules.values()),
            roles=tuple(self._roles),
            inheritance=(*self._loose, *links),
            assignments=tuple(self._assignments),
        )

    def _expect(self, absent: bool, name: str) -> None:
        if self._new and not absent:
            raise AlreadyThere(name)

    @staticmethod
    def _gone(found: object, name: str) -> None:
        if found is None:
            raise NotThere(name)
