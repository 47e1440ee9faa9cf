"""What the pages of a login share: the login behind a hop, the words of where it leads, the record of attempts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from audit.trail import AuditEvent, Kind, record
from config.clock import Clock
from config.connections import Database, Transaction
from config.entropy import Entropy
from config.problem import Problem, ProblemType
from config.web import correlation_id
from idp.authorization.login import Login, Logins
from idp.authorization.next_step import Step, next_step
from idp.clients.cache import ClientCache
from idp.endpoints.login.arrivals import Arrivals, visitor
from idp.endpoints.login.hops import LOGIN_OVER, PAGES, Hops, redirect_origin
from idp.endpoints.parameters import Unreadable, once_each, read_form
from pages import Pages

UNREADABLE = ProblemType(
    "MJ-IDP-104",
    LOGIN_OVER.status,
    "We could not read what was sent",
    "Open the page again and send the form from there.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginPages:
    """The shared part; each page has one."""

    hops: Hops
    logins: Logins
    clients: ClientCache
    arrivals: Arrivals
    pages: Pages
    database: Database
    clock: Clock
    entropy: Entropy

    async def find(self, tx: Transaction, login_id: UUID, now: datetime) -> Login:
        """The login that a page shows. Raises `LOGIN_OVER`."""
        return _going_on(await self.logins.find(tx, login_id, now))

    async def claim(self, tx: Transaction, login_id: UUID, now: datetime) -> Login:
        """The login that a page changes. Raises `LOGIN_OVER`."""
        return _going_on(await self.logins.claim(tx, login_id, now))

    async def accept_form(self, request: Request, step: Step) -> tuple[UUID, dict[str, str]]:
        """The login and the fields of a form that was posted by the page of `step`."""
        form = await read_fields(request)
        return self.hops.accept_form(request, step, form.get("hop")), form

    async def is_next(self, tx: Transaction, request: Request, login: Login, step: Step, now: datetime) -> bool:
        """Whether `step` is what the dispatcher would choose now: an old hop shows nothing that it would not."""
        if login.user_id is None:
            return step is Step.SIGN_IN
        account = await self.arrivals.account(tx, login.user_id)
        session = await self.arrivals.live(tx, login.user_id, now)
        live = await self.arrivals.state_of(tx, request, session) if session is not None else None
        own_session = await self.arrivals.own(tx, request, now)
        own = await self.arrivals.state_of(tx, request, own_session) if own_session is not None else None
        return next_step(login, account, live, own, now).step is step

    async def show(
        self, request: Request, login: Login, step: Step, template: str, *, status: int = 200, **context: Any
    ) -> Response:
        """The page of a step, with a form that leads back to it."""
        locale = self.pages.locale(request, ui_locales=" ".join(login.request.ui_locales))
        client = await self.clients.find(login.client_id)
        return self.pages.respond(
            request,
            template,
            status=status,
            locale=locale,
            form_action=[redirect_origin(login)],
            action=PAGES[step],
            hop=self.hops.hop(login, step),
            app=client.name.get(locale, login.client_id) if client is not None else login.client_id,
            **context,
        )


async def read_fields(request: Request) -> dict[str, str]:
    """The fields of a form, each once. Raises `UNREADABLE`."""
    try:
        return once_each(await read_form(request))
    except Unreadable as error:
        raise Problem(UNREADABLE, private=str(error)) from None


async def record_attempt(
    tx: Transaction,
    request: Request,
    kind: Kind,
    *,
    subject: str,
    sid: str = "",
    details: Mapping[str, object] | None = None,
) -> None:
    """Write an attempt of a person to the audit's trail."""
    await record(
        tx,
        AuditEvent(
            kind=kind,
            correlation_id=correlation_id(request),
            actor=subject,
            subject=subject,
            sid=sid,
            ip=visitor(request, None).ip,
            details=details or {},
        ),
    )


def _going_on(login: Login | None) -> Login:
    if login is None:
        raise Problem(LOGIN_OVER, private="no such login, or its time is over")
    return login
