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
from idp.endpoints.login.arrivals import Arrivals, session_state, visitor
from idp.endpoints.login.hops import LOGIN_OVER, PAGES, Hops, redirect_origin, way_back
from idp.endpoints.login.known_person import Arrived
from idp.endpoints.login.telling import Telling
from idp.endpoints.parameters import Unreadable, once_each, read_form
from idp.endpoints.presence import Presence, support_mail
from idp.endpoints.whereabouts import client_ip
from idp.resources.scope_words import ScopeWords
from pages import Pages
from pages.locale import Locale

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
    telling: Telling
    presence: Presence
    pages: Pages
    scope_words: ScopeWords
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

    async def due(self, tx: Transaction, request: Request, login: Login, step: Step, now: datetime) -> Arrived | None:
        """The person of a login, if `step` is what the dispatcher would choose now; an old hop shows nothing else."""
        if login.user_id is None:
            return None
        arrived = await self.arrivals.arrived(tx, request, login.user_id, now)
        if arrived is None:
            return None
        own_session = await self.arrivals.own(tx, request, now)
        own = session_state(own_session, elsewhere=False) if own_session is not None else None
        chosen = next_step(login, arrived.account, arrived.live_state, own, now)
        return arrived if chosen.step is step else None

    async def give_up(self, request: Request, login_id: UUID, step: Step) -> Response:
        """The person does not go on: the login is over, and whoever's session it faced is told."""
        async with self.database.begin() as tx:
            now = self.clock.now()
            login = await self.claim(tx, login_id, now)
            arrived = await self.due(tx, request, login, step, now)
            if arrived is not None:
                login = await self.telling.attempt(tx, request, login.gave_up(), arrived, "refused", now)
                await self.logins.save(tx, login)
                here = visitor(request, arrived.known.device_id)
                await self.telling.history.note(
                    tx, arrived.known.user_id, "abandoned", here, amr=login.amr, client_id=login.client_id
                )
                await record_attempt(
                    tx,
                    request,
                    Kind.SIGN_IN_ABANDONED,
                    subject=str(login.user_id),
                    sid=login.takeover_of or "",
                    details={"outcome": "given_up", "client": login.client_id},
                )
        await self.telling.poke()
        return self.hops.to_dispatcher(login)

    async def show(
        self, request: Request, login: Login, step: Step, template: str, *, status: int = 200, **context: Any
    ) -> Response:
        """The page of a step, with a form that leads back to it."""
        locale = self.locale(request, login)
        client = await self.clients.find(login.client_id)
        shown = await self.presence.of_client(login.client_id)
        return self.pages.respond(
            request,
            template,
            status=status,
            locale=locale,
            form_action=[redirect_origin(login)],
            action=PAGES[step],
            hop=self.hops.hop(login, step),
            look=shown.look,
            support=shown.support,
            support_mail=support_mail(shown.support, correlation_id(request)),
            client_id=login.client_id,
            way_back=way_back(login),
            app=client.name.get(locale, login.client_id) if client is not None else login.client_id,
            **context,
        )

    def locale(self, request: Request, login: Login) -> Locale:
        """The language of whoever signs in."""
        return self.pages.locale(request, ui_locales=" ".join(login.request.ui_locales))


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
            ip=client_ip(request),
            details=details or {},
        ),
    )


def _going_on(login: Login | None) -> Login:
    if login is None:
        raise Problem(LOGIN_OVER, private="no such login, or its time is over")
    return login
