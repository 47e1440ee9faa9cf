"""Who asks for an own page: the cookie session behind the request, and whether its session lives."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus

from starlette.requests import Request

from config.clock import Clock
from config.problem import Problem, ProblemType
from gateway.callers.caller import Caller
from gateway.callers.cookie_check import CookieCheck
from gateway.decision.enforcement import SESSION_UNKNOWN
from gateway.inbound.credentials import read_credentials
from gateway.inbound.manner import SAME_SITES
from gateway.sessions.near_cache import EndedSession, LiveSession
from gateway.sessions.session_check import SessionCheck, StoreUnreachable

FOREIGN_FORM = ProblemType(
    "MJ-GATEWAY-230",
    HTTPStatus.FORBIDDEN,
    "This form was not sent by a page of this address",
    "Open the page again and send it from there.",
)


@dataclass(frozen=True, slots=True)
class Visitor:
    """One request's cookie session; `session` is None where nobody is signed in."""

    cookie: bytes | None
    caller: Caller | None = None
    session: LiveSession | EndedSession | None = None


class Visitors:
    """Finds them."""

    def __init__(self, *, cookies: CookieCheck, sessions: SessionCheck, clock: Clock, scheme: str) -> None:
        self._cookies = cookies
        self._sessions = sessions
        self._clock = clock
        self._scheme = scheme

    async def find(self, request: Request) -> Visitor:
        """Raises `Problem` for ambiguous credentials, and where the state cannot be told."""
        cookie = self.cookie(request)
        if cookie is None:
            return Visitor(None)
        try:
            caller = self._cookies.find(cookie, self._clock.timestamp())
            found = caller or await self._cookies.load(cookie, address(request))
            if not isinstance(found, Caller):
                return Visitor(cookie, None, found)
            return Visitor(cookie, found, await self._sessions.state(found.identity.sid))
        except StoreUnreachable as error:
            raise unknown(str(error)) from error

    def cookie(self, request: Request) -> bytes | None:
        """SHA-256 of the cookie alone, whatever stands behind it. Raises `Problem` for ambiguous credentials."""
        shown = read_credentials(request.scope["headers"])
        if shown.fault is not None:
            raise Problem(shown.fault)
        return shown.cookie

    def origin(self, request: Request) -> str:
        """The origin of the host that was asked, as the route table names it."""
        return f"{self._scheme}://{authority(request)}"

    def refuse_foreign(self, request: Request) -> None:
        """Raise `Problem` unless the request was sent by a page of this very origin."""
        site = request.headers.get("sec-fetch-site")
        origins = request.headers.getlist("origin")
        if site is not None:
            foreign = site.encode() not in SAME_SITES
        else:
            foreign = bool(origins) and origins != [self.origin(request)]
        if foreign:
            raise Problem(FOREIGN_FORM)


def unknown(private: str) -> Problem:
    """Nobody can say at this moment whether the session lives, which is something else than that there is none (S7)."""
    return Problem(SESSION_UNKNOWN, private=private, headers={"Retry-After": "1"})


def address(request: Request) -> str:
    """Where the request came from, as the data path judged it by the proxies that are trusted."""
    return request.client.host if request.client else ""


def authority(request: Request) -> str:
    """The host and port that was asked, as the route table names it."""
    found: str = request.scope["state"]["authority"]
    return found
