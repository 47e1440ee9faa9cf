"""Why something is decided as it is, and the language in which it was said."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from config.clock import Clock
from config.openapi import Operation
from policy import conditions
from policy.admin.archive import Archive
from policy.admin.group import Endpoint, answer, read
from policy.admin.messages import ExplainRequest, ModelDocument
from policy.admin.telling import told
from policy.artefact import RuleEffect
from policy.casbin_model import MODEL
from policy.explain import Explanation


class Explanations:
    """What stands under `explain` and `model`."""

    changing: tuple[Endpoint, ...] = ()

    def __init__(self, archive: Archive, clock: Clock) -> None:
        self._archive = archive
        self._clock = clock
        self.operations: dict[Operation, Endpoint] = {
            Operation("POST", "/explain", "Why, and what would change it", Explanation, ExplainRequest): self.explain,
            Operation("GET", "/model", "The language of rules", ModelDocument): self.model,
        }

    async def explain(self, request: Request) -> Response:
        asked = await read(request, ExplainRequest)
        return told(request, await self._archive.explain(asked.request.request(self._clock.timestamp()), asked.version))

    async def model(self, _request: Request) -> Response:
        return answer(
            ModelDocument(
                MODEL.read_text(encoding="utf-8"),
                conditions.vocabulary(),
                conditions.LEVELS,
                tuple(effect.value for effect in RuleEffect),
            )
        )
