"""What was decided, why, and what another version would make of it, by the client."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from urllib.parse import quote
from uuid import UUID

from policy.admin.decision_messages import DecisionEntry, DecisionList, ReplayDocument, ReplayRequest
from policy.admin.messages import ExplainRequest, ModelDocument
from policy.admin.scopes import READ, WRITE
from policy.client.exchange import Exchange
from policy.explain import Explanation


class Explanations:
    """What stands under `explain`, `model`, `decisions` and `replays`."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def explain(self, asked: ExplainRequest) -> Explanation:
        """Why a made-up request is decided as it is, and what would change that."""
        return self._exchange.act(Explanation, "POST", "/explain", READ, body=asked).value

    def explain_as_text(self, asked: ExplainRequest) -> str:
        """The same for people to read."""
        return self._exchange.text("POST", "/explain", READ, body=asked)

    def decision(self, ident: str, version: int | None = None) -> Explanation:
        """Why something was decided as it was, by its own version or by another; `ident`: the correlation id."""
        return self._exchange.get(Explanation, _explanation(ident), READ, {"version": version}).value

    def decision_as_text(self, ident: str, version: int | None = None) -> str:
        """The same for people to read."""
        return self._exchange.text("GET", _explanation(ident), READ, query={"version": version})

    def decisions(
        self,
        *,
        sub: str | None = None,
        zone: str | None = None,
        effect: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Iterator[DecisionEntry]:
        """What was decided, the newest first."""
        query = {
            "sub": sub,
            "zone": zone,
            "effect": effect,
            "since": None if since is None else since.isoformat(),
            "until": None if until is None else until.isoformat(),
        }
        for page in self._exchange.pages(DecisionList, "/decisions", READ, query):
            yield from page.decisions

    def replay(self, number: int, asked: ReplayRequest) -> ReplayDocument:
        """Begin to decide recorded requests again by a version."""
        path = f"/versions/{number}/replays"
        return self._exchange.act(ReplayDocument, "POST", path, WRITE, body=asked).value

    def replayed(self, ident: UUID) -> ReplayDocument:
        """How far a replay is, and what it found."""
        return self._exchange.get(ReplayDocument, f"/replays/{ident}", READ).value

    def model(self) -> ModelDocument:
        """The language of rules."""
        return self._exchange.get(ModelDocument, "/model", READ).value


def _explanation(ident: str) -> str:
    return f"/decisions/{quote(ident, safe='')}/explanation"
