"""A stale or doubled page of a login begins again by itself: at the client's own start of sign-in.

Back after signing in, a tab that was left open, a form sent twice: the person wants to get in, not to read of an error.
The address of each page names the client, which proves nothing: it leads only where that client registered its start.
It says the `state` of the sign-in that was, by which the client knows where that one was to lead.
A browser that brings no login cookie at all may keep none, and would go round in circles: it is asked by one button.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from urllib.parse import urlencode, urlsplit, urlunsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from config.problem import Problem
from idp.clients.cache import ClientCache
from idp.clients.client import Client
from idp.endpoints.login.hops import CLIENT_PARAMETER, LOGIN_OVER, ORIGIN_PARAMETER, STATE_PARAMETER, login_cookie
from idp.endpoints.presence import Presence
from pages import Pages

Endpoint = Callable[[Request], Awaitable[Response]]


class Restart:
    """Stands around the endpoints of a login."""

    def __init__(self, clients: ClientCache, presence: Presence, pages: Pages) -> None:
        self._clients = clients
        self._presence = presence
        self._pages = pages

    def around(self, endpoint: Endpoint) -> Endpoint:
        """The endpoint, with a way on where its login is over."""

        async def answer(request: Request) -> Response:
            try:
                return await endpoint(request)
            except Problem as problem:
                client = await self._client(request)
                if problem.kind is not LOGIN_OVER or client is None:
                    raise
                return await self._again(request, client)

        return answer

    async def _client(self, request: Request) -> Client | None:
        named = request.query_params.get(CLIENT_PARAMETER)
        return await self._clients.find(named) if named else None

    async def _again(self, request: Request, client: Client) -> Response:
        start = await self._presence.start_of(client, request.query_params.get(ORIGIN_PARAMETER))
        state = request.query_params.get(STATE_PARAMETER)
        if start is not None and state:
            start = _with_state(start, state)
        if start is not None and login_cookie(request) is not None:
            if "text/html" not in request.headers.get("accept", ""):
                return JSONResponse({"go": start}, headers={"Cache-Control": "no-store"})
            return RedirectResponse(start, HTTPStatus.SEE_OTHER, headers={"Cache-Control": "no-store"})
        shown = await self._presence.of_client(client.client_id)
        locale = self._pages.locale(request)
        return self._pages.respond(
            request,
            "restart.html",
            status=LOGIN_OVER.status,
            locale=locale,
            look=shown.look,
            app=client.name.get(locale, client.client_id),
            start=start or home_of(client),
            code=LOGIN_OVER.code,
        )


def _with_state(start: str, state: str) -> str:
    parts = urlsplit(start)
    return urlunsplit(parts._replace(query=f"{parts.query}&{urlencode({'state': state})}".removeprefix("&")))


def home_of(client: Client) -> str:
    """The root of a client's first origin: where its people find it. An app on their machine has none, but a page."""
    found = next((parts for parts in map(urlsplit, client.redirect_uris) if parts.netloc), None)
    return f"{found.scheme}://{found.netloc}/" if found is not None else client.metadata.client_uri or ""
