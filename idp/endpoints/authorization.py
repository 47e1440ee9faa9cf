"""The authorization endpoint (RFC 6749, section 3.1; OpenID Connect Core 1.0, section 3.1.2): where a login begins."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from config.clock import Clock
from config.connections import Database
from config.entropy import Entropy
from config.problem import Problem
from idp.authorization.answer import error_answer
from idp.authorization.checks import (
    AMBIGUOUS,
    UNKNOWN_CLIENT,
    RequestError,
    check,
    presented_client,
    stated,
    trusted_redirect_uri,
)
from idp.authorization.login import Login, Logins
from idp.authorization.request import AuthorizationRequest
from idp.authorization.step_mac import browser_hash
from idp.clients.cache import ClientCache
from idp.clients.client import Client
from idp.clients.subject_identifiers import SubjectIdentifiers
from idp.credentials.throttle import Throttle, address_subject, logins_of_address
from idp.endpoints.id_token_hints import IdTokenHints
from idp.endpoints.login.arrivals import visitor
from idp.endpoints.login.hops import LOGIN_COOKIE, LOGIN_COOKIE_AGE, Hops, login_cookies
from idp.endpoints.login.telling import came_from
from idp.endpoints.parameters import Unreadable, read_form, read_query
from idp.endpoints.whereabouts import client_ip
from pages import Pages

COOKIE_SIZE = 32
COOKIE_NAME_SIZE = 6


class AuthorizationEndpoint:
    """`GET` and `POST /authorize`: check the request, keep a login, and go on to the dispatcher."""

    def __init__(
        self,
        *,
        clients: ClientCache,
        logins: Logins,
        hops: Hops,
        pages: Pages,
        database: Database,
        clock: Clock,
        entropy: Entropy,
        throttle: Throttle,
        hints: IdTokenHints,
        identifiers: SubjectIdentifiers,
        issuer: str,
        login_lifetime: timedelta,
    ) -> None:
        self._clients = clients
        self._logins = logins
        self._hops = hops
        self._pages = pages
        self._database = database
        self._clock = clock
        self._entropy = entropy
        self._throttle = throttle
        self._hints = hints
        self._identifiers = identifiers
        self._issuer = issuer
        self._lifetime = login_lifetime

    async def __call__(self, request: Request) -> Response:
        try:
            parameters = await read_form(request) if request.method == "POST" else read_query(request)
        except Unreadable as error:
            raise Problem(AMBIGUOUS, private=str(error)) from None
        client = await self._clients.find(presented_client(parameters))
        if client is None:
            raise Problem(UNKNOWN_CLIENT, private="no such client")
        redirect_uri = trusted_redirect_uri(parameters, client)
        try:
            asked = check(parameters, client, lambda hint: self._named_by(hint, client))
            await self._admit(request, asked)
        except RequestError as error:
            return self._tell_client(redirect_uri, parameters, error)
        return await self._begin(request, asked)

    def _named_by(self, id_token_hint: str, client: Client) -> str | None:
        hint = self._hints.read(id_token_hint)
        return self._identifiers.user(client, hint.sub) if hint is not None else None

    async def _admit(self, request: Request, asked: AuthorizationRequest) -> None:
        """Bound what strangers can make us keep: a login is a row, whoever asks. Given back when the login is over."""
        try:
            await self._throttle.attempt(
                logins_of_address(self._lifetime.total_seconds()), address_subject(client_ip(request))
            )
        except Problem as problem:
            if "none" in asked.prompt:  # nobody sees a page (OpenID Connect Core 1.0, section 3.1.2.6)
                raise RequestError("temporarily_unavailable", problem.kind.title) from problem
            raise

    async def _begin(self, request: Request, asked: AuthorizationRequest) -> Response:
        # one login cookie for all tabs, under a name of its own: tabs that begin at the same moment do not know of each
        # other's yet, and the answer to one must not take the cookie of another
        known = login_cookies(request)
        name = next(reversed(known), f"{LOGIN_COOKIE}-{self._entropy.token(COOKIE_NAME_SIZE)}")
        cookie = known.get(name) or self._entropy.token(COOKIE_SIZE)
        now = self._clock.now()
        login = Login(
            id=self._entropy.uuid(),
            request=asked,
            client_id=asked.client_id,
            locale=self._pages.locale(request, ui_locales=" ".join(asked.ui_locales)),
            created_at=now,
            expires_at=now + self._lifetime,
            browser_hash=browser_hash(cookie),
            name_hint=asked.login_hint,
            came_from=came_from(visitor(request, None)),
        )
        async with self._database.begin() as tx:
            await self._logins.add(tx, login)
        response = self._hops.to_dispatcher(login)
        response.set_cookie(
            name,
            cookie,
            max_age=LOGIN_COOKIE_AGE,
            path="/",
            secure=True,
            httponly=True,
            samesite="lax",
        )
        return response

    def _tell_client(self, redirect_uri: str, parameters: Sequence[tuple[str, str]], error: RequestError) -> Response:
        url = error_answer(
            redirect_uri,
            error=error.error,
            description=error.description,
            state=stated(parameters),
            issuer=self._issuer,
        )
        return RedirectResponse(url, HTTPStatus.SEE_OTHER, headers={"Cache-Control": "no-store"})
