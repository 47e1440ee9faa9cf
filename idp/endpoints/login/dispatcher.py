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
from config.connections import Database, Transaction, Valkey
from config.entropy import Entropy
from config.problem import Problem
from config.web import correlation_id
from events.outbox import poke
from idp.authorization.answer import code_answer, error_answer
from idp.authorization.code import CODE_SIZE, CodeGrant, Codes, code_hash
from idp.authorization.login import Login, Logins
from idp.authorization.next_step import NextStep, SessionState, Step, next_step, recognise
from idp.authorization.step_mac import CONTINUE
from idp.credentials.throttle import Throttle, address_subject, logins_of_address
from idp.endpoints.client_requests import address
from idp.endpoints.login.arrivals import Arrivals, Cookies, visitor
from idp.endpoints.login.hops import LOGIN_OVER, PAGES, Hops
from idp.sessions.one_session import AnotherLives, Began, MayNotSignIn
from idp.sessions.session import Session

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
    live: SessionState | None
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
        valkey: Valkey,
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
        self._valkey = valkey
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
        await poke(self._valkey)
        if over:
            await self._throttle.was_right(self._logins_of_address, address_subject(visitor(request, None).ip))
        return response

    async def _lead_on(self, tx: Transaction, request: Request, login: Login, now: datetime) -> tuple[Response, bool]:
        """The answer, and whether the login is over by it."""
        at = await self._situation(tx, request, login, now)
        while True:
            user_id = at.login.user_id
            asked = user_id if at.may_sign_in else None
            account = await self._arrivals.account(tx, asked) if asked is not None else None
            decided = next_step(at.login, account, at.live, at.own, now)
            if decided.step in PAGES:
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
        own = await self._arrivals.state_of(tx, request, own_session) if own_session is not None else None
        login = recognise(login, own, now)
        at = _Situation(login, own, own_session, None)
        if login.user_id is None:
            return at
        if own is not None and own.user_id == login.user_id:
            at.live = own
        elif session := await self._arrivals.live(tx, login.user_id, now):
            await self._face(tx, request, at, session)
        else:
            at.login = login.facing(None)
        return at

    async def _face(self, tx: Transaction, request: Request, at: _Situation, session: Session) -> None:
        at.live = await self._arrivals.state_of(tx, request, session)
        at.login = at.login.facing(session.sid)

    async def _begin(self, tx: Transaction, request: Request, at: _Situation, now: datetime) -> None:
        outcome, cookies = await self._arrivals.begin(tx, request, at.login, at.own_session, now)
        match outcome:
            case Began(session):
                at.live = await self._arrivals.state_of(tx, request, session)
                at.login = at.login.in_session(session.sid)
                at.cookies = cookies
            case AnotherLives(session):  # it began a moment ago: the person must be asked about that one
                await self._face(tx, request, at, session)
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
        response = _leave(code_answer(asked.redirect_uri, code=code, state=asked.state, issuer=self._issuer))
        if at.cookies is not None:
            at.cookies.put_on(response)
        return response

    async def _refuse(self, tx: Transaction, request: Request, login: Login, decided: NextStep) -> Response:
        error = decided.error or "access_denied"
        await self._logins.finish(tx, login)
        if login.user_id is not None and not login.kept:
            await self._record(tx, request, login, Kind.SIGN_IN_FAILED, {"error": error})
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
                ip=address(request),
                details=details,
            ),
        )


def _leave(url: str) -> RedirectResponse:
    """To the client, by a GET (RFC 9700, section 4.12)."""
    return RedirectResponse(url, HTTPStatus.SEE_OTHER, headers={"Cache-Control": "no-store"})
