"""Versions: listed, shown, drafted, edited, tested, compared, approved, shadowed, published, brought back."""

from __future__ import annotations

from http import HTTPStatus

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from config.openapi import Operation
from config.problem import Problem
from config.web import correlation_id
from jose.assertion_middleware import assertion_of
from policy.admin import problems
from policy.admin.etags import require_match, version_tag
from policy.admin.group import BASE, HIGHEST, PAGE, Endpoint, answer, path_number, query_number, read
from policy.admin.messages import (
    ApprovalState,
    DraftAnswer,
    DraftRequest,
    HistoryPage,
    LintAnswer,
    PublishRequest,
    ReasonRequest,
    RollbackRequest,
    ShadowRequest,
    TrialRequest,
    VersionDocument,
    VersionEntry,
    VersionList,
)
from policy.admin.release_desk import ReleaseDesk
from policy.difference import Difference
from policy.policy_tests import TestReport
from policy.shadow import Report
from policy.versions import Act, Match, Version

_CREATED = HTTPStatus.CREATED
_WHY = (("why", "Why this is done, 3 to 1000 characters; required"),)
_AGAINST = (("against", "The version that it is compared with; left out: the published one"),)
_PAGE = (("limit", "At most so many, 200 at most"), ("after", "`next` of the page before"))


class Releases:
    """What stands under `versions`, `current`, `drafts`, `lint`, `test`, `rollback` and `history`."""

    def __init__(self, releases: ReleaseDesk) -> None:
        self._releases = releases
        one = "/versions/{number}"
        self.operations: dict[Operation, Endpoint] = {
            Operation("GET", "/versions", "List versions, the newest first", VersionList): self.list,
            Operation("GET", one, "Show one version", VersionDocument): self.show,
            Operation("GET", "/current", "Show the published version", VersionDocument): self.current,
            Operation("POST", "/drafts", "Store a draft", DraftAnswer, DraftRequest, _CREATED): self.draft,
            Operation("PUT", one, "Edit a draft (If-Match)", DraftAnswer, DraftRequest): self.edit,
            Operation("DELETE", one, "Give a draft up (If-Match)", VersionEntry, query=_WHY): self.withdraw,
            Operation("POST", "/lint", "Look for what is wrong", LintAnswer, TrialRequest): self.lint,
            Operation("POST", "/test", "Run the tests of a policy", TestReport, TrialRequest): self.test,
            Operation("POST", f"{one}/test", "Run its tests", TestReport): self.test_version,
            Operation("GET", f"{one}/difference", "What it changes", Difference, query=_AGAINST): self.difference,
            Operation("POST", f"{one}/approval", "Approve it (If-Match)", ApprovalState, ReasonRequest): self.approve,
            Operation("DELETE", f"{one}/approval", "Take one's approval back", ApprovalState, query=_WHY): self.retract,
            Operation("GET", f"{one}/shadow", "What it would have changed", Report): self.shadow_report,
            Operation("POST", f"{one}/shadow", "Decide live requests by it, too", Report, ShadowRequest): self.shadow,
            Operation("DELETE", f"{one}/shadow", "Do so no longer", Report, query=_WHY): self.end_shadow,
            Operation("POST", f"{one}/publish", "Publish it", VersionEntry, PublishRequest): self.publish,
            Operation("POST", "/rollback", "Bring a version back", VersionEntry, RollbackRequest): self.rollback,
            Operation("GET", "/history", "Who did what, and why", HistoryPage, query=_PAGE): self.history,
        }
        self.changing = (
            self.draft,
            self.edit,
            self.withdraw,
            self.approve,
            self.retract,
            self.shadow,
            self.end_shadow,
            self.publish,
            self.rollback,
        )

    async def list(self, request: Request) -> Response:
        """GET versions?before=&limit=: versions below a number."""
        before = query_number(request, "before", HIGHEST, HIGHEST)
        limit = query_number(request, "limit", PAGE, 200)
        return answer(await self._releases.list(before, limit))

    async def show(self, request: Request) -> Response:
        return _tagged(*await self._releases.show(path_number(request)))

    async def current(self, _request: Request) -> Response:
        return _tagged(*await self._releases.show(None))

    async def draft(self, request: Request) -> Response:
        asked = await read(request, DraftRequest)
        made, told = await self._releases.draft(asked, self._act(request, asked.why))
        return _tagged(made, told, _CREATED, {"Location": f"{BASE}/versions/{made.number}"})

    async def edit(self, request: Request) -> Response:
        """PUT versions/{number}: another content; parts that are left out stay as they are in the draft."""
        asked = await read(request, DraftRequest)
        act = self._act(request, asked.why)
        return _tagged(*await self._releases.edit(path_number(request), asked, act, matching(request)))

    async def withdraw(self, request: Request) -> Response:
        act = self._act(request, reason(request))
        return answer(await self._releases.withdraw(path_number(request), act, matching(request)))

    async def lint(self, request: Request) -> Response:
        return answer(await self._releases.lint(await read(request, TrialRequest)))

    async def test(self, request: Request) -> Response:
        return answer(await self._releases.test(await read(request, TrialRequest)))

    async def test_version(self, request: Request) -> Response:
        return answer(await self._releases.test_version(path_number(request)))

    async def difference(self, request: Request) -> Response:
        against = query_number(request, "against", 0, HIGHEST) or None
        return answer(await self._releases.difference(path_number(request), against))

    async def approve(self, request: Request) -> Response:
        """POST versions/{number}/approval: of what was looked at, so its tag must be told."""
        asked = await read(request, ReasonRequest)
        act = self._act(request, asked.why)
        return answer(await self._releases.approve(path_number(request), act, matching(request)))

    async def retract(self, request: Request) -> Response:
        """DELETE versions/{number}/approval: one's own is meant, whatever the draft says by now."""
        act = self._act(request, reason(request))
        return answer(await self._releases.retract(path_number(request), act, _match_if_told(request)))

    async def shadow(self, request: Request) -> Response:
        asked = await read(request, ShadowRequest)
        act = self._act(request, asked.why)
        return answer(await self._releases.begin_shadow(path_number(request), asked, act))

    async def end_shadow(self, request: Request) -> Response:
        return answer(await self._releases.end_shadow(path_number(request), self._act(request, reason(request))))

    async def shadow_report(self, request: Request) -> Response:
        return answer(await self._releases.shadow_report(path_number(request)))

    async def publish(self, request: Request) -> Response:
        asked = await read(request, PublishRequest)
        act, match = self._act(request, asked.why), _match_if_told(request)
        made = await self._releases.publish(path_number(request), act, match, asked.confirm)
        return _tagged(made, VersionEntry.of(made))

    async def rollback(self, request: Request) -> Response:
        asked = await read(request, RollbackRequest)
        made = await self._releases.roll_back(asked.to, self._act(request, asked.why), asked.confirm)
        return _tagged(made, VersionEntry.of(made))

    async def history(self, request: Request) -> Response:
        """GET history?after=&limit=: the newest first."""
        after = query_number(request, "after", HIGHEST, HIGHEST)
        limit = query_number(request, "limit", PAGE, 200)
        return answer(await self._releases.history(after, limit))

    def _act(self, request: Request, why: str) -> Act:
        return self._releases.act(assertion_of(request).subject, why, correlation_id(request))


def _tagged(
    version: Version,
    content: msgspec.Struct,
    status: HTTPStatus = HTTPStatus.OK,
    headers: dict[str, str] | None = None,
) -> Response:
    return answer(content, status, {"ETag": version_tag(version), **(headers or {})})


def matching(request: Request) -> Match:
    """Whoever changes a draft says which content they saw (RFC 9110, section 13.1.1; RFC 6585, section 3)."""
    return lambda version: require_match(request, version_tag(version))


def _match_if_told(request: Request) -> Match:
    return matching(request) if "if-match" in request.headers else lambda version: None


def reason(request: Request) -> str:
    """Why something is taken away: DELETE has no body (RFC 9110, section 9.3.5)."""
    try:
        return msgspec.convert({"why": request.query_params.get("why", "")}, ReasonRequest).why
    except msgspec.ValidationError as error:
        raise Problem(problems.NOT_UNDERSTOOD, f"`why` in the query: {error}") from error
