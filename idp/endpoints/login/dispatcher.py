"""`GET /authorize/continue`: the dispatcher, the only place that leads from one step of a login to the next.

It reads what is stored, asks `next_step`, and does what that names: shows a page, begins or joins the session and gives
out the code in one transaction, or tells the client that there will be no code.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

import structlog
from starlette.requests import Request
from starlette.responses import Response

from config.clock import Clock
from config.connections import Database, Transaction
from config.entropy import Entropy
from config.problem import Problem
from idp.authorization.code import Codes
from idp.authorization.consent import Consents, Standing, standing
from idp.authorization.login import Login, Logins
from idp.authorization.next_step import SessionState, Step, next_step, recognise
from idp.authorization.step_mac import CONTINUE
from idp.clients.cache import ClientCache
from idp.credentials.throttle import Throttle, address_subject, logins_of_address
from idp.endpoints.client_answers import ClientAnswers
from idp.endpoints.login.arrivals import Arrivals, Cookies, session_state, visitor
from idp.endpoints.login.hops import LOGIN_OVER, PAGES, Hops
from idp.endpoints.login.known_person import Arrived
from idp.endpoints.login.leaving import Leaving
from idp.endpoints.login.telling import Telling, came_from
from idp.endpoints.whereabouts import client_ip
from idp.sessions.one_session import AnotherLives, Began, MayNotSignIn
from idp.sessions.session import Session, is_elsewhere

GIVE_BACK_TIMEOUT = 0.25
"""Seconds, as for the poke of the outbox."""

_log = structlog.get_logger(__name__)


class Kept(Protocol):
    """What the browser keeps of its being remembered."""

    def put_on(self, response: Response) -> None:
        """Set it on an answer."""


class RememberedBrowsers(Protocol):
    """Where browsers are remembered."""

    async def begun(
        self, tx: Transaction, request: Request, person: UUID, device_id: UUID | None, now: datetime, *, wanted: bool
    ) -> Kept:
        """A session began on this device, or was joined."""


@dataclass(slots=True)
class _Situation:
    """What the step is decided by; all of it read in one transaction."""

    login: Login
    own: SessionState | None
    own_session: Session | None
    arrived: Arrived | None = None
    live: SessionState | None = None
    cookies: Cookies | None = None
    keep: Kept | None = None
    may_sign_in: bool = True

    def keeping(self, response: Response) -> Response:
        """The answer with what the browser keeps of a session that was begun or joined on the way to it."""
        for kept in (self.cookies, self.keep):
            if kept is not None:
                kept.put_on(response)
        return response


class Dispatcher:
    """Leads a login on."""

    def __init__(
        self,
        *,
        hops: Hops,
        logins: Logins,
        codes: Codes,
        clients: ClientCache,
        consents: Consents,
        arrivals: Arrivals,
        database: Database,
        telling: Telling,
        remembered: RememberedBrowsers,
        clock: Clock,
        entropy: Entropy,
        issuer: str,
        throttle: Throttle,
        code_lifetime: timedelta,
        login_lifetime: timedelta,
        answers: ClientAnswers,
    ) -> None:
        self._hops = hops
        self._logins = logins
        self._clients = clients
        self._consents = consents
        self._arrivals = arrivals
        self._database = database
        self._telling = telling
        self._remembered = remembered
        self._clock = clock
        self._throttle = throttle
        self._leaving = Leaving(
            logins=logins,
            codes=codes,
            telling=telling,
            entropy=entropy,
            issuer=issuer,
            code_lifetime=code_lifetime,
            answers=answers,
        )
        self._logins_of_address = logins_of_address(login_lifetime.total_seconds())

    async def __call__(self, request: Request) -> Response:
        login_id = self._hops.accept(request, CONTINUE)
        async with self._database.begin() as tx:
            now = self._clock.now()
            login = await self._logins.claim(tx, login_id, now)
            if login is None:
                raise Problem(LOGIN_OVER, private="no such login, or its time is over")
            response, over = await self._lead_on(tx, request, login, now)
        await self._telling.poke()
        if over:
            await self._give_back(request)
        return response

    async def _give_back(self, request: Request) -> None:
        """The login does not count against its address any more. What was committed waits for no store that stalls."""
        try:
            async with asyncio.timeout(GIVE_BACK_TIMEOUT):
                await self._throttle.was_right(self._logins_of_address, address_subject(client_ip(request)))
        except TimeoutError:
            _log.warning("attempt_not_given_back", scope=self._logins_of_address.scope, error="TimeoutError")

    async def _lead_on(self, tx: Transaction, request: Request, login: Login, now: datetime) -> tuple[Response, bool]:
        """The answer, and whether the login is over by it."""
        at = await self._situation(tx, request, login, now)
        while True:
            account = at.arrived.account if at.arrived is not None and at.may_sign_in else None
            decided = next_step(at.login, account, at.live, at.own, now)
            if decided.step in PAGES:
                if at.login != login:
                    await self._logins.save(tx, at.login)
                return at.keeping(self._hops.to_page(at.login, decided.step)), False
            if decided.step is Step.CODE:
                return at.keeping(await self._leaving.with_code(tx, request, at.login, now)), True
            if decided.step is Step.REFUSED:
                return at.keeping(await self._leaving.refused(tx, request, at.login, at.arrived, decided, now)), True
            # the session is begun or joined: what comes next is decided anew, by the state that this leaves
            if decided.step is Step.BEGIN_SESSION:
                await self._begin(tx, request, at, now)
            else:
                await self._join(tx, request, at, now)

    async def _situation(self, tx: Transaction, request: Request, login: Login, now: datetime) -> _Situation:
        own_session = await self._arrivals.own(tx, request, now)
        own = session_state(own_session, elsewhere=False) if own_session is not None else None
        at = _Situation(recognise(login, own, now), own, own_session)
        if at.login.user_id is None:
            return at
        at.arrived = await self._arrivals.arrived(tx, request, at.login.user_id, now)
        if at.arrived is None:
            return at
        if at.login.risk is None and at.login.recognised_in is None:
            at.login = await self._arrivals.assess(tx, request, at.login, at.arrived.known, now)
        at.live = at.arrived.live_state
        at.login = at.login.coming_from(came_from(visitor(request, at.arrived.known.device_id)))
        if at.live is None:
            at.login = at.login.facing(None)
        elif own is None or own.sid != at.live.sid:
            at.login = at.login.facing(at.live.sid)
        if at.login.consent == "unasked":
            at.login = at.login.answered(await self._consent(tx, at.login, at.arrived.known.user_id))
        return at

    async def _consent(self, tx: Transaction, login: Login, user_id: UUID) -> Standing:
        """Whether the person must be asked what the app may have: most apps are the house's own, and ask nobody."""
        client = await self._clients.find(login.client_id)
        required = client is None or client.metadata.consent_required
        if client is not None and client.organisation_id is not None and not required:
            # an organisation speaks for its own people: those of others decide for themselves
            required = not await self._consents.belongs(tx, user_id, client.organisation_id)
        before = await self._consents.find(tx, user_id, login.client_id) if required else None
        return standing(login.request, before, required=required)

    async def _begin(self, tx: Transaction, request: Request, at: _Situation, now: datetime) -> None:
        assert at.arrived is not None
        settled = await self._arrivals.begin(tx, request, at.login, at.arrived, at.own_session, now)
        match settled.outcome:
            case Began(session, ended):
                at.live = session_state(session, elsewhere=False)
                at.login = at.login.in_session(session.sid)
                at.cookies = settled.cookies
                at.keep = await self._remembered.begun(
                    tx, request, session.user_id, settled.visitor.device_id, now, wanted=at.login.remember
                )
                await self._telling.history.note(
                    tx,
                    session.user_id,
                    "taken_over" if ended is not None else "signed_in",
                    settled.visitor,
                    amr=session.amr,
                    client_id=at.login.client_id,
                    sid=session.sid,
                    seconds=max(0.0, (now - at.login.created_at).total_seconds()),
                    risk=at.login.risk,
                    risk_of=at.login.risk_of,
                )
                if settled.on_new_device and ended is None:  # of a takeover its own notice says as much
                    await self._telling.new_device(tx, request, at.arrived.recipient, session)
            case AnotherLives(session):  # it began a moment ago: the person must be asked about that one
                at.login = at.login.was_overtaken()
                elsewhere = is_elsewhere(session, at.arrived.known.device_id, client_ip(request))
                at.live = session_state(session, elsewhere=elsewhere)
                at.login = at.login.facing(session.sid)
            case MayNotSignIn():
                at.live = None
                at.may_sign_in = False

    async def _join(self, tx: Transaction, request: Request, at: _Situation, now: datetime) -> None:
        assert at.own is not None
        assert at.arrived is not None
        joined = await self._arrivals.join(tx, at.login, at.own, at.arrived.account)
        if joined is not None:
            at.login = at.login.in_session(at.own.sid)
            at.cookies = joined.cookies
            if at.login.remember and at.own_session is not None:
                device = at.own_session.visitor.device_id
                at.keep = await self._remembered.begun(tx, request, at.own.user_id, device, now, wanted=True)
        else:  # it ended a moment ago
            at.own = at.own_session = at.live = None
