"""Versions, by the client: drafted, edited, tried, compared, approved, shadowed, published, brought back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from policy.admin.content_messages import ReachDocument
from policy.admin.messages import (
    ApprovalState,
    DraftAnswer,
    DraftRequest,
    HistoryEntry,
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
from policy.admin.scopes import APPROVE, PUBLISH, READ, WRITE
from policy.client.exchange import Exchange, Tagged
from policy.difference import Difference
from policy.policy_tests import TestReport
from policy.shadow import Report


class Versions:
    """What stands under `versions`, `current`, `drafts`, `lint`, `test`, `rollback` and `history`."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def list(self) -> Iterator[VersionEntry]:
        """All of them, the newest first."""
        for page in self._exchange.pages(VersionList, "/versions", READ, by="before"):
            yield from page.versions

    def show(self, number: int) -> Tagged[VersionDocument]:
        return self._exchange.get(VersionDocument, f"/versions/{number}", READ)

    def current(self) -> Tagged[VersionDocument]:
        """The published one."""
        return self._exchange.get(VersionDocument, "/current", READ)

    def draft(self, asked: DraftRequest) -> Tagged[DraftAnswer]:
        """Store a draft."""
        return self._exchange.act(DraftAnswer, "POST", "/drafts", WRITE, body=asked)

    def edit(self, number: int, asked: DraftRequest, *, match: str) -> Tagged[DraftAnswer]:
        """Give a draft another content."""
        return self._exchange.act(DraftAnswer, "PUT", f"/versions/{number}", WRITE, body=asked, match=match)

    def withdraw(self, number: int, why: str, *, match: str) -> VersionEntry:
        """Give a draft up."""
        query = {"why": why}
        return self._exchange.act(VersionEntry, "DELETE", f"/versions/{number}", WRITE, query=query, match=match).value

    def lint(self, asked: TrialRequest) -> LintAnswer:
        """What is wrong with a policy that is stored nowhere."""
        return self._exchange.act(LintAnswer, "POST", "/lint", READ, body=asked).value

    def test(self, asked: TrialRequest) -> TestReport:
        """Run the tests of a policy that is stored nowhere."""
        return self._exchange.act(TestReport, "POST", "/test", READ, body=asked).value

    def test_version(self, number: int) -> TestReport:
        """Run the tests of a version."""
        return self._exchange.act(TestReport, "POST", f"/versions/{number}/test", READ).value

    def difference(self, number: int, against: int | None = None) -> Difference:
        """What it changes, compared with another version, or with the published one."""
        return self._exchange.get(Difference, f"/versions/{number}/difference", READ, {"against": against}).value

    def approve(self, number: int, why: str, *, match: str) -> ApprovalState:
        """Approve a draft as it was looked at."""
        body = ReasonRequest(why)
        path = f"/versions/{number}/approval"
        return self._exchange.act(ApprovalState, "POST", path, APPROVE, body=body, match=match).value

    def retract(self, number: int, why: str) -> ApprovalState:
        """Take one's own approval back."""
        query = {"why": why}
        return self._exchange.act(ApprovalState, "DELETE", f"/versions/{number}/approval", APPROVE, query=query).value

    def shadow(self, number: int, asked: ShadowRequest) -> Report:
        """Have live requests decided by it, too."""
        return self._exchange.act(Report, "POST", f"/versions/{number}/shadow", PUBLISH, body=asked).value

    def shadow_report(self, number: int) -> Report:
        """What it would have changed so far."""
        return self._exchange.get(Report, f"/versions/{number}/shadow", READ).value

    def end_shadow(self, number: int, why: str) -> Report:
        path = f"/versions/{number}/shadow"
        return self._exchange.act(Report, "DELETE", path, PUBLISH, query={"why": why}).value

    def publish(self, number: int, why: str, *, match: str = "", confirm: Sequence[str] = ()) -> VersionEntry:
        """Publish a draft. `match`: the tag that it must still have; `confirm`: losses that are meant."""
        body = PublishRequest(why, tuple(confirm))
        path = f"/versions/{number}/publish"
        return self._exchange.act(VersionEntry, "POST", path, PUBLISH, body=body, match=match).value

    def roll_back(self, to: int, why: str, *, confirm: Sequence[str] = ()) -> VersionEntry:
        """Publish an older version's content again."""
        body = RollbackRequest(to, why, tuple(confirm))
        return self._exchange.act(VersionEntry, "POST", "/rollback", PUBLISH, body=body).value

    def reach(self) -> ReachDocument:
        """Which version each gateway decides by."""
        return self._exchange.get(ReachDocument, "/reach", READ).value

    def history(self) -> Iterator[HistoryEntry]:
        """Who did what, when and why, the newest first."""
        for page in self._exchange.pages(HistoryPage, "/history", READ):
            yield from page.entries
