"""`/account/apps`: the apps that a person signs in to, what they were granted, and how one is disconnected."""

from __future__ import annotations

import math
from datetime import timedelta
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from audit.trail import Kind
from config.connections import Transaction
from config.entropy import Entropy
from config.web import correlation_id
from idp.clients.connected_app import ConnectedApp, ConnectedApps
from idp.endpoints.account.door import AccountDoor, Person, back, record_change
from idp.endpoints.account.letters import Letters
from idp.endpoints.login.login_page import LoginPages
from idp.endpoints.revocation import CLOCKS_DIFFER
from idp.sessions.delivery import Delivery, Happening
from idp.sessions.one_session import OneSession
from idp.sessions.relying_parties import DeliveryQueue
from idp.sessions.signals.security_event import SESSION_REVOKED

PATH = "/account/apps"


class AppsPage:
    """The list, and the end of one connection."""

    def __init__(
        self,
        shared: LoginPages,
        *,
        door: AccountDoor,
        letters: Letters,
        apps: ConnectedApps,
        deliveries: DeliveryQueue,
        one_session: OneSession,
        access_token_lifetime: timedelta,
        entropy: Entropy,
    ) -> None:
        self._shared = shared
        self._door = door
        self._letters = letters
        self._apps = apps
        self._deliveries = deliveries
        self._one_session = one_session
        self._lifetime = access_token_lifetime + CLOCKS_DIFFER
        self._entropy = entropy

    async def __call__(self, request: Request) -> Response:
        """`GET /account/apps`."""
        return await self._list(request)

    async def ask(self, request: Request) -> Response:
        """`GET /account/apps/disconnect?id=`: what it means, before it is done."""
        async with self._shared.database.connect() as tx:
            person = await self._door.person(tx, request)
            if person is None:
                return self._door.nobody(request)
            app = await self._find(tx, person, request.query_params.get("id", ""))
        if app is None:
            return await self._list(request, missing=True)
        return await self._door.show(request, person, "account_app.html", app=app)

    async def disconnect(self, request: Request) -> Response:
        """`POST /account/apps/disconnect`: what the app may renew is revoked, its access tokens are, and it is told to
        sign the person out.

        Codes and families are locked before the session, as a refresh and a redemption do: nobody waits in a circle.
        """
        form = await self._door.form(request)
        client_id = form.get("id", "")
        async with self._shared.database.begin() as tx:
            person = await self._door.sender(tx, request, form)
            app, revoked = await self._find(tx, person, client_id), 0
            if app is not None:
                revoked = await self._apps.disconnect(tx, person.account.id, client_id, self._shared.clock.now())
                # raises, and so undoes it, where the session has ended meanwhile
                person = await self._door.changing(tx, request, form, dangerous=False)
                await self._revoke_access(tx, request, person, client_id)
            if revoked:
                await self._tell(tx, request, person, client_id)
                kind = Kind.CONSENT_WITHDRAWN if app is not None and app.allowed else Kind.TOKEN_REVOKED
                details = {"client": client_id, "revoked": revoked}
                await record_change(tx, request, kind, person, details=details)
        if not revoked:
            return await self._list(request, missing=True)
        await self._letters.poke()
        return back(PATH, done="disconnected")

    async def _revoke_access(self, tx: Transaction, request: Request, person: Person, client_id: str) -> None:
        """Revoke the access tokens that somebody could still show: by their grants, in the session (decision 0062)."""
        now = self._shared.clock.now()
        grants = await self._apps.fresh_grants(
            tx, person.account.id, client_id, person.session.sid, now - self._lifetime
        )
        over_at = math.ceil((now + self._lifetime).timestamp())
        for grant in sorted(grants):
            await self._one_session.revoke_tokens(
                tx, person.session.sid, str(grant), over_at, correlation_id=correlation_id(request)
            )

    async def _find(self, tx: Transaction, person: Person, client_id: str) -> ConnectedApp | None:
        apps = await self._apps.of(tx, person.account.id, person.session.sid)
        return next((app for app in apps if app.client_id == client_id and (app.connected or app.allowed)), None)

    async def _tell(self, tx: Transaction, request: Request, person: Person, client_id: str) -> None:
        """A back-channel logout of the live session to this app alone: the session itself lives on."""
        session = person.session
        concerned = await self._deliveries.recipients(tx, session.sid, session.user_id, SESSION_REVOKED)
        facts = {
            "happening": Happening.SESSION_ENDED.value,
            "sid": session.sid,
            "sub": str(session.user_id),
            "org": str(session.organisation_id),
            "reason": "sign_out",
            "correlation_id": correlation_id(request),
        }
        logouts = [
            Delivery(id=self._entropy.uuid(), recipient=recipient, facts=facts, happened_at=self._shared.clock.now())
            for recipient in concerned
            if recipient.client_id == client_id and recipient.stream_id is None
        ]
        if logouts:
            await self._deliveries.add(tx, logouts)

    async def _list(self, request: Request, *, missing: bool = False) -> Response:
        async with self._shared.database.connect() as tx:
            person = await self._door.person(tx, request)
            if person is None:
                return self._door.nobody(request)
            apps = await self._apps.of(tx, person.account.id, person.session.sid)
        scopes_of = {
            app.client_id: await self._shared.scope_words.lines(
                app.scopes, await self._shared.clients.find(app.client_id)
            )
            for app in apps
        }
        return await self._door.show(
            request,
            person,
            "account_apps.html",
            status=HTTPStatus.NOT_FOUND if missing else HTTPStatus.OK,
            apps=apps,
            scopes_of=scopes_of,
            missing=missing,
            done=request.query_params.get("done"),
        )
