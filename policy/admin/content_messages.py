"""What is sent and answered of the contents of a draft: rules, roles and assignments, one by one and in bulk."""

from __future__ import annotations

from typing import Annotated

import msgspec

from policy.admin.messages import Why
from policy.amend import Change, Role, assignment_id
from policy.artefact import Assignment, Rule


class RuleRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A rule, and why it is put there."""

    why: Why
    rule: Rule


class RoleRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A role with all that it inherits, and why."""

    why: Why
    role: Role


class AssignmentRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who holds which role, and why."""

    why: Why
    assignment: Assignment


class BulkRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Many changes, done in this order, all or none of them."""

    why: Why
    changes: Annotated[tuple[Change, ...], msgspec.Meta(min_length=1, max_length=100_000)]


class RuleList(msgspec.Struct, frozen=True):
    """Rules in the order in which they are tried."""

    rules: tuple[Rule, ...]
    next: str | None
    """Ask for `?after=` this for the next ones; null: there are none."""


class RoleList(msgspec.Struct, frozen=True):
    """Roles by their names."""

    roles: tuple[Role, ...]
    next: str | None


class AssignmentEntry(msgspec.Struct, frozen=True):
    """Who holds which role."""

    id: str
    """Names it in addresses: subject, role and, where it is not all, organisation, with `~` between them."""
    subject: str
    role: str
    organisation: str

    @classmethod
    def of(cls, assignment: Assignment) -> AssignmentEntry:
        return cls(assignment_id(assignment), assignment.subject, assignment.role, assignment.organisation)


class AssignmentList(msgspec.Struct, frozen=True):
    """Assignments by organisation, subject and role."""

    assignments: tuple[AssignmentEntry, ...]
    next: str | None


class ExportDocument(msgspec.Struct, frozen=True):
    """A policy as files, by their names."""

    files: dict[str, str]


class GatewayEntry(msgspec.Struct, frozen=True):
    """What one gateway process decides by."""

    gateway: str
    version: int
    """0: it has no policy yet, and denies everything."""
    at: float
    """Epoch seconds when it said so."""


class ReachDocument(msgspec.Struct, frozen=True):
    """How far the published version has come."""

    published: int | None
    everywhere: bool
    """Whether all gateways are heard, and decide by it."""
    gateways: tuple[GatewayEntry, ...]
    """Those that said so within the last seconds."""
    unheard: tuple[GatewayEntry, ...] = ()
    """Those that said something within the last minutes, and nothing since: cut off from the database, or killed."""
