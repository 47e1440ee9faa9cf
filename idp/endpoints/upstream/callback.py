"""`GET /sign-in/upstream/{provider}/callback`: the way back from an upstream.

The question that waits is looked at first, and taken away by its answer only when that is of the same browser and the
same issuer: whatever else comes changes nothing. No transaction is open while the upstream is asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from starlette.requests import Request
from starlette.responses import Response

from config.connections import Transaction
from config.problem import Problem
from idp.authorization.login import Login
from idp.authorization.step_mac import browser_hash
from idp.credentials.throttle import UPSTREAM_OF_ADDRESS, Throttle, address_subject
from idp.endpoints.login.hops import LOGIN_OVER, login_cookies
from idp.endpoints.login.login_page import UNREADABLE, LoginPages
from idp.endpoints.parameters import Unreadable, once_each, read_query
from idp.endpoints.upstream.asking import asked_provider
from idp.endpoints.upstream.demand import demand_of
from idp.endpoints.whereabouts import client_ip
from idp.federation.id_token import IdTokenClaims
from idp.federation.identity import Described, described, wanted, with_userinfo
from idp.federation.problems import UpstreamProblem
from idp.federation.provider import Providers, UpstreamProvider, callback_of
from idp.federation.question import (
    Attempt,
    Attempts,
    Demand,
    QuestionKey,
    authenticated_at,
    code_of,
    expect_issuer,
    state_hash,
)
from idp.federation.upstream import Tokens, Upstreams


@dataclass(frozen=True, slots=True)
class Answered:
    """A sound answer: whom the upstream authenticated, how, and when."""

    provider: UpstreamProvider
    claims: IdTokenClaims
    raw: Mapping[str, Any]
    tokens: Tokens
    at: datetime

    @property
    def amr(self) -> tuple[str, ...]:
        """How it counts here."""
        return self.provider.counts.methods(self.claims.acr or "", self.claims.amr)


class Describing(Protocol):
    """Asks for what else the upstream tells of somebody."""

    async def __call__(self, answered: Answered) -> Described:
        """What is taken of it. Raises `UpstreamProblem`."""


class Arriving(Protocol):
    """What becomes of answers."""

    async def answered(self, request: Request, attempt: Attempt, answered: Answered, describe: Describing) -> Response:
        """Of a sound one. Raises `UpstreamProblem`."""

    async def failed(
        self, request: Request, attempt: Attempt, provider: UpstreamProvider | None, problem: UpstreamProblem
    ) -> Response:
        """Of any other."""


class UpstreamCallback:
    """Takes answers, and hands them on to whoever asked: a login, or the account."""

    def __init__(
        self,
        shared: LoginPages,
        *,
        attempts: Attempts,
        providers: Providers,
        upstreams: Upstreams,
        key: QuestionKey,
        throttle: Throttle,
        of_login: Arriving,
        of_session: Arriving,
        issuer: str,
    ) -> None:
        self._shared = shared
        self._attempts = attempts
        self._providers = providers
        self._upstreams = upstreams
        self._key = key
        self._throttle = throttle
        self._of_login = of_login
        self._of_session = of_session
        self._issuer = issuer

    async def __call__(self, request: Request) -> Response:
        answer = _read(request)
        digest = state_hash(answer.get("state", ""))
        async with self._shared.database.connect() as tx:
            attempt, provider, demand = await self._question(tx, request, digest)
        if provider is None or not provider.enabled:
            raise Problem(LOGIN_OVER, private="the provider is gone, or switched off")
        arriving = self._of_login if attempt.login_id is not None else self._of_session
        address = address_subject(client_ip(request))
        await self._throttle.attempt(UPSTREAM_OF_ADDRESS, address)
        try:
            answered = await self._take(answer, attempt, provider, demand)
            response = await arriving.answered(request, attempt, answered, self._describe)
        except UpstreamProblem as problem:
            return await arriving.failed(request, attempt, provider, problem)
        await self._throttle.was_right(UPSTREAM_OF_ADDRESS, address)
        return response

    async def _question(
        self, tx: Transaction, request: Request, digest: bytes
    ) -> tuple[Attempt, UpstreamProvider | None, Demand]:
        """The question that this browser asked this provider. Raises `LOGIN_OVER`."""
        now = self._shared.clock.now()
        attempt = await self._attempts.find(tx, digest, now)
        if attempt is None or attempt.provider_id != asked_provider(request):
            raise Problem(LOGIN_OVER, private="no such question waits for this provider's answer")
        provider = await self._providers.find(tx, attempt.provider_id)
        if attempt.login_id is None:
            own = await self._shared.arrivals.own(tx, request, now)
            if own is None or own.sid != attempt.sid:
                raise Problem(LOGIN_OVER, private="the answer came to another session's browser")
            return attempt, provider, Demand()
        login = await self._shared.find(tx, attempt.login_id, now)
        if not _is_of(request, login):
            raise Problem(LOGIN_OVER, private="the answer came to another browser")
        return attempt, provider, demand_of(login, provider) if provider is not None else Demand()

    async def _take(
        self, answer: Mapping[str, str], attempt: Attempt, provider: UpstreamProvider, demand: Demand
    ) -> Answered:
        metadata = await self._upstreams.metadata(provider)
        expect_issuer(answer, provider, metadata)
        async with self._shared.database.begin() as tx:
            if not await self._attempts.consume(tx, attempt.state_hash):
                raise Problem(LOGIN_OVER, private="the same answer came twice")
        code = code_of(answer, provider, metadata)
        state = answer["state"]
        tokens = await self._upstreams.redeem(
            provider,
            code=code,
            verifier=self._key.verifier(state),
            redirect_uri=callback_of(self._issuer, provider.id),
        )
        claims, raw = await self._upstreams.verified(provider, tokens, expected_nonce=self._key.nonce(state))
        at = authenticated_at(demand, claims.auth_time, attempt.created_at, self._shared.clock.now())
        return Answered(provider, claims, raw, tokens, at)

    async def _describe(self, answered: Answered) -> Described:
        claims = answered.raw
        if wanted(answered.provider, claims):
            told = await self._upstreams.userinfo(answered.provider, answered.tokens)
            claims = with_userinfo(claims, told) if told else claims
        return described(answered.provider, claims)


def _read(request: Request) -> dict[str, str]:
    try:
        return once_each(read_query(request))
    except Unreadable as error:
        raise Problem(UNREADABLE, private=str(error)) from None


def _is_of(request: Request, login: Login) -> bool:
    return any(browser_hash(cookie) == login.browser_hash for cookie in login_cookies(request).values())
