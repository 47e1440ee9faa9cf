"""The endpoints of programmes under way, as rows of the API's table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from config.openapi import Operation
from idp.administration.analysis_endpoints import LANGUAGE, PDF, asked_locale, printed
from idp.administration.asked import PAGING, asked_page, path_uuid
from idp.administration.endpoints import Endpoint, answer
from idp.administration.progress_acts import ProgressActs
from idp.administration.progress_documents import ProgressDocument, StuckList
from idp.administration.scope import Administrator
from idp.rollout.comparison import Comparison
from idp.rollout.report import Report

_ONE: Final = "/programmes/{programme_id}"
_PHASE: Final = f"{_ONE}/phases/{{phase_id}}"


class ProgressEndpoints:
    """What is said of programmes under way."""

    def __init__(self, acts: ProgressActs) -> None:
        self._acts = acts

    def operations(self) -> Mapping[Operation, Endpoint]:
        """Each with what answers it."""
        return {
            Operation("GET", f"{_ONE}/progress", "How far its phases are", ProgressDocument): self.progress,
            Operation(
                "GET", f"{_PHASE}/stuck", "Who of a phase may need help, by name", StuckList, query=PAGING
            ): self.stuck,
            Operation(
                "GET", f"{_PHASE}/comparison", "Whom it reached beside whom it did not", Comparison
            ): self.comparison,
            Operation(
                "GET", f"{_ONE}/report", "What was reached, what it cost, what to do better", Report
            ): self.report,
            Operation(
                "GET", f"{_ONE}/report.pdf", "The same on paper (PDF)", Report, query=(LANGUAGE,), media=PDF
            ): self.paper,
        }

    async def progress(self, request: Request, who: Administrator) -> Response:
        return answer(await self._acts.progress(who, path_uuid(request, "programme_id")))

    async def stuck(self, request: Request, who: Administrator) -> Response:
        programme, phase = path_uuid(request, "programme_id"), path_uuid(request, "phase_id")
        return answer(await self._acts.stuck(who, programme, phase, asked_page(request)))

    async def comparison(self, request: Request, who: Administrator) -> Response:
        programme, phase = path_uuid(request, "programme_id"), path_uuid(request, "phase_id")
        return answer(await self._acts.comparison(who, programme, phase))

    async def report(self, request: Request, who: Administrator) -> Response:
        return answer(await self._acts.report(who, path_uuid(request, "programme_id")))

    async def paper(self, request: Request, who: Administrator) -> Response:
        locale = asked_locale(request)
        return printed(await self._acts.paper(who, path_uuid(request, "programme_id"), locale), "munjigi-programme")
