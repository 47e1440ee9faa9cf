"""The way to an upstream: the question is kept, and the browser sent there."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from uuid import UUID

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from config.clock import Clock
from config.connections import Database
from config.entropy import Entropy
from idp.authorization.next_step import Step
from idp.directory.cache import FaceCache
from idp.endpoints.login.login_page import LoginPages
from idp.endpoints.upstream.demand import demand_of
from idp.endpoints.upstream.failed import NOT_OFFERED, UpstreamFailed, code_of_problem
from idp.federation.offers import OfferCache
from idp.federation.problems import UpstreamProblem
from idp.federation.provider import UpstreamProvider, callback_of
from idp.federation.question import LIFETIME, STATE_SIZE, Attempt, Attempts, Demand, QuestionKey, question, state_hash
from idp.federation.upstream import Upstreams


def asked_provider(request: Request) -> UUID:
    """The provider that the path names."""
    try:
        return UUID(request.path_params["provider"])
    except ValueError:
        raise HTTPException(HTTPStatus.NOT_FOUND) from None


@dataclass(frozen=True, slots=True)
class Asker:
    """Whose question it is: a login's, or that of a session whose person wants another way in."""

    login_id: UUID | None = None
    sid: str | None = None


class Asking:
    """Sends browsers to upstreams."""

    def __init__(
        self,
        *,
        attempts: Attempts,
        upstreams: Upstreams,
        key: QuestionKey,
        database: Database,
        clock: Clock,
        entropy: Entropy,
        issuer: str,
    ) -> None:
        self._attempts = attempts
        self._upstreams = upstreams
        self._key = key
        self._database = database
        self._clock = clock
        self._entropy = entropy
        self._issuer = issuer

    async def ask(self, provider: UpstreamProvider, asker: Asker, demand: Demand) -> Response:
        """To the upstream. Raises `UpstreamProblem` where it is not known where that is."""
        metadata = await self._upstreams.metadata(provider)
        state, now = self._entropy.token(STATE_SIZE), self._clock.now()
        attempt = Attempt(
            state_hash=state_hash(state),
            provider_id=provider.id,
            login_id=asker.login_id,
            sid=asker.sid,
            created_at=now,
            expires_at=now + LIFETIME,
        )
        address = question(
            provider,
            metadata,
            self._key,
            state,
            redirect_uri=callback_of(self._issuer, provider.id),
            demand=demand,
        )
        async with self._database.begin() as tx:
            await self._attempts.add(tx, attempt)
        return RedirectResponse(address, HTTPStatus.SEE_OTHER, headers={"Cache-Control": "no-store"})


class UpstreamSignIn:
    """`GET /sign-in/upstream/{provider}`: where the button of the sign-in page leads."""

    def __init__(
        self, shared: LoginPages, *, asking: Asking, offers: OfferCache, faces: FaceCache, failed: UpstreamFailed
    ) -> None:
        self._shared = shared
        self._asking = asking
        self._offers = offers
        self._faces = faces
        self._failed = failed

    async def __call__(self, request: Request) -> Response:
        """To an upstream that this login's page offers."""
        provider_id = asked_provider(request)
        login_id = self._shared.hops.accept(request, Step.SIGN_IN)
        async with self._shared.database.connect() as tx:
            login = await self._shared.find(tx, login_id, self._shared.clock.now())
        home = await self._faces.home(login.client_id)
        offers = await self._offers.of_login(home.organisation_id if home else None, login.name_hint or "")
        provider = offers.find(provider_id)
        if provider is None:
            return await self._failed.of_login(request, login, NOT_OFFERED, None)
        try:
            return await self._asking.ask(provider, Asker(login_id=login.id), demand_of(login, provider))
        except UpstreamProblem as problem:
            return await self._failed.of_login(request, login, code_of_problem(problem), provider, private=str(problem))
