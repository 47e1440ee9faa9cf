"""`GET /authorize/continue`: the dispatcher, the only place that leads from one step of a login to the next.

It reads what is stored, asks `next_step`, and does what that names: shows a page, begins or joins the session and gives
out the code in one transaction, or tells the client that there will be no code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from audit.trail import AuditEvent, Kind, record
from config.clock import Clock
from config.connections import Database, Transaction
from config.entropy import Entropy
from config.problem import Problem
from config.web import correlation_id
from idp.authorization.answer import code_answer, error_answer
from idp.authorization.code import CODE_SIZE, CodeGrant, Codes, code_hash
from idp.authorization.login import Login, Logins
from idp.authorization.next_step import NextStep, SessionState, Step, next_step, recognise
from idp.authorization.step_mac import CONTINUE
from idp.credentials.throttle import Throttle, address_subject, logins_of_address
from idp.endpoints.login.arrivals import Arrivals, Cookies, session_state, visitor
from idp.endpoints.login.hops import LOGIN_OVER, PAGES, Hops
from idp.endpoints.login.known_person import Arrived
from idp.endpoints.login.query_metrics import LOGINS
from idp.endpoints.login.telling import Telling, came_from
from idp.endpoints.whereabouts import client_ip
from idp.sessions.one_session import AnotherLives, Began, MayNotSignIn
from idp.sessions.session import Session, is_elsewhere

_SAID = {
    "access_denied": "the person did not sign in",
    "login_required": "the person is not signed in",
    "interaction_required": "the person must be asked something",
    "unmet_authentication_requirements": "the person cannot be authenticated as strongly as is asked for",
}


@dataclass(slots=True)
class _Situation:
    """What the step is decided by; all of it read in one transaction."""

    login: Login
    own: SessionState | None
    own_session: Session | None
    arrived: Arrived | None = None
    live: SessionState | None = None
    cookies: Cookies | None = None
    may_sign_in: bool = True


class Dispatcher:
    """Leads a login on."""

    def __init__(
        self,
        *,
        hops: Hops,
        logins: Logins,
        codes: Codes,
        arrivals: Arrivals,
        database: Database,
        telling: Telling,
        clock: Clock,
        entropy: Entropy,
        issuer: str,
        throttle: Throttle,
        code_lifetime: timedelta,
        login_lifetime: timedelta,
    ) -> None:
        self._hops = hops
        self._logins = logins
        self._codes = codes
        self._arrivals = arrivals
        self._database = database
        self._telling = telling
        self._clock = clock
        self._entropy = entropy
        self._issuer = issuer
        self._throttle = throttle
        self._code_lifetime = code_lifetime
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
            await self._throttle.was_right(self._logins_of_address, address_subject(client_ip(request)))
        return response

    async def _lead_on(self, tx: Transaction, request: Request, login: Login, now: datetime) -> tuple[Response, bool]:
        """The answer, and whether the login is over by it."""
        at = await self._situation(tx, request, login, now)
        while True:
            account = at.arrived.account if at.arrived is not None and at.may_sign_in else None
            decided = next_step(at.login, account, at.live, at.own, now)
            if decided.step in PAGES:
                if at.login != login:
                    await self._logins.save(tx, at.login)
                return self._hops.to_page(at.login, decided.step), False
            if decided.step is Step.CODE:
                return await self._issue_code(tx, request, at, now), True
            if decided.step is Step.REFUSED:
                return await self._refuse(tx, request, at.login, decided), True
            # the session is begun or joined: what comes next is decided anew, by the state that this leaves
            if decided.step is Step.BEGIN_SESSION:
                await self._begin(tx, request, at, now)
            else:
                await self._join(tx, at)

    async def _situation(self, tx: Transaction, request: Request, login: Login, now: datetime) -> _Situation:
        own_session = await self._arrivals.own(tx, request, now)
        own = session_state(own_session, elsewhere=False) if own_session is not None else None
        at = _Situation(recognise(login, own, now), own, own_session)
        if at.login.user_id is None:
            return at
        at.arrived = await self._arrivals.arrived(tx, request, at.login.user_id, now)
        if at.arrived is None:
            return at
        at.live = at.arrived.live_state
        if at.live is None:
            at.login = at.login.facing(None)
        elif own is None or own.sid != at.live.sid:
            self._face(request, at, at.live)
        return at

    def _face(self, request: Request, at: _Situation, live: SessionState) -> None:
        assert at.arrived is not None
        at.live = live
        here = came_from(visitor(request, at.arrived.known.device_id))
        at.login = at.login.facing(live.sid).coming_from(here)

    async def _begin(self, tx: Transaction, request: Request, at: _Situation, now: datetime) -> None:
        assert at.arrived is not None
        settled = await self._arrivals.begin(tx, request, at.login, at.arrived.known, at.own_session, now)
        match settled.outcome:
            case Began(session, ended):
                at.live = session_state(session, elsewhere=False)
                at.login = at.login.in_session(session.sid)
                at.cookies = settled.cookies
                await self._telling.history.note(
                    tx,
                    session.user_id,
                    "taken_over" if ended is not None else "signed_in",
                    settled.visitor,
                    amr=session.amr,
                    client_id=at.login.client_id,
                    sid=session.sid,
                )
                if settled.on_new_device and ended is None:  # of a takeover its own notice says as much
                    await self._telling.new_device(tx, request, at.arrived.recipient, session)
            case AnotherLives(session):  # it began a moment ago: the person must be asked about that one
                at.login = at.login.was_overtaken()
                elsewhere = is_elsewhere(session, at.arrived.known.device_id, client_ip(request))
                self._face(request, at, session_state(session, elsewhere=elsewhere))
            case MayNotSignIn():
                at.live = None
                at.may_sign_in = False

    async def _join(self, tx: Transaction, at: _Situation) -> None:
        assert at.own is not None
        joined = await self._arrivals.join(tx, at.login, at.own)
        if joined is not None:
            at.login = at.login.in_session(at.own.sid)
            at.cookies = joined.cookies
        else:  # it ended a moment ago
            at.own = at.own_session = at.live = None

    async def _issue_code(self, tx: Transaction, request: Request, at: _Situation, now: datetime) -> Response:
        login, asked = at.login, at.login.request
        assert login.user_id is not None
        assert login.session is not None
        code = self._entropy.token(CODE_SIZE)
        grant = CodeGrant(
            client_id=login.client_id,
            user_id=login.user_id,
            sid=login.session,
            redirect_uri=asked.redirect_uri,
            code_challenge=asked.code_challenge,
            scope=asked.scope,
            nonce=asked.nonce,
            expires_at=now + self._code_lifetime,
        )
        await self._codes.add(tx, code_hash(code), grant)
        await self._logins.finish(tx, login)
        await self._record(tx, request, login, Kind.CODE_ISSUED, {})
        LOGINS.labels("code").inc()
        response = _leave(code_answer(asked.redirect_uri, code=code, state=asked.state, issuer=self._issuer))
        if at.cookies is not None:
            at.cookies.put_on(response)
        return response

    async def _refuse(self, tx: Transaction, request: Request, login: Login, decided: NextStep) -> Response:
        error = decided.error or "access_denied"
        await self._logins.finish(tx, login)
        LOGINS.labels("kept" if login.kept else error).inc()
        if login.user_id is not None and not (login.kept or login.given_up):
            await self._record(tx, request, login, Kind.SIGN_IN_FAILED, {"error": error})
            here = visitor(request, None)
            await self._telling.history.note(
                tx, login.user_id, "refused", here, amr=login.amr, client_id=login.client_id
            )
        asked = login.request
        return _leave(
            error_answer(
                asked.redirect_uri,
                error=error,
                description=_SAID[error],
                state=asked.state,
                issuer=self._issuer,
            )
        )

    async def _record(
        self, tx: Transaction, request: Request, login: Login, kind: Kind, details: Mapping[str, object]
    ) -> None:
        await record(
            tx,
            AuditEvent(
                kind=kind,
                correlation_id=correlation_id(request),
                actor=login.client_id,
                subject=str(login.user_id),
                sid=login.session or "",
                ip=client_ip(request),
                details=details,
            ),
        )


def _leave(url: str) -> RedirectResponse:
    """To the client, by a GET (RFC 9700, section 4.12)."""
    return RedirectResponse(url, HTTPStatus.SEE_OTHER, headers={"Cache-Control": "no-store"})
