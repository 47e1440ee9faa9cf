"""The end of a session as pages: at its person's wish, after the fact, and when somebody else was at it."""

from __future__ import annotations

from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import Response

from gateway.inbound.credentials import COOKIE
from gateway.relying_party.return_path import return_path
from gateway.relying_party.sign_out import SIGNED_OUT, SignOut
from gateway.session_pages import told
from gateway.session_pages.sign_in_pages import redirect
from gateway.session_pages.visitor import Visitor, Visitors
from gateway.sessions.near_cache import EndedSession, LiveSession
from pages import Pages
from pages.help.words import end_code

_COOKIE = COOKIE.decode()
NOT_ME = "not_me"
"""The `state` with which the identity provider leads back from the end of a session that was not its person's doing
(OpenID Connect RP-Initiated Logout 1.0, section 2)."""


class EndPages:
    """`sign-out`, `signed-out`, `ended`, `not-me`."""

    def __init__(self, *, visitors: Visitors, sign_out: SignOut, pages: Pages, issuer: str) -> None:
        self._visitors = visitors
        self._sign_out = sign_out
        self._pages = pages
        self._issuer = issuer

    async def confirm_sign_out(self, request: Request) -> Response:
        """A link cannot sign anybody out; a form can."""
        return self._pages.respond(request, "sign_out.html", form_action=[self._issuer])

    async def sign_out(self, request: Request) -> Response:
        """End the cookie session here, then the session at the identity provider."""
        return await self._end(request, "")

    async def signed_out(self, request: Request) -> Response:
        """Where the identity provider leads back to."""
        not_me = request.query_params.get("state") == NOT_ME
        return self._pages.respond(request, "signed_out.html", not_me=not_me, recover=self._recover)

    async def ended(self, request: Request) -> Response:
        """Why the session ended, and the way back in."""
        visitor = await self._visitors.find(request)
        back = return_path(request.query_params.get("return_to"))
        if visitor.caller is not None and not isinstance(visitor.session, EndedSession):
            return redirect(back)
        session = visitor.session if isinstance(visitor.session, EndedSession) else None
        response = self._pages.respond(
            request,
            "ended.html",
            code=end_code(session.reason if session else ""),
            takeover=session is not None and session.reason == "takeover",
            by=told.ended(session) if session else None,
            at=datetime.fromtimestamp(session.at, UTC) if session else None,
            return_to=back,
            waited="waited" in request.query_params,
        )
        _delete_cookie(response)
        return response

    async def not_me(self, request: Request) -> Response:
        """Somebody else was at this account: what to do, in order, with a button for what can be done at once."""
        visitor = await self._visitors.find(request)
        return self._pages.respond(
            request, "not_me.html", live=_lives(visitor), recover=self._recover, form_action=[self._issuer]
        )

    async def end_not_mine(self, request: Request) -> Response:
        """End the session everywhere, now; recovery comes after it."""
        return await self._end(request, NOT_ME)

    async def _end(self, request: Request, state: str) -> Response:
        self._visitors.refuse_foreign(request)
        cookie = self._visitors.cookie(request)
        target = SIGNED_OUT if cookie is None else await self._sign_out.end(cookie, self._visitors.origin(request))
        if state:
            target = f"{target}{'&' if '?' in target else '?'}state={state}"
        # A page rather than a redirect: the form may stand on a page whose policy lets forms end up only here.
        response = self._pages.respond(request, "leaving.html", target=target)
        response.headers["Refresh"] = f"0; url={target}"
        _delete_cookie(response)
        return response

    @property
    def _recover(self) -> str:
        return f"{self._issuer}/recover"


def _lives(visitor: Visitor) -> bool:
    return isinstance(visitor.session, LiveSession)


def _delete_cookie(response: Response) -> None:
    response.delete_cookie(_COOKIE, path="/", secure=True, httponly=True, samesite="lax")
