"""`/recover`: who cannot sign in asks for a link by mail, and sets a new password with it.

Whoever asks gets the same answer as quickly, whether or not there is such a person: what depends on that is done after
the answer was sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response

from audit.trail import Kind
from config.problem import Problem
from config.web import correlation_id
from idp.authorization.login import Login
from idp.authorization.next_step import Step
from idp.clients.client import Client
from idp.credentials.recovery import Recovery
from idp.credentials.throttle import (
    RECOVERY_OF_ACCOUNT,
    RECOVERY_OF_ADDRESS,
    Throttle,
    TooMany,
    address_subject,
)
from idp.directory.account import Account, Directory
from idp.directory.login_name import normalise
from idp.endpoints.login.failure_codes import failure_code
from idp.endpoints.login.hops import LOGIN_OVER
from idp.endpoints.login.login_page import LoginPages, read_fields, record_attempt
from idp.endpoints.presence import support_mail
from idp.endpoints.sign_in.way_in_notices import WayInNotices
from idp.endpoints.whereabouts import client_ip


def may_recover(account: Account | None) -> bool:
    """Whether a mail lets this person back in: also after they locked the account themselves ("this wasn't me")."""
    return account is not None and (account.may_sign_in or account.lock_reason == "not_me")


class RecoverPage:
    """Takes a name, and sends a link to the person of that name."""

    def __init__(
        self,
        shared: LoginPages,
        *,
        directory: Directory,
        recovery: Recovery,
        notices: WayInNotices,
        throttle: Throttle,
    ) -> None:
        self._shared = shared
        self._directory = directory
        self._recovery = recovery
        self._notices = notices
        self._throttle = throttle

    async def __call__(self, request: Request) -> Response:
        """`GET` shows; `POST` takes a name."""
        if request.method != "POST":
            login = await self._login(request, request.query_params.get("hop"))
            return await self._show(request, login)
        self._shared.hops.refuse_foreign(request)
        form = await read_fields(request)
        login = await self._login(request, form.get("hop"))
        typed = form.get("login", "").strip()
        if not typed:
            return await self._show(request, login, faults=[("identifier", "missing_identifier")])
        await self._throttle.attempt(RECOVERY_OF_ADDRESS, address_subject(client_ip(request)))
        response = await self._show(request, login, sent=True)
        response.background = BackgroundTask(self._send, request, normalise(typed), login)
        return response

    async def _send(self, request: Request, name: str | None, login: Login | None) -> None:
        async with self._shared.database.connect() as tx:
            account = await self._directory.account_by_login_name(tx, name) if name is not None else None
        if account is None or account.email is None or not may_recover(account):
            return
        try:
            await self._throttle.attempt(RECOVERY_OF_ACCOUNT, str(account.id))
        except TooMany:
            return  # the links that were sent are good for as long as this lasts
        client_id = login.client_id if login is not None else None
        async with self._shared.database.begin() as tx:
            link = await self._recovery.link(tx, account.id, client_id, self._shared.clock.now(), sent_to=account.email)
            await self._notices.recovery(tx, account, link, correlation_id(request))
            await record_attempt(tx, request, Kind.RECOVERY_ASKED, subject=str(account.id))
        await self._notices.poke()

    async def _login(self, request: Request, hop: str | None) -> Login | None:
        """The login from which the person came, if it goes on: nothing here depends on it."""
        try:
            login_id = self._shared.hops.accept(request, Step.SIGN_IN, hop or "")
            async with self._shared.database.connect() as tx:
                return await self._shared.find(tx, login_id, self._shared.clock.now())
        except Problem as problem:
            if problem.kind is not LOGIN_OVER:
                raise
            return None

    async def _show(
        self, request: Request, login: Login | None, *, faults: Sequence[tuple[str, str]] = (), sent: bool = False
    ) -> Response:
        return await show(
            self._shared,
            request,
            login.client_id if login is not None else None,
            "recover.html",
            status=HTTPStatus.UNPROCESSABLE_ENTITY if faults else HTTPStatus.OK,
            hop=self._shared.hops.hop(login, Step.SIGN_IN) if login is not None else "",
            name=(login.name_hint if login is not None else None) or "",
            faults=faults,
            code=failure_code(what for _, what in faults),
            sent=sent,
        )


async def show(
    shared: LoginPages, request: Request, client_id: str | None, template: str, *, status: int, **context: Any
) -> Response:
    """A page of the way back in, as the client's organisation looks."""
    client: Client | None = await shared.clients.find(client_id) if client_id is not None else None
    shown = await shared.presence.of_client(client.client_id if client is not None else None)
    locale = shared.pages.locale(request)
    return shared.pages.respond(
        request,
        template,
        status=status,
        locale=locale,
        look=shown.look,
        support=shown.support,
        support_mail=support_mail(shown.support, correlation_id(request)),
        client_id=client.client_id if client is not None else "",
        app=client.name.get(locale, client.client_id) if client is not None else "",
        **context,
    )
