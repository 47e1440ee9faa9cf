"""The Starlette application of the gateway's own pages."""

from __future__ import annotations

from pathlib import Path

import structlog
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route, Router
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from config.problem import Problem
from config.sections.surroundings import SupportSettings
from config.web import UNEXPECTED, problem_response
from gateway.decision.enforcement import COME_AGAIN, Refusal
from gateway.relying_party.sign_in import SignInFlow
from gateway.relying_party.sign_out import SignOut
from gateway.session_pages.end_pages import EndPages
from gateway.session_pages.script import MODULES, Script
from gateway.session_pages.sign_in_pages import SignInPages
from gateway.session_pages.status import SessionStatus
from gateway.session_pages.visitor import Visitors, unknown
from gateway.session_pages.words import script_words
from pages import Assets, Pages
from pages.help.help_pages import HelpPages
from pages.help.support import Support

_log = structlog.get_logger(__name__)

HERE = Path(__file__).parent
BASE = "/.munjigi"


class SessionPages:
    """Pages for a person; `app()` is the application, which the data path calls for an `OwnPage`."""

    def __init__(
        self,
        *,
        visitors: Visitors,
        status: SessionStatus,
        flow: SignInFlow,
        sign_out: SignOut,
        issuer: str,
        support: SupportSettings,
    ) -> None:
        """`support`: whom a person can ask."""
        self._status = status
        self._support = Support.of(support)
        self._assets = Assets(HERE / "static", base=f"{BASE}/assets")
        self._pages = Pages(HERE / "templates", assets=self._assets)
        self._sign_in = SignInPages(visitors=visitors, flow=flow, pages=self._pages)
        self._end = EndPages(visitors=visitors, sign_out=sign_out, pages=self._pages, issuer=issuer)

    def app(self) -> ASGIApp:
        """The application, outermost."""
        routes = [
            Route("/sign-in", self._sign_in.sign_in, methods=["GET"]),
            Route("/callback", self._sign_in.callback, methods=["GET"]),
            Route("/done", self._sign_in.done, methods=["GET"]),
            Route("/sign-out", self._end.confirm_sign_out, methods=["GET"]),
            Route("/sign-out", self._end.sign_out, methods=["POST"]),
            Route("/signed-out", self._end.signed_out, methods=["GET"]),
            Route("/ended", self._end.ended, methods=["GET"]),
            Route("/not-me", self._end.not_me, methods=["GET"]),
            Route("/not-me", self._end.end_not_mine, methods=["POST"]),
            Route("/session", self._status.status, methods=["GET"]),
            Route("/session/events", self._status.events, methods=["GET"]),
            Route("/session/extend", self._status.extend, methods=["POST"]),
            Route("/session/texts", self.texts, methods=["GET"]),
            *HelpPages(self._pages, self.whom_to_ask).routes("/help"),
            Mount("/assets", app=self._assets),
        ]
        script = Script()
        # a bare router: Starlette's own error middleware would answer before `_Told` could
        # and one that leads nobody to the same address without its slash, by the host that the client named
        own = Router(routes, redirect_slashes=False)
        modules = [Route(f"{BASE}/{name}", script) for name in MODULES]
        return _Told(Router([*modules, Mount(BASE, app=own)], redirect_slashes=False), self)

    async def texts(self, request: Request) -> Response:
        """What the script says, in the language of the page that it stands in."""
        locale = self._pages.locale(request)
        return JSONResponse(
            {
                "locale": locale,
                **script_words(self._pages.catalogue, locale),
                "stylesheet": self._assets.url("munjigi.css"),
            },
            headers={"Cache-Control": "private, no-cache", "Vary": "Accept-Language, Cookie"},
        )

    async def whom_to_ask(self, _request: Request) -> Support:
        """Whom a person behind the gateway can ask."""
        return self._support

    def refused(self, request: Request, refusal: Refusal) -> Response:
        """The page in place of one that may not be shown."""
        code = refusal.kind.code
        own = request.url.path.startswith(f"{BASE}/")
        way = self._sign_in.way(request) if own else None
        page = self._pages.respond(
            request,
            "refused.html",
            status=refusal.kind.status.value,
            key=f"help.{code}" if f"help.{code}.title" in self._pages.catalogue else "refused.other",
            code=code,
            reasons=[reason.value for reason in refusal.reasons],
            again=(way.address() if way else f"{BASE}/sign-in") if own else None,
        )
        page.raw_headers.extend(refusal.headers)
        if refusal.kind.status in COME_AGAIN:
            page.headers.setdefault("Retry-After", "1")
        return page


class _Told:
    """Problems as pages for whoever wants pages; the pipeline's refusals first."""

    def __init__(self, inner: ASGIApp, pages: SessionPages) -> None:
        self._inner = inner
        self._pages = pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        with structlog.contextvars.bound_contextvars(correlation_id=scope["state"]["correlation_id"]):
            refusal = scope["state"].get("refusal")
            if refusal is not None:
                await self._pages.refused(request, refusal)(scope, receive, send)
                return
            started = False

            async def watched(message: Message) -> None:
                nonlocal started
                started = True
                await send(message)

            try:
                await self._inner(scope, receive, watched)
            except Problem as problem:
                await self._answer(request, problem)(scope, receive, send)
            except (SQLAlchemyError, RedisError, OSError) as error:
                if started:
                    raise
                await self._answer(request, unknown(type(error).__name__))(scope, receive, send)
            except Exception:
                _log.exception("own_page_failed")
                if started:
                    raise
                await self._answer(request, Problem(UNEXPECTED))(scope, receive, send)

    def _answer(self, request: Request, problem: Problem) -> Response:
        if "text/html" in request.headers.get("accept", ""):
            _log.info("problem", kind=problem.kind.code, private=problem.private)
            page = self._pages.refused(request, Refusal(problem.kind, ()))
            page.headers.update(problem.headers)
            return page
        return problem_response(request, problem)
