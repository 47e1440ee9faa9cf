"""The door of `/account`: whose account it is, and which forms may change it.

Only a session of this browser gets in. Whoever does something that another could turn against them (a factor, a device,
the notices) has proved who they are a short while ago, and by a second factor if they have one: a password alone must
not be enough to add a way around it. `/account/confirm` is where they prove it again without leaving.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Protocol
from urllib.parse import urlencode
from uuid import UUID

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from audit.trail import Kind
from config.connections import Transaction
from config.problem import Problem, ProblemType
from config.web import correlation_id
from idp.authorization.login_rules import LoginRulesCache
from idp.authorization.step_mac import StepMac
from idp.directory.account import Account, Directory
from idp.directory.preferences import Preferences
from idp.endpoints.login.arrivals import Enrolments
from idp.endpoints.login.hops import FORGED
from idp.endpoints.login.login_page import LoginPages, read_fields, record_attempt
from idp.endpoints.presence import support_mail
from idp.factors.enrolment import Refusal, refusal_to_change
from idp.factors.requirement import FactorKind, taken
from idp.protocol.assurance import Way
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
    "Open your account again, confirm that it is you, and change it within 15 minutes.",
)


@dataclass(frozen=True, slots=True)
class Person:
    """Whose account this is, by the session of this browser."""

    account: Account
    session: Session
    enrolled: tuple[FactorKind, ...]
    """The second factors that they can be asked for: what their organisation forbids is not among them."""
    refusal: Refusal | None
    """Why they may not do now what is dangerous."""
    zone: str
    """The clock that they read."""
    forbidden: frozenset[Way] = frozenset()
    """What their organisation forbids: it can be removed, and neither used nor set up."""


class PeopleLocked(Protocol):
    """Locks a person, as whoever begins a session does."""

    async def lock_person(self, tx: Transaction, user_id: UUID) -> bool:
        """Let nobody else begin a session of this person until the transaction is over. False: may not sign in."""


class AccountDoor:
    """Lets the person of this browser's session in, and shows them their pages."""

    def __init__(
        self,
        shared: LoginPages,
        *,
        directory: Directory,
        enrolments: Enrolments,
        preferences: Preferences,
        rules: LoginRulesCache,
        mac: StepMac,
    ) -> None:
        self._shared = shared
        self._directory = directory
        self._enrolments = enrolments
        self._preferences = preferences
        self._rules = rules
        self._mac = mac

    async def person(self, tx: Transaction, request: Request) -> Person | None:
        """Who is signed in here; `None`: nobody."""
        now = self._shared.clock.now()
        session = await self._shared.arrivals.own(tx, request, now)
        account = await self._directory.account(tx, session.user_id) if session is not None else None
        if session is None or account is None or not account.may_sign_in:
            return None
        rules = await self._rules.of(tx, session.organisation_id)
        has = await self._enrolments.enrolled(tx, account.id)
        enrolled = taken(has, rules.forbidden, verified_approvals=rules.verified_approvals)
        refusal = refusal_to_change(enrolled, session.amr, session.authenticated_at, now)
        zone = await self._preferences.time_zone(tx, account.id)
        return Person(account, session, enrolled, refusal, zone, rules.forbidden)

    async def form(self, request: Request) -> dict[str, str]:
        """The fields of a form that our own page sent. Raises `FORGED`, `UNREADABLE`."""
        self._shared.hops.refuse_foreign(request)
        return await read_fields(request)

    async def sender(self, tx: Transaction, request: Request, form: Mapping[str, str]) -> Person:
        """Who sends this form. Raises `NOT_SIGNED_IN`, `FORGED`.

        Nothing is locked; for what is only let happen while the session lives, see `changing`.
        """
        person = await self.person(tx, request)
        if person is None:
            raise Problem(NOT_SIGNED_IN)
        if not hmac.compare_digest(form.get("hop", "").encode(), self.hop(person.session).encode()):
            raise Problem(FORGED, private="the form of another session")
        return person

    async def changing(
        self, tx: Transaction, request: Request, form: Mapping[str, str], *, dangerous: bool = True
    ) -> Person:
        """Who changes something by this form. Raises `NOT_SIGNED_IN`, `FORGED`; `NOT_NOW` for what is dangerous.

        Their session is locked against its end (S3): one that was taken over a moment ago changes nothing any more.
        """
        session = await self._shared.arrivals.own(tx, request, self._shared.clock.now())
        if session is not None:
            await self._shared.arrivals.hold(tx, session)
        person = await self.sender(tx, request, form)
        if dangerous and person.refusal is not None:
            raise Problem(NOT_NOW, private=person.refusal)
        return person

    def hop(self, session: Session) -> str:
        """What a form of the account sends back."""
        return self._mac.issue(session.user_id, FORM, session.cookie_hash)

    async def show(
        self, request: Request, person: Person, template: str, *, status: int = HTTPStatus.OK, **context: Any
    ) -> Response:
        """A page of the account: in the language, by the clock, and with the look of the organisation of its person."""
        shown = await self._shared.presence.of_organisation(person.session.organisation_id)
        return self._shared.pages.respond(
            request,
            template,
            status=status,
            locale=self._shared.pages.locale(request, ui_locales=person.account.locale),
            account=person.account,
            session=person.session,
            refusal=person.refusal,
            forbidden=person.forbidden,
            zone=person.zone,
            now=self._shared.clock.now(),
            hop=self.hop(person.session),
            here=_here(request),
            look=shown.look,
            support=shown.support,
            support_mail=support_mail(shown.support, correlation_id(request)),
            **context,
        )

    def nobody(self, request: Request) -> Response:
        """Nobody is signed in here."""
        return self._shared.pages.respond(
            request,
            "account_signed_out.html",
            status=HTTPStatus.UNAUTHORIZED,
            here=_here(request),
            code=NOT_SIGNED_IN.code,
        )


async def record_change(
    tx: Transaction,
    request: Request,
    kind: Kind,
    person: Person,
    method: str = "",
    *,
    details: Mapping[str, object] | None = None,
) -> None:
    """Write what a person did with their account to the audit's trail; `method`: with which factor."""
    await record_attempt(
        tx,
        request,
        kind,
        subject=str(person.account.id),
        sid=person.session.sid,
        details={**({"method": method} if method else {}), **(details or {})},
    )


def as_id(text: str | None) -> UUID | None:
    """An id as an address or a form carries it; `None` for what cannot be one."""
    try:
        return UUID(text) if text is not None and len(text) == 36 else None
    except ValueError:
        return None


def back(path: str = "/account", **said: str) -> Response:
    """To a page of the account, so that a reload repeats nothing."""
    query = f"?{urlencode(said)}" if said else ""
    return RedirectResponse(f"{path}{query}", HTTPStatus.SEE_OTHER, headers={"Cache-Control": "no-store"})


def _here(request: Request) -> str:
    """The address of this page, without what was said on it: where somebody comes back to who leaves it to confirm."""
    named = {name: request.query_params[name] for name in ("kind", "id") if name in request.query_params}
    return f"{request.url.path}?{urlencode(named)}" if named and request.method == "GET" else request.url.path
