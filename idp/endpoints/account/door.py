"""The door of `/account`: whose account it is, and which forms may change it.

Only a session of this browser gets in. Whoever changes a factor has signed in a short while ago, and by a second factor
if they have one: a password alone must not be enough to add a way around it.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from audit.trail import Kind
from config.connections import Transaction
from config.problem import Problem, ProblemType
from idp.authorization.step_mac import StepMac
from idp.directory.account import Account, Directory
from idp.endpoints.login.arrivals import Enrolments
from idp.endpoints.login.hops import FORGED
from idp.endpoints.login.login_page import LoginPages, read_fields, record_attempt
from idp.factors.enrolment import Refusal, refusal_to_change
from idp.sessions.session import Session

FORM = "account"
"""The step of the MAC that every form here carries; it is bound to the session's cookie."""

NOT_SIGNED_IN = ProblemType(
    "MJ-IDP-105",
    HTTPStatus.UNAUTHORIZED,
    "Nobody is signed in here",
    "Sign in again from your application.",
)
NOT_NOW = ProblemType(
    "MJ-IDP-106",
    HTTPStatus.FORBIDDEN,
    "How you sign in cannot be changed now",
    "Sign out, sign in again, and change it within 15 minutes.",
)


@dataclass(frozen=True, slots=True)
class Person:
    """Whose account this is, by the session of this browser."""

    account: Account
    session: Session
    refusal: Refusal | None
    """Why they may not change their factors now."""


class AccountDoor:
    """Lets the person of this browser's session in."""

    def __init__(self, shared: LoginPages, *, directory: Directory, enrolments: Enrolments, mac: StepMac) -> None:
        self._shared = shared
        self._directory = directory
        self._enrolments = enrolments
        self._mac = mac

    async def person(self, tx: Transaction, request: Request) -> Person | None:
        """Who is signed in here; `None`: nobody."""
        now = self._shared.clock.now()
        session = await self._shared.arrivals.own(tx, request, now)
        account = await self._directory.account(tx, session.user_id) if session is not None else None
        if session is None or account is None or not account.may_sign_in:
            return None
        enrolled = await self._enrolments.enrolled(tx, account.id)
        refusal = refusal_to_change(enrolled, session.amr, session.authenticated_at, now)
        return Person(account, session, refusal)

    async def form(self, request: Request) -> dict[str, str]:
        """The fields of a form that our own page sent. Raises `FORGED`, `UNREADABLE`."""
        self._shared.hops.refuse_foreign(request)
        return await read_fields(request)

    async def changing(self, tx: Transaction, request: Request, form: dict[str, str]) -> Person:
        """Who changes something by this form. Raises `NOT_SIGNED_IN`, `FORGED`, `NOT_NOW`.

        Their session is locked against its end (S3): one that was taken over a moment ago changes nothing any more.
        """
        session = await self._shared.arrivals.own(tx, request, self._shared.clock.now())
        if session is not None:
            await self._shared.arrivals.hold(tx, session)
        person = await self.person(tx, request)
        if person is None:
            raise Problem(NOT_SIGNED_IN)
        if not hmac.compare_digest(form.get("hop", "").encode(), self.hop(person.session).encode()):
            raise Problem(FORGED, private="the form of another session")
        if person.refusal is not None:
            raise Problem(NOT_NOW, private=person.refusal)
        return person

    def hop(self, session: Session) -> str:
        """What a form of the account sends back."""
        return self._mac.issue(session.user_id, FORM, session.cookie_hash)


async def record_change(tx: Transaction, request: Request, kind: Kind, person: Person, method: str) -> None:
    """Write what a person did with a factor of theirs to the audit's trail."""
    await record_attempt(
        tx,
        request,
        kind,
        subject=str(person.account.id),
        sid=person.session.sid,
        details={"method": method},
    )


def back(**said: str) -> Response:
    """To the account's page, so that a reload repeats nothing."""
    query = f"?{urlencode(said)}" if said else ""
    return RedirectResponse(f"/account{query}", HTTPStatus.SEE_OTHER, headers={"Cache-Control": "no-store"})
