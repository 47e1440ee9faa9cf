"""What stands in a policy, piece by piece: rules, roles and assignments, listed, put, taken away; many at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from urllib.parse import quote

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from config.openapi import Operation
from config.problem import Problem
from config.web import correlation_id
from jose.assertion_middleware import assertion_of
from policy import amend, files
from policy.admin import problems
from policy.admin.content_messages import (
    AssignmentEntry,
    AssignmentList,
    AssignmentRequest,
    BulkRequest,
    ExportDocument,
    RoleList,
    RoleRequest,
    RuleList,
    RuleRequest,
)
from policy.admin.etags import version_tag
from policy.admin.group import BASE, Endpoint, answer, path_number, read
from policy.admin.listing import QUERY, Order, asked_page, page
from policy.admin.messages import DraftAnswer
from policy.admin.release_desk import ReleaseDesk
from policy.admin.releases import matching, reason
from policy.admin.wording import worded
from policy.amend import (
    Change,
    PutAssignment,
    PutRole,
    PutRule,
    RemoveAssignment,
    RemoveRole,
    RemoveRule,
    Role,
    assignment_id,
    assignment_of,
    roles_of,
)
from policy.artefact import Assignment, Policy, Rule
from policy.casbin_model import MODEL

_CREATED = HTTPStatus.CREATED
_WHY = (("why", "Why this is done, 3 to 1000 characters; required"),)
_RULES = (*QUERY, ("role", "Rules for this role"), ("zone", "Rules of this zone"))
_ASSIGNMENTS = (
    *QUERY,
    ("subject", "What this person, program or group holds"),
    ("role", "Who holds this role"),
    ("organisation", "Those of this organisation; `*`: those of all"),
)


class Contents:
    """What stands under `versions/{number}/rules`, `roles`, `assignments` and `bulk`, and under `assignments`."""

    def __init__(self, releases: ReleaseDesk) -> None:
        self._releases = releases
        one = "/versions/{number}"
        rules, roles, assignments = f"{one}/rules", f"{one}/roles", f"{one}/assignments"
        put, remove = "Put it there (If-Match)", "Take it away (If-Match)"
        added = "Add one (If-Match)"
        self.operations: dict[Operation, Endpoint] = {
            Operation("GET", rules, "Rules as they are tried", RuleList, query=_RULES): self.rules,
            Operation("POST", rules, added, DraftAnswer, RuleRequest, _CREATED): self.add_rule,
            Operation("PUT", f"{rules}/{{id}}", put, DraftAnswer, RuleRequest): self.put_rule,
            Operation("DELETE", f"{rules}/{{id}}", remove, DraftAnswer, query=_WHY): self.remove_rule,
            Operation("GET", roles, "Roles, and what they inherit", RoleList, query=QUERY): self.roles,
            Operation("POST", roles, added, DraftAnswer, RoleRequest, _CREATED): self.add_role,
            Operation("PUT", f"{roles}/{{id}}", put, DraftAnswer, RoleRequest): self.put_role,
            Operation("DELETE", f"{roles}/{{id}}", remove, DraftAnswer, query=_WHY): self.remove_role,
            Operation("GET", assignments, "Who holds which role", AssignmentList, query=_ASSIGNMENTS): self.assignments,
            Operation("POST", assignments, added, DraftAnswer, AssignmentRequest, _CREATED): self.add_assignment,
            Operation("PUT", f"{assignments}/{{id}}", put, DraftAnswer, AssignmentRequest): self.put_assignment,
            Operation("DELETE", f"{assignments}/{{id}}", remove, DraftAnswer, query=_WHY): self.remove_assignment,
            Operation("POST", f"{one}/bulk", "Many changes, all or none (If-Match)", DraftAnswer, BulkRequest): (
                self.bulk
            ),
            Operation("GET", f"{one}/export", "The version as files", ExportDocument): self.export,
            Operation("GET", "/assignments", "Who holds which role now", AssignmentList, query=_ASSIGNMENTS): (
                self.assignments
            ),
        }
        self.changing = tuple(endpoint for operation, endpoint in self.operations.items() if operation.method != "GET")

    async def rules(self, request: Request) -> Response:
        after, limit = asked_page(request, tuple[int, str])
        role, zone = _told(request, "role"), _told(request, "zone")

        def listed(policy: Policy) -> RuleList:
            def wanted(rule: Rule) -> bool:
                return role in (None, rule.role) and zone in (None, rule.zone)

            return RuleList(*page(policy.rules, lambda rule: rule.order, wanted, after=after, limit=limit))

        return await self._listed(request, listed)

    async def roles(self, request: Request) -> Response:
        after, limit = asked_page(request, tuple[str])

        def listed(policy: Policy) -> RoleList:
            return RoleList(*page(roles_of(policy), _by_name, lambda role: True, after=after, limit=limit))

        return await self._listed(request, listed)

    async def assignments(self, request: Request) -> Response:
        """GET versions/{number}/assignments, and GET assignments: of the published version."""
        after, limit = asked_page(request, tuple[str, str, str])
        told = {name: _told(request, name) for name in Assignment.__struct_fields__}
        asked = {name: value for name, value in told.items() if value is not None}

        def listed(policy: Policy) -> AssignmentList:
            def wanted(assignment: Assignment) -> bool:
                return all(getattr(assignment, name) == value for name, value in asked.items())

            found, cursor = page(policy.assignments, lambda one: one.order, wanted, after=after, limit=limit)
            return AssignmentList(tuple(AssignmentEntry.of(one) for one in found), cursor)

        return await self._listed(request, listed)

    async def add_rule(self, request: Request) -> Response:
        asked = await read(request, RuleRequest)
        return await self._added(request, asked.why, PutRule(asked.rule), f"rules/{asked.rule.id}")

    async def put_rule(self, request: Request) -> Response:
        asked = await read(request, RuleRequest)
        _same(request, asked.rule.id)
        return await self._amended(request, asked.why, (PutRule(asked.rule),))

    async def remove_rule(self, request: Request) -> Response:
        return await self._amended(request, reason(request), (RemoveRule(_ident(request)),))

    async def add_role(self, request: Request) -> Response:
        asked = await read(request, RoleRequest)
        return await self._added(request, asked.why, PutRole(asked.role), f"roles/{asked.role.name}")

    async def put_role(self, request: Request) -> Response:
        asked = await read(request, RoleRequest)
        _same(request, asked.role.name)
        return await self._amended(request, asked.why, (PutRole(asked.role),))

    async def remove_role(self, request: Request) -> Response:
        return await self._amended(request, reason(request), (RemoveRole(_ident(request)),))

    async def add_assignment(self, request: Request) -> Response:
        asked = await read(request, AssignmentRequest)
        place = f"assignments/{assignment_id(asked.assignment)}"
        return await self._added(request, asked.why, PutAssignment(asked.assignment), place)

    async def put_assignment(self, request: Request) -> Response:
        asked = await read(request, AssignmentRequest)
        _same(request, assignment_id(asked.assignment))
        return await self._amended(request, asked.why, (PutAssignment(asked.assignment),))

    async def remove_assignment(self, request: Request) -> Response:
        with worded():
            assignment = assignment_of(_ident(request))
        return await self._amended(request, reason(request), (RemoveAssignment(assignment),))

    async def bulk(self, request: Request) -> Response:
        asked = await read(request, BulkRequest)
        return await self._amended(request, asked.why, asked.changes)

    async def export(self, request: Request) -> Response:
        """GET versions/{number}/export: what `munjigi policy export` writes, and the Casbin model of the rules."""

        def written(policy: Policy) -> ExportDocument:
            return ExportDocument({**files.write(policy), MODEL.name: MODEL.read_text(encoding="utf-8")})

        return await self._listed(request, written)

    async def _listed(self, request: Request, listed: Callable[[Policy], msgspec.Struct]) -> Response:
        number = path_number(request) if "number" in request.path_params else None
        version, policy = await self._releases.content(number)
        told = await asyncio.to_thread(listed, policy)  # a million assignments must not hold up the loop
        return answer(told, headers={"ETag": version_tag(version)})

    async def _added(self, request: Request, why: str, change: Change, place: str) -> Response:
        location = f"{BASE}/versions/{path_number(request)}/{quote(place, safe='/~:@*')}"
        return await self._amended(request, why, (change,), new=True, status=_CREATED, headers={"Location": location})

    async def _amended(
        self,
        request: Request,
        why: str,
        changes: tuple[Change, ...],
        *,
        new: bool = False,
        status: HTTPStatus = HTTPStatus.OK,
        headers: dict[str, str] | None = None,
    ) -> Response:
        act = self._releases.act(assertion_of(request).subject, why, correlation_id(request))

        def changed(policy: Policy) -> Policy:
            with worded():
                return amend.amended(policy, changes, new=new)

        made, told = await self._releases.amend(path_number(request), changed, act, matching(request))
        return answer(told, status, {"ETag": version_tag(made), **(headers or {})})


def _by_name(role: Role) -> Order:
    return (role.name,)


def _told(request: Request, name: str) -> str | None:
    return request.query_params.get(name)


def _ident(request: Request) -> str:
    ident: str = request.path_params["id"]
    return ident


def _same(request: Request, ident: str) -> None:
    if ident != _ident(request):
        raise Problem(problems.NOT_UNDERSTOOD, f"the address names {_ident(request)[:200]!r}, and the body {ident!r}")
