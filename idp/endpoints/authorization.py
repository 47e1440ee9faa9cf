"""The authorization endpoint (RFC 6749, section 3.1; OpenID Connect Core 1.0, section 3.1.2): where a login begins."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from starlette.requests import Request
from starlette.responses import Response

from config.clock import Clock
from config.connections import Database
from config.entropy import Entropy
from config.problem import Problem
from idp.authorization.answer import ReturnAddress, error_answer
from idp.authorization.checks import Carriage, check
from idp.authorization.login import Login, Logins
from idp.authorization.pushed import PushedRequests, reference_hash
from idp.authorization.request import AuthorizationRequest
from idp.authorization.step_mac import browser_hash
from idp.authorization.trust import (
    AMBIGUOUS,
    UNKNOWN_CLIENT,
    Parameters,
    RequestError,
    given,
    presented_client,
    return_address,
)
from idp.clients.cache import ClientCache
from idp.clients.client import Client
from idp.credentials.throttle import Throttle, address_subject, logins_of_address
from idp.endpoints.client_answers import ClientAnswers
from idp.endpoints.id_token_hints import IdTokenHints
from idp.endpoints.login.arrivals import visitor
from idp.endpoints.login.hops import LOGIN_COOKIE, LOGIN_COOKIE_AGE, Hops, login_cookies
from idp.endpoints.login.telling import came_from
from idp.endpoints.parameters import Unreadable, read_form, read_query
from idp.endpoints.request_objects import RequestObjects
from idp.endpoints.whereabouts import client_ip
from idp.resources.described_servers import DescribedCache
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
        pushed: PushedRequests,
        objects: RequestObjects,
        answers: ClientAnswers,
        hops: Hops,
        pages: Pages,
        database: Database,
        clock: Clock,
        entropy: Entropy,
        throttle: Throttle,
        hints: IdTokenHints,
        described: DescribedCache,
        issuer: str,
        login_lifetime: timedelta,
        must_push: Callable[[str], bool],
    ) -> None:
        """`must_push`: whether the client of an id must, whatever it registered."""
        self._clients = clients
        self._logins = logins
        self._pushed = pushed
        self._objects = objects
        self._answers = answers
        self._must_push = must_push
        self._hops = hops
        self._pages = pages
        self._database = database
        self._clock = clock
        self._entropy = entropy
        self._throttle = throttle
        self._hints = hints
        self._described = described
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
        said, reference = parameters, None
        try:
            reference = _pushed_reference(parameters)
            if reference is not None:
                asked = await self._redeemable(reference, client)
            else:
                said, signed = await self._objects.unfolded(parameters, client, client_ip(request))
                must_be_pushed = self._must_push(client.client_id)
                carriage = Carriage(signed=signed, must_be_pushed=must_be_pushed)
                asked = check(
                    said,
                    client,
                    self._hints.named_by(client),
                    carriage,
                    described=await self._described.of(client),
                    called=self._hints.called_by(client),
                )
        except RequestError as error:
            return self._tell_client(request, return_address(said, client, error), error)
        try:
            await self._admit(request, asked)
            return await self._begin(request, asked, reference)
        except RequestError as error:
            return self._tell_client(request, asked.return_address, error)

    async def _redeemable(self, reference: bytes, client: Client) -> AuthorizationRequest:
        """What the client pushed (RFC 9126, section 4), whatever else stands beside the reference."""
        async with self._database.connect() as tx:
            asked = await self._pushed.find(tx, reference, client.client_id, self._clock.now())
        if asked is None or asked.redirect_uri not in client.redirect_uris:
            raise _not_pushed()
        return asked

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

    async def _begin(self, request: Request, asked: AuthorizationRequest, reference: bytes | None) -> Response:
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
            if reference is not None and not await self._pushed.redeem(tx, reference, asked.client_id, now):
                raise _not_pushed()  # another browser was first
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

    def _tell_client(self, request: Request, address: ReturnAddress, error: RequestError) -> Response:
        answer = error_answer(address, error=error.error, description=error.description, issuer=self._issuer)
        return self._answers.send(request, answer)


def _pushed_reference(parameters: Parameters) -> bytes | None:
    """The reference to a pushed request, where `request_uri` can be one and stands alone."""
    request_uri = given(parameters, "request_uri")
    if request_uri is None or given(parameters, "request") is not None:
        return None
    return reference_hash(request_uri)


def _not_pushed() -> RequestError:
    return RequestError("invalid_request_uri", "there is no such pushed request, or not any more")
