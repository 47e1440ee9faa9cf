"""Signing in through the gateway: the way there, the way back, and the window that was opened for it."""

from __future__ import annotations

from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from config.problem import Problem
from gateway.inbound.credentials import COOKIE
from gateway.relying_party.problems import SIGN_IN_EXPIRED
from gateway.relying_party.return_path import DONE, HOME, return_path
from gateway.relying_party.sign_in import SignedIn, SignInFlow
from gateway.session_pages import ways
from gateway.session_pages.visitor import Visitors, address, authority
from gateway.session_pages.ways import Way
from gateway.sessions.near_cache import LiveSession
from idp.protocol.assurance import ACR_VALUES
from pages import Pages

_ACRS = frozenset(ACR_VALUES)
_COOKIE = COOKIE.decode()


class SignInPages:
    """`GET sign-in`, `GET callback`, `GET done`."""

    def __init__(self, *, visitors: Visitors, flow: SignInFlow, pages: Pages) -> None:
        self._visitors = visitors
        self._flow = flow
        self._pages = pages

    async def sign_in(self, request: Request) -> Response:
        """Lead to the identity provider. In a window of its own it is for the person of the page that waits.

        `state`: that of a sign-in whose pages at the identity provider were stale. It begins anew towards its own page.
        """
        acr, max_age = request.query_params.get("acr_values"), _number(request, "max_age")
        back = return_path(request.query_params.get("return_to"))
        if (stale := self.way(request)) is not None:
            acr, max_age, back = stale.acr, stale.max_age, return_path(stale.return_to)
        led = await self._flow.begin(
            authority=authority(request),
            address=address(request),
            return_to=back,
            acr=acr if acr in _ACRS else None,
            max_age=max_age,
            locale=self._pages.locale(request),
            person=await self._person(request) if back == DONE else None,
        )
        response = redirect(led.url)
        for name in ways.surplus(request.cookies):
            delete_cookie(response, name)
        way = Way(
            led.browser_secret,
            int(led.begun.timestamp()),
            back,
            acr if acr in _ACRS else None,
            max_age,
            _number(request, "again") or 0,
        )
        set_cookie(response, ways.cookie_name(led.state), ways.write(way), ways.LIFETIME)
        return response

    async def _person(self, request: Request) -> str | None:
        caller = (await self._visitors.find(request)).caller
        return None if caller is None else caller.identity.subject.id

    async def callback(self, request: Request) -> Response:
        """Take in whoever comes back. Parameters that stand twice are refused (RFC 6749, section 3.1)."""
        sent = request.query_params.multi_items()
        parameters = dict(sent) if len(dict(sent)) == len(sent) else {}
        try:
            signed_in = await self._finish(request, parameters)
        except Problem as problem:
            restarted = await self._restarted(request) if problem.kind is SIGN_IN_EXPIRED else None
            if restarted is None:
                raise
            return restarted
        response = redirect(signed_in.return_to)
        set_cookie(response, _COOKIE, signed_in.cookie, None)
        self._forget_ways(request, response, signed_in)
        return response

    def _forget_ways(self, request: Request, response: Response, signed_in: SignedIn) -> None:
        """One that was finished is known for a moment more; of another person's nothing is left."""
        if signed_in.another_person:
            for name in ways.names(request.cookies):
                delete_cookie(response, name)
        elif (way := self.way(request)) is not None:
            name = ways.cookie_name(request.query_params.get("state", ""))
            set_cookie(response, name, ways.write(replace(way, secret="")), ways.USED_FOR)

    async def _finish(self, request: Request, parameters: dict[str, str]) -> SignedIn:
        way = self.way(request)
        return await self._flow.finish(
            parameters=parameters,
            authority=authority(request),
            browser_secret=None if way is None else way.secret,
            replaced=self._visitors.cookie(request),
            address=address(request),
            user_agent=request.headers.get("user-agent", ""),
        )

    async def _restarted(self, request: Request) -> Response | None:
        """A sign-in that is stale, or finished already, goes on by itself: back to its page, or from the start.

        None where that could go round in circles: this browser did not begin it, keeps no cookies, or tried before.
        """
        way = self.way(request)
        live = isinstance((await self._visitors.find(request)).session, LiveSession)
        if live and (way is None or not (way.acr or way.max_age is not None)):
            return redirect(HOME if way is None else return_path(way.return_to))
        if way is None or way.restarts >= ways.RESTARTS:
            return None
        return redirect(way.address(restarted=True))

    def way(self, request: Request) -> Way | None:
        """Where the sign-in that comes back was to lead, as far as this browser remembers it."""
        return ways.find(request.cookies, request.query_params.get("state", ""))

    async def done(self, request: Request) -> Response:
        """The end of a sign-in in a window of its own: it tells the page that waits, and closes."""
        live = isinstance((await self._visitors.find(request)).session, LiveSession)
        return self._pages.respond(request, "done.html", signed_in=live)


def redirect(url: str) -> Response:
    """Lead on, leaving no trace of this address."""
    return RedirectResponse(
        url, status_code=302, headers={"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    )


def set_cookie(response: Response, name: str, value: str, max_age: int | None) -> None:
    """`__Host-`: secure, this host alone, the whole of it (RFC 6265bis, section 4.1.3.2)."""
    response.set_cookie(name, value, max_age=max_age, path="/", secure=True, httponly=True, samesite="lax")


def delete_cookie(response: Response, name: str) -> None:
    """Take one back."""
    response.delete_cookie(name, path="/", secure=True, httponly=True, samesite="lax")


def _number(request: Request, name: str) -> int | None:
    value = request.query_params.get(name, "")
    return int(value) if value.isdecimal() and value.isascii() and len(value) < 9 else None
