"""The endpoints of how people sign in, as rows of the API's table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from config.openapi import Operation
from config.problem import Problem
from idp.administration import problems
from idp.administration.analysis_acts import AnalysisActs
from idp.administration.analysis_documents import FeedbackList, MarksDocument, SignInDays
from idp.administration.asked import PAGING, as_uuid, asked_page
from idp.administration.endpoints import Endpoint, answer
from idp.administration.scope import Administrator
from idp.rollout.analysis import DAYS, MOST_DAYS, Analysis
from idp.rollout.daily import KEPT
from pages.locale import LOCALES, Locale

PDF: Final = "application/pdf"
LANGUAGE: Final = ("locale", "`ko` or `en`; otherwise `ko`")
_OF: Final = ("organisation", "its id; otherwise all of the caller's")
_DAYS: Final = ("days", f"how far back, at most {MOST_DAYS}; otherwise {DAYS}")
_MOST_KEPT: Final = KEPT.days


class AnalysisEndpoints:
    """What stands under `/analysis`, `/sign-in-days` and `/feedback`."""

    def __init__(self, acts: AnalysisActs) -> None:
        self._acts = acts

    def operations(self) -> Mapping[Operation, Endpoint]:
        """Each with what answers it."""
        paper = Operation(
            "GET", "/analysis.pdf", "The same on paper (PDF)", Analysis, query=(_OF, _DAYS, LANGUAGE), media=PDF
        )
        far = ("days", f"how far back, at most {_MOST_KEPT}; otherwise {DAYS}")
        return {
            Operation("GET", "/analysis", "How people sign in", Analysis, query=(_OF, _DAYS)): self.show,
            paper: self.paper,
            Operation(
                "GET", "/sign-in-days", "What sign-ins came to and took, day by day", SignInDays, query=(_OF, far)
            ): self.days,
            Operation(
                "GET",
                "/feedback",
                "What people said of signing in, the newest first",
                FeedbackList,
                query=(_OF, *PAGING),
            ): self.said,
            Operation(
                "GET", "/feedback/marks", "Which marks each way in got", MarksDocument, query=(_OF, _DAYS)
            ): self.marks,
        }

    async def show(self, request: Request, who: Administrator) -> Response:
        return answer(await self._acts.show(who, asked_organisation(request), asked_days(request)))

    async def paper(self, request: Request, who: Administrator) -> Response:
        days, locale = asked_days(request), asked_locale(request)
        return printed(await self._acts.paper(who, asked_organisation(request), days, locale), "munjigi-analysis")

    async def days(self, request: Request, who: Administrator) -> Response:
        return answer(await self._acts.sign_in_days(who, asked_organisation(request), asked_days(request, _MOST_KEPT)))

    async def said(self, request: Request, who: Administrator) -> Response:
        return answer(await self._acts.said(who, asked_organisation(request), asked_page(request)))

    async def marks(self, request: Request, who: Administrator) -> Response:
        return answer(await self._acts.marks(who, asked_organisation(request), asked_days(request)))


def asked_organisation(request: Request) -> UUID | None:
    """Which organisation the query names; None: none."""
    named = request.query_params.get("organisation")
    return as_uuid(named, "organisation") if named else None


def asked_days(request: Request, most: int = MOST_DAYS) -> int:
    """How many days the query asks for."""
    days = request.query_params.get("days", str(DAYS))
    if not (days.isascii() and days.isdigit() and len(days) <= 4 and 0 < int(days) <= most):
        raise Problem(problems.NOT_UNDERSTOOD, f"days: a number from 1 to {most} is expected")
    return int(days)


def asked_locale(request: Request) -> Locale:
    """The language that the query asks for."""
    asked = request.query_params.get("locale", LOCALES[0])
    for locale in LOCALES:
        if locale == asked:
            return locale
    raise Problem(problems.NOT_UNDERSTOOD, f"locale: one of {', '.join(LOCALES)} is expected")


def printed(pdf: bytes, name: str) -> Response:
    """A PDF that no cache keeps."""
    headers = {"Cache-Control": "no-store", "Content-Disposition": f'inline; filename="{name}.pdf"'}
    return Response(pdf, media_type=PDF, headers=headers)
