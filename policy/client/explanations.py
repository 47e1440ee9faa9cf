"""Why something is decided as it is, by the client."""

from __future__ import annotations

from policy.admin.messages import ExplainRequest, ModelDocument
from policy.admin.scopes import READ
from policy.client.exchange import Exchange
from policy.explain import Explanation


class Explanations:
    """What stands under `explain` and `model`."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def explain(self, asked: ExplainRequest) -> Explanation:
        """Why a made-up request is decided as it is, and what would change that."""
        return self._exchange.act(Explanation, "POST", "/explain", READ, body=asked).value

    def model(self) -> ModelDocument:
        """The language of rules."""
        return self._exchange.get(ModelDocument, "/model", READ).value
