"""What stands in a version, by the client: rules, roles and assignments, one by one and in bulk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from urllib.parse import quote

import msgspec

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
from policy.admin.import_messages import ImportRequest
from policy.admin.messages import DraftAnswer
from policy.admin.scopes import READ, WRITE
from policy.amend import Change, Role, assignment_id
from policy.artefact import Assignment, Rule
from policy.client.exchange import Exchange, Tagged


class Contents:
    """What stands under `versions/{number}/rules`, `roles`, `assignments` and `bulk`, and under `assignments`.

    Each change names the tag of the draft that it is a change of, and gives the next one.
    """

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def rules(self, number: int, *, role: str | None = None, zone: str | None = None) -> Iterator[Rule]:
        """Rules in the order in which they are tried."""
        for page in self._exchange.pages(RuleList, f"/versions/{number}/rules", READ, {"role": role, "zone": zone}):
            yield from page.rules

    def roles(self, number: int) -> Iterator[Role]:
        for page in self._exchange.pages(RoleList, f"/versions/{number}/roles", READ):
            yield from page.roles

    def assignments(
        self,
        number: int | None = None,
        *,
        subject: str | None = None,
        role: str | None = None,
        organisation: str | None = None,
    ) -> Iterator[AssignmentEntry]:
        """Who holds which role, in a version, or in the published one."""
        path = "/assignments" if number is None else f"/versions/{number}/assignments"
        for page in self._exchange.pages(
            AssignmentList, path, READ, {"subject": subject, "role": role, "organisation": organisation}
        ):
            yield from page.assignments

    def add_rule(self, number: int, rule: Rule, why: str, *, match: str) -> Tagged[DraftAnswer]:
        """One that is new."""
        return self._change("POST", f"/versions/{number}/rules", RuleRequest(why, rule), match)

    def put_rule(self, number: int, rule: Rule, why: str, *, match: str) -> Tagged[DraftAnswer]:
        """A new one, or in the place of the one with its id."""
        return self._change("PUT", f"/versions/{number}/rules/{rule.id}", RuleRequest(why, rule), match)

    def remove_rule(self, number: int, ident: str, why: str, *, match: str) -> Tagged[DraftAnswer]:
        return self._remove(f"/versions/{number}/rules/{quote(ident, safe='')}", why, match)

    def add_role(self, number: int, role: Role, why: str, *, match: str) -> Tagged[DraftAnswer]:
        return self._change("POST", f"/versions/{number}/roles", RoleRequest(why, role), match)

    def put_role(self, number: int, role: Role, why: str, *, match: str) -> Tagged[DraftAnswer]:
        return self._change("PUT", f"/versions/{number}/roles/{role.name}", RoleRequest(why, role), match)

    def remove_role(self, number: int, name: str, why: str, *, match: str) -> Tagged[DraftAnswer]:
        return self._remove(f"/versions/{number}/roles/{quote(name, safe='')}", why, match)

    def add_assignment(self, number: int, one: Assignment, why: str, *, match: str) -> Tagged[DraftAnswer]:
        return self._change("POST", f"/versions/{number}/assignments", AssignmentRequest(why, one), match)

    def put_assignment(self, number: int, one: Assignment, why: str, *, match: str) -> Tagged[DraftAnswer]:
        path = f"/versions/{number}/assignments/{assignment_id(one)}"
        return self._change("PUT", path, AssignmentRequest(why, one), match)

    def remove_assignment(self, number: int, one: Assignment, why: str, *, match: str) -> Tagged[DraftAnswer]:
        return self._remove(f"/versions/{number}/assignments/{assignment_id(one)}", why, match)

    def bulk(self, number: int, changes: Sequence[Change], why: str, *, match: str) -> Tagged[DraftAnswer]:
        """Many changes, in this order, all or none."""
        return self._change("POST", f"/versions/{number}/bulk", BulkRequest(why, tuple(changes)), match)

    def export(self, number: int) -> dict[str, str]:
        """A version as files, by their names."""
        return self._exchange.get(ExportDocument, f"/versions/{number}/export", READ).value.files

    def take_over(self, asked: ImportRequest) -> Tagged[DraftAnswer]:
        """A draft of what is published and of what Casbin's own files say of one zone."""
        return self._change("POST", "/import", asked, "")

    def _change(self, method: str, path: str, body: msgspec.Struct, match: str) -> Tagged[DraftAnswer]:
        return self._exchange.act(DraftAnswer, method, path, WRITE, body=body, match=match)

    def _remove(self, path: str, why: str, match: str) -> Tagged[DraftAnswer]:
        return self._exchange.act(DraftAnswer, "DELETE", path, WRITE, query={"why": why}, match=match)
