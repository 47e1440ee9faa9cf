"""The Starlette application of the gateway's own pages."""

from __future__ import annotations

from pathlib import Path

import structlog
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Mount, Route, Router
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from config.problem import Problem
from config.web import UNEXPECTED, problem_response
from gateway.decision.enforcement import SESSION_UNKNOWN, Refusal
from gateway.inbound.credentials import COOKIE, SIGN_IN_COOKIE
from gateway.relying_party.return_path import return_path
from gateway.relying_party.sign_in import SIGN_IN_LIFETIME, SignInFlow
from gateway.relying_party.sign_out import SignOut
from gateway.session_pages import told
from gateway.session_pages.status import SessionStatus
from gateway.session_pages.visitor import Visitors, authority
from gateway.sessions.near_cache import EndedSession
from pages import Assets, Pages

_log = structlog.get_logger(__name__)

HERE = Path(__file__).parent
BASE = "/.munjigi"
_ACRS = frozenset(("urn:munjigi:acr:1", "urn:munjigi:acr:2"))
_COOKIE = COOKIE.decode()
_SIGN_IN_COOKIE = SIGN_IN_COOKIE.decode()


class SessionPages:
    """Pages for a person; `app()` is the application, which the data path calls for an `OwnPage`."""

    def __init__(
        self, *, visitors: Visitors, status: SessionStatus, flow: SignInFlow, sign_out: SignOut, issuer: str
    ) -> None:
        self._visitors = visitors
        self._status = status
        self._flow = flow
        self._sign_out = sign_out
        self._issuer = issuer
        self._assets = Assets(HERE / "static", base=f"{BASE}/assets")
        self._pages = Pages(HERE / "templates", assets=self._assets)

    def app(self) -> ASGIApp:
        """The application, outermost."""
        routes = [
            Route("/sign-in", self.sign_in, methods=["GET"]),
            Route("/callback", self.callback, methods=["GET"]),
            Route("/sign-out", self.confirm_sign_out, methods=["GET"]),
            Route("/sign-out", self.sign_out, methods=["POST"]),
            Route("/signed-out", self.signed_out, methods=["GET"]),
            Route("/ended", self.ended, methods=["GET"]),
            Route("/not-me", self.not_me, methods=["GET"]),
            Route("/session", self._status.status, methods=["GET"]),
            Route("/session/events", self._status.events, methods=["GET"]),
            Route("/session/extend", self._status.extend, methods=["POST"]),
            Route("/session/texts", self.texts, methods=["GET"]),
            Mount("/assets", app=self._assets),
        ]
        # a bare router: Starlette's own error middleware would answer before `_Told` could
        # and one that leads nobody to the same address without its slash, by the host that the client named
        own = Router(routes, redirect_slashes=False)
        return _Told(
            Router([Route(f"{BASE}/session.js", self._assets), Mount(BASE, app=own)], redirect_slashes=False), self
        )

    async def sign_in(self, request: Request) -> Response:
        """Lead to the identity provider."""
        acr, max_age = request.query_params.get("acr_values"), request.query_params.get("max_age", "")
        led = await self._flow.begin(
            authority=authority(request),
            address=_address(request),
            return_to=request.query_params.get("return_to"),
            browser_secret=request.cookies.get(_SIGN_IN_COOKIE),
            acr=acr if acr in _ACRS else None,
            max_age=int(max_age) if max_age.isdecimal() and len(max_age) < 9 else None,
            locale=self._pages.locale(request),
        )
        response = _redirect(led.url)
        _set_cookie(response, _SIGN_IN_COOKIE, led.browser_secret, int(SIGN_IN_LIFETIME.total_seconds()))
        return response

    async def callback(self, request: Request) -> Response:
        """Take in whoever comes back. Parameters that stand twice are refused (RFC 6749, section 3.1)."""
        sent = request.query_params.multi_items()
        parameters = dict(sent) if len(dict(sent)) == len(sent) else {}
        signed_in = await self._flow.finish(
            parameters=parameters,
            authority=authority(request),
            browser_secret=request.cookies.get(_SIGN_IN_COOKIE),
            replaced=self._visitors.cookie(request),
            address=_address(request),
        )
        response = _redirect(signed_in.return_to)
        _set_cookie(response, _COOKIE, signed_in.cookie, None)
        return response

    async def confirm_sign_out(self, request: Request) -> Response:
        """A link cannot sign anybody out; a form can."""
        return self._pages.respond(request, "sign_out.html", form_action=[self._issuer])

    async def sign_out(self, request: Request) -> Response:
        """End the cookie session here, then the session at the identity provider."""
        self._visitors.refuse_foreign(request)
        cookie = self._visitors.cookie(request)
        target = f"{BASE}/signed-out"
        if cookie is not None:
            target = await self._sign_out.end(cookie, self._visitors.origin(request))
        # A page rather than a redirect: the form may stand on a page whose policy lets forms end up only here.
        response = self._pages.respond(request, "leaving.html", target=target)
        response.headers["Refresh"] = f"0; url={target}"
        _delete_cookie(response, _COOKIE)
        return response

    async def signed_out(self, request: Request) -> Response:
        """Where the identity provider leads back to."""
        return self._pages.respond(request, "signed_out.html")

    async def ended(self, request: Request) -> Response:
        """Why the session ended, and the way back in."""
        visitor = await self._visitors.find(request)
        back = return_path(request.query_params.get("return_to"))
        if visitor.caller is not None and not isinstance(visitor.session, EndedSession):
            return _redirect(back)
        ended = told.ended(visitor.session) if isinstance(visitor.session, EndedSession) else None
        response = self._pages.respond(request, "ended.html", ended=ended, return_to=back)
        _delete_cookie(response, _COOKIE)
        return response

    async def not_me(self, request: Request) -> Response:
        """Somebody else signed in as this person: what to do, in order."""
        return self._pages.respond(request, "not_me.html")

    async def texts(self, request: Request) -> Response:
        """What the script says, in the language of the page that it stands in."""
        locale = self._pages.locale(request)
        return JSONResponse(
            {
                "locale": locale,
                "texts": self._pages.catalogue.section("script", locale),
                "stylesheet": self._assets.url("munjigi.css"),
            },
            headers={"Cache-Control": "private, no-cache", "Vary": "Accept-Language, Cookie"},
        )

    def refused(self, request: Request, refusal: Refusal) -> Response:
        """The page in place of one that may not be shown."""
        key = f"refused.{refusal.kind.code}"
        known = f"{key}.title" in self._pages.catalogue
        return self._pages.respond(
            request,
            "refused.html",
            status=refusal.kind.status.value,
            key=key if known else "refused.other",
            code=refusal.kind.code,
            reasons=[reason.value for reason in refusal.reasons],
            again=request.url.path.startswith(f"{BASE}/"),
        )


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
            except (SQLAlchemyError, OSError) as error:
                if started:
                    raise
                away = Problem(SESSION_UNKNOWN, private=type(error).__name__)
                await self._answer(request, away)(scope, receive, send)
            except Exception:
                _log.exception("own_page_failed")
                if started:
                    raise
                await self._answer(request, Problem(UNEXPECTED))(scope, receive, send)

    def _answer(self, request: Request, problem: Problem) -> Response:
        if "text/html" in request.headers.get("accept", ""):
            _log.info("problem", kind=problem.kind.code, private=problem.private)
            return self._pages.refused(request, Refusal(problem.kind, ()))
        return problem_response(request, problem)


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


def _redirect(url: str) -> Response:
    return RedirectResponse(
        url, status_code=302, headers={"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    )


def _set_cookie(response: Response, name: str, value: str, max_age: int | None) -> None:
    """`__Host-`: secure, this host alone, the whole of it (RFC 6265bis, section 4.1.3.2)."""
    response.set_cookie(name, value, max_age=max_age, path="/", secure=True, httponly=True, samesite="lax")


def _delete_cookie(response: Response, name: str) -> None:
    response.delete_cookie(name, path="/", secure=True, httponly=True, samesite="lax")
