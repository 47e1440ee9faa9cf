"""The end of a session as pages: at its person's wish, after the fact, and when somebody else was at it."""

from __future__ import annotations

from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import Response

from config.problem import Problem
from gateway.decision.enforcement import SESSION_UNKNOWN
from gateway.inbound.credentials import COOKIE
from gateway.relying_party.return_path import return_path
from gateway.relying_party.sign_out import SIGNED_OUT, SignOut
from gateway.session_pages import told
from gateway.session_pages.sign_in_pages import delete_cookie, redirect
from gateway.session_pages.visitor import Visitors
from gateway.sessions.near_cache import EndedSession, LiveSession
from pages import Pages
from pages.help.words import end_code

_COOKIE = COOKIE.decode()
NOT_ME = "not_me"
"""The `state` with which the identity provider leads back from the end of a session that was not its person's doing
(OpenID Connect RP-Initiated Logout 1.0, section 2)."""
TAKEN_OVER = "taken-over"
"""With it the page of a session that was taken over leads on, since it has deleted the cookie that would tell."""


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
        return self._pages.respond(
            request,
            "signed_out.html",
            not_me=request.query_params.get("state") == NOT_ME,
            still_open=request.query_params.get("session") == "open",
            recover=self._recover,
            end_session=f"{self._issuer}/end-session",
        )

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
        delete_cookie(response, _COOKIE)
        return response

    async def not_me(self, request: Request) -> Response:
        """Somebody else was at this account: what to do, in order, with a button for what can be done at once.

        The identity provider takes the word of whoever holds the cookie there of the session that lives, or of the one
        that was taken over: it locks the account, ends whatever lives, and mails the way back in.
        """
        live, ended = await self._stands(request)
        taken_over = TAKEN_OVER in request.query_params if ended is None else ended.reason == "takeover"
        return self._pages.respond(
            request,
            "not_me.html",
            live=live,
            lock=f"{self._issuer}/not-me" if live or taken_over else None,
            recover=self._recover,
            form_action=[self._issuer],
        )

    async def _stands(self, request: Request) -> tuple[bool, EndedSession | None]:
        """Whether a session lives, and the one that ended, where that can be told: whoever is in a hurry to say that
        somebody else is at their account is not sent away because a store is."""
        try:
            session = (await self._visitors.find(request)).session
        except Problem as problem:
            if problem.kind is not SESSION_UNKNOWN:
                raise
            return True, None
        return isinstance(session, LiveSession), session if isinstance(session, EndedSession) else None

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
        delete_cookie(response, _COOKIE)
        return response

    @property
    def _recover(self) -> str:
        return f"{self._issuer}/recover"
