"""The person's side of a login, for the dispatcher: who they are, which session lives, and the session that begins.

Here the siblings `factors`, `devices` and `sessions` meet: their values are turned into what `next_step` reads, and a
finished login into what `OneSession` begins.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from config.connections import Transaction
from config.entropy import Entropy
from config.web import correlation_id
from idp.authorization.login import Login
from idp.authorization.login_rules import LoginRulesCache
from idp.authorization.next_step import AccountState, SessionState
from idp.devices.device import Device, DeviceStorage
from idp.devices.identification import DEVICE_COOKIE, DEVICE_COOKIE_AGE, cookie_hash, label_browser
from idp.devices.sign_in_risk import SignInRisk
from idp.endpoints.login.demanding import Demanding
from idp.endpoints.login.known_person import Arrived, KnownPerson, PeopleAtHand
from idp.endpoints.whereabouts import client_ip, whereabouts
from idp.factors.requirement import FactorKind, requirement
from idp.protocol.assurance import Counting, acr
from idp.sessions.one_session import Began, Beginning, OneSession, Outcome
from idp.sessions.session import Session, Visitor, is_elsewhere
from idp.sessions.signals.changes import ChangeSignals

SESSION_COOKIE = "__Host-munjigi-session"
COOKIE_SIZE = 32
"""Random bytes of a session cookie and of a device cookie."""

_COOKIE = re.compile(r"[A-Za-z0-9_-]{43}")


class SessionsAtHand(Protocol):
    """Where sessions are looked at."""

    async def live_of(self, tx: Transaction, user_id: UUID, now: datetime) -> Session | None:
        """The person's live session."""

    async def live_by_cookie(self, tx: Transaction, cookie_hash: bytes, now: datetime) -> Session | None:
        """The live session of a browser's session cookie."""

    async def lock(self, tx: Transaction, sid: str) -> Session | None:
        """One session that has not ended, locked against its end and its extension."""


class Enrolments(Protocol):
    """Where it is known which factors a person has."""

    async def enrolled(self, tx: Transaction, user_id: UUID) -> list[FactorKind]:
        """The kinds of factors that the person can be asked for."""


@dataclass(frozen=True, slots=True)
class Cookies:
    """What the browser is given when a session begins, or its person proved again who they are."""

    session: str
    device: str | None
    """None: it keeps the one it has."""
    session_age: int
    """Seconds: the absolute lifetime of the session."""

    def put_on(self, response: Response) -> None:
        """Set them on the answer that tells of the beginning."""
        for name, value, age in (
            (SESSION_COOKIE, self.session, self.session_age),
            (DEVICE_COOKIE, self.device, DEVICE_COOKIE_AGE),
        ):
            if value is None:
                continue
            response.set_cookie(name, value, max_age=age, path="/", secure=True, httponly=True, samesite="lax")


@dataclass(frozen=True, slots=True)
class Joined:
    """The browser's own session is the login's."""

    cookies: Cookies | None
    """A new session cookie, where something was proven anew."""


@dataclass(frozen=True, slots=True)
class Settled:
    """What came of a beginning."""

    outcome: Outcome
    cookies: Cookies
    visitor: Visitor
    on_new_device: bool
    """No session of this person had begun on this device."""


class Arrivals:
    """What the dispatcher asks about the person who arrives, and does with their session."""

    def __init__(
        self,
        *,
        people: PeopleAtHand,
        rules: LoginRulesCache,
        demanding: Demanding,
        devices: DeviceStorage,
        sessions: SessionsAtHand,
        one_session: OneSession,
        signals: ChangeSignals,
        risk: SignInRisk,
        factor_from_risk: int,
        entropy: Entropy,
        mail_code_counts: bool,
        session_age: int,
    ) -> None:
        """`factor_from_risk`: the risk of a sign-in from which on a second factor is given."""
        self._people = people
        self._rules = rules
        self._demanding = demanding
        self._devices = devices
        self._sessions = sessions
        self._one_session = one_session
        self._signals = signals
        self._risk = risk
        self._factor_from_risk = factor_from_risk
        self._entropy = entropy
        self._mail_code_counts = mail_code_counts
        self._session_age = session_age

    async def own(self, tx: Transaction, request: Request, now: datetime) -> Session | None:
        """The live session that this browser's cookie names."""
        digest = session_cookie_hash(request)
        return await self._sessions.live_by_cookie(tx, digest, now) if digest is not None else None

    async def live(self, tx: Transaction, user_id: UUID, now: datetime) -> Session | None:
        """The person's live session, on whatever browser."""
        return await self._sessions.live_of(tx, user_id, now)

    async def arrived(self, tx: Transaction, request: Request, user_id: UUID, now: datetime) -> Arrived | None:
        """What `next_step` reads of a person; None where there is none, or they belong nowhere.

        It is one statement, and two more while phases of their organisation's programme are in force.
        """
        has = await self._people.known_person(tx, user_id, cookie_hash(request.cookies.get(DEVICE_COOKIE)))
        if has is None:
            return None
        rules = await self._rules.of(tx, has.organisation_id)
        known = has.without(rules.forbidden, verified_approvals=rules.verified_approvals)
        replaces = bool(has.enrolled) and not known.enrolled
        mailed = known.email is not None and "email" not in rules.forbidden
        factors = requirement(
            known.enrolled,
            known.roles,
            has_mail=mailed,
            out_of_reach=known.out_of_reach,
        )
        demanded = await self._demanding.of(
            tx, user_id, known.organisation_id, enrolled=known.enrolled, has_mail=known.email is not None, now=now
        )
        if replaces:
            demanded = await self._demanding.replacing(tx, known.organisation_id, demanded, now)
        first_time_here = known.signed_in_before and not known.was_here
        account = AccountState(
            user_id=user_id,
            may_sign_in=known.may_sign_in,
            has_factor=bool(factors.usable) or (factors.by_mail and self._mail_code_counts),
            needs_factor=factors.always or (demanded.second_factor and bool(factors.usable)),
            by_mail=factors.by_mail,
            new_device=first_time_here and rules.new_device_factor is True,
            duplicate_login=rules.duplicate_login or "ask",
            counting=rules.counting,
            reaches=self._reaches(known, rules.counting, by_mail=factors.by_mail),
            enrolled=bool(known.enrolled),
            replaces=replaces,
            enrolling=demanded.enrolment.enrolling if demanded.enrolment is not None else None,
        )
        live = known.not_ended if known.not_ended is not None and known.not_ended.lives(now) else None
        state = None
        if live is not None:
            state = session_state(live, elsewhere=is_elsewhere(live, known.device_id, client_ip(request)))
        return Arrived(known, account, live, state, demanded, rules.forbidden)

    async def assess(self, tx: Transaction, request: Request, login: Login, known: KnownPerson, now: datetime) -> Login:
        """The login, with how odd it is that they come from there. It is one statement."""
        risk = await self._risk.of(tx, known.user_id, visitor(request, known.device_id), now)
        return login.assessed(risk.risk, risk.words, odd=risk.risk >= self._factor_from_risk)

    def _reaches(self, known: KnownPerson, counting: Counting, *, by_mail: bool) -> int:
        """The level that this person's factors, or a code by mail for want of any, can raise a login to."""
        methods = known.methods | ({"email"} if by_mail and self._mail_code_counts else frozenset())
        return next((level for level in (3, 2) if methods & counting.of(level)), 1)

    async def begin(
        self, tx: Transaction, request: Request, login: Login, arrived: Arrived, own: Session | None, now: datetime
    ) -> Settled:
        """Begin the session of a login that is done; the session that it faced ends for it (S1)."""
        assert login.authenticated_at is not None
        known = arrived.known
        device, device_cookie = known.device, request.cookies.get(DEVICE_COOKIE)
        if device is None:
            device, device_cookie = await self._meet_device(tx, request, known.user_id, now)
        leaving = own.sid if own is not None and own.user_id != known.user_id else None
        cookies = Cookies(self._entropy.token(COOKIE_SIZE), device_cookie, self._session_age)
        beginning = Beginning(
            user_id=known.user_id,
            organisation_id=known.organisation_id,
            cookie_hash=hash_session_cookie(cookies.session),
            visitor=visitor(request, device.id),
            amr=login.amr,
            acr=acr(login.amr, arrived.account.counting),
            authenticated_at=login.authenticated_at,
            correlation_id=correlation_id(request),
        )
        outcome = await self._one_session.begin(tx, beginning, expected_sid=login.takeover_of, leaving=leaving)
        if isinstance(outcome, Began):
            trusted = device.signed_in(label_browser(request.headers).device, now)
            await self._devices.change(tx, trusted)
            await self._signals.device_changed(
                tx,
                known.user_id,
                device.id,
                complied=device.complies,
                complies=trusted.complies,
                reason="device_known",
                correlation_id=beginning.correlation_id,
            )
        return Settled(outcome, cookies, beginning.visitor, on_new_device=not known.was_here)

    async def join(self, tx: Transaction, login: Login, own: SessionState, account: AccountState) -> Joined | None:
        """Join the browser's own session, and note in it what was proven anew. None: it does not live any more."""
        assert login.authenticated_at is not None
        if login.authenticated_at == own.authenticated_at:
            return Joined(None)
        cookies = Cookies(self._entropy.token(COOKIE_SIZE), None, self._session_age)
        changed = await self._one_session.authenticated_again(
            tx,
            own.user_id,
            own.sid,
            cookie_hash=hash_session_cookie(cookies.session),
            amr=login.amr,
            acr=acr(login.amr, account.counting),
            authenticated_at=login.authenticated_at,
        )
        return Joined(cookies) if changed is not None else None

    async def hold(self, tx: Transaction, session: Session) -> None:
        """Lock a session against its end for what is only let happen while it lives; look at it again afterwards."""
        await self._sessions.lock(tx, session.sid)

    async def _meet_device(self, tx: Transaction, request: Request, user_id: UUID, now: datetime) -> tuple[Device, str]:
        """The device of this browser with this person, met anew; with its cookie, a new one where it had none."""
        cookie = request.cookies.get(DEVICE_COOKIE, "")
        digest = cookie_hash(cookie)
        if digest is None:
            cookie = self._entropy.token(COOKIE_SIZE)
            digest = cookie_hash(cookie)
            assert digest is not None
        unmet = Device(
            id=self._entropy.uuid(),
            user_id=user_id,
            trust="unknown",
            label=label_browser(request.headers).device,
            sign_ins=0,
            first_seen_at=now,
            last_seen_at=now,
        )
        return await self._devices.meet(tx, unmet, digest), cookie


def session_cookie_hash(request: Request) -> bytes | None:
    """The hash of this browser's session cookie; None where it has none of ours."""
    value = request.cookies.get(SESSION_COOKIE, "")
    return hash_session_cookie(value) if _COOKIE.fullmatch(value) else None


def account_of(request: Request) -> str:
    """Where this browser's person finds their account; empty where it has no session cookie of ours."""
    return "/account" if session_cookie_hash(request) is not None else ""


def hash_session_cookie(value: str) -> bytes:
    """What is kept of a session cookie's value."""
    return hashlib.sha256(b"munjigi-session\0" + value.encode()).digest()


def visitor(request: Request, device_id: UUID | None) -> Visitor:
    """The browser and the place at the other end of a request."""
    browser = label_browser(request.headers)
    where = whereabouts(request)
    return Visitor(
        device_id=device_id,
        device_label=browser.device,
        browser=browser.browser,
        ip=where.ip,
        place=where.place,
        network=where.network,
    )


def session_state(session: Session, *, elsewhere: bool) -> SessionState:
    """What `next_step` reads of a session."""
    return SessionState(
        sid=session.sid,
        user_id=session.user_id,
        amr=session.amr,
        authenticated_at=session.authenticated_at,
        elsewhere=elsewhere,
    )
