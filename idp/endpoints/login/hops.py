"""How the pages of a login are reached and left: the login cookie, the MAC of each hop, and nothing forged.

Every page is reached by a hop that the dispatcher issued for it, and is left only to the dispatcher. A form of a page
sends its own hop back (the field `hop`): it cannot be known to another site, nor used by another browser.
"""

from __future__ import annotations

import re
from http import HTTPStatus
from urllib.parse import urlencode, urlsplit
from uuid import UUID

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from config.problem import Problem, ProblemType
from idp.authorization.login import Login
from idp.authorization.next_step import Step
from idp.authorization.step_mac import CONTINUE, StepMac, WrongHop, browser_hash
from idp.protocol.redirect_uri import source

LOGIN_COOKIE = "__Host-munjigi-login"
"""How the names of login cookies begin. A browser has one for all its tabs, so that none takes the cookie of another;
only tabs that begin at the same moment, before any of them was answered, have more."""
LOGIN_COOKIES_READ = 32
"""The newest; more than a browser begins logins at one moment."""
LOGIN_COOKIE_AGE = 86400
"""Seconds: longer than any login, so that a stale page is known to be this browser's."""
CLIENT_PARAMETER = "client"
ORIGIN_PARAMETER = "at"
STATE_PARAMETER = "of"
"""Where a page leads back to that is stale (`idp.endpoints.sign_in.restart`), and by what its client knows the sign-in
that it was; they prove nothing."""
LONGEST_STATE = 512
"""Characters of a `state` that addresses carry; a client with a longer one is led back without it."""
DISPATCHER = "/authorize/continue"
PAGES = {
    Step.SIGN_IN: "/sign-in",
    Step.FACTOR: "/factor",
    Step.NO_FACTOR: "/factor/none",
    Step.TAKEOVER: "/takeover",
    Step.CONSENT: "/consent",
    Step.ENROL: "/enrol",
    Step.LINK: "/sign-in/link",
}

_COOKIE_VALUE = re.compile(r"[A-Za-z0-9_-]{43}")

LOGIN_OVER = ProblemType(
    "MJ-IDP-001",
    HTTPStatus.BAD_REQUEST,
    "This sign-in is over",
    "Go back to the application and sign in again.",
)
FORGED = ProblemType(
    "MJ-IDP-002",
    HTTPStatus.FORBIDDEN,
    "This form was not sent by our own page",
    "Open the page again and send the form from there.",
)


class Hops:
    """The doors between the dispatcher and the pages, for one issuer."""

    def __init__(self, mac: StepMac, issuer: str) -> None:
        self._mac = mac
        parts = urlsplit(issuer)
        self._origin = f"{parts.scheme}://{parts.netloc}"

    def accept(self, request: Request, step: Step | str, hop: str | None = None) -> UUID:
        """The login that this request goes on with, at `step`. The hop is that of the query, or of a form, if given.

        Raises `Problem` (`LOGIN_OVER`) where the hop is missing, is for another step, or the browser is another one.
        """
        given = hop if hop is not None else request.query_params.get("hop")
        if given is None:
            raise Problem(LOGIN_OVER, private="no hop")
        refused = "no login cookie"
        for cookie in login_cookies(request).values():
            try:
                return self._mac.accept(given, step, browser_hash(cookie))
            except WrongHop as error:
                refused = str(error)
        raise Problem(LOGIN_OVER, private=refused)

    def accept_form(self, request: Request, step: Step | str, hop: str | None) -> UUID:
        """`accept` for a form that was posted, and refuses one that another site sent."""
        self.refuse_foreign(request)
        return self.accept(request, step, hop or "")

    def refuse_foreign(self, request: Request) -> None:
        """Raises `Problem` (`FORGED`) unless the browser says that the request comes from our own origin.

        `Sec-Fetch-Site` is believed first (Fetch Metadata), then `Origin`; a browser that sends neither is refused.
        """
        site = request.headers.get("sec-fetch-site")
        origin = request.headers.get("origin")
        # a page with `Referrer-Policy: no-referrer` posts `Origin: null`, so the metadata decide where there are any
        allowed = site == "same-origin" if site is not None else origin == self._origin
        if not allowed:
            raise Problem(FORGED, private=f"Sec-Fetch-Site {site!r}, Origin {origin!r}")

    def hop(self, login: Login, step: Step | str) -> str:
        """The hop that a page's form sends back."""
        return self._mac.issue(login.id, step, login.browser_hash)

    def to_page(self, login: Login, step: Step) -> Response:
        """Lead the browser to a page. Only the dispatcher calls this."""
        return self._redirect(PAGES[step], login, step)

    def to_dispatcher(self, login: Login) -> Response:
        """Lead the browser back to the dispatcher: the only way out of a page."""
        return self._redirect(DISPATCHER, login, CONTINUE)

    def _redirect(self, path: str, login: Login, step: Step | str) -> Response:
        query = urlencode({"hop": self.hop(login, step)})
        return RedirectResponse(
            f"{path}?{query}&{way_back(login)}", HTTPStatus.SEE_OTHER, headers={"Cache-Control": "no-store"}
        )


def way_back(login: Login) -> str:
    """What the address of each page, and of its form, says of where a stale one leads back to: a piece of a query."""
    state = login.request.state
    known = {STATE_PARAMETER: state} if state is not None and len(state) <= LONGEST_STATE else {}
    return urlencode({CLIENT_PARAMETER: login.client_id, ORIGIN_PARAMETER: redirect_origin(login), **known})


def browser_of(request: Request) -> bytes | None:
    """The hash of this browser's newest login cookie, or None where it has none."""
    value = login_cookie(request)
    return browser_hash(value) if value is not None else None


def login_cookies(request: Request) -> dict[str, str]:
    """The login cookies of this browser that are ours, by name, the newest last (RFC 6265, section 5.4)."""
    sent = [(name, value) for name, value in request.cookies.items() if name.startswith(LOGIN_COOKIE)]
    return {name: value for name, value in sent[-LOGIN_COOKIES_READ:] if _COOKIE_VALUE.fullmatch(value)}


def login_cookie(request: Request) -> str | None:
    """The value of the newest of them."""
    return next(reversed(login_cookies(request).values()), None)


def redirect_origin(login: Login) -> str:
    """Where a form of this login may end up, for the page's `form-action`."""
    return source(login.request.redirect_uri)
