"""`/consent`: the person is signed in, and is asked what the app may have."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from audit.trail import Kind
from idp.authorization.consent import Consent, Consents
from idp.authorization.next_step import Step
from idp.endpoints.login.login_page import LoginPages, record_attempt


class ConsentPage:
    """Shows what the app wants, in words, and takes the answer."""

    def __init__(self, shared: LoginPages, consents: Consents) -> None:
        self._shared = shared
        self._consents = consents

    async def __call__(self, request: Request) -> Response:
        """`GET` shows; `POST` takes the answer."""
        if request.method == "POST":
            return await self._answer(request)
        login_id = self._shared.hops.accept(request, Step.CONSENT)
        async with self._shared.database.connect() as tx:
            now = self._shared.clock.now()
            login = await self._shared.find(tx, login_id, now)
            arrived = await self._shared.due(tx, request, login, Step.CONSENT, now)
            if arrived is None:
                return self._shared.hops.to_dispatcher(login)
            before = await self._consents.find(tx, arrived.known.user_id, login.client_id)
        client = await self._shared.clients.find(login.client_id)
        lines = await self._shared.scope_words.lines(login.request.wanted, client)
        allowed = before.scopes if before is not None else ()
        return await self._shared.show(
            request,
            login,
            Step.CONSENT,
            "consent.html",
            new=[line for line in lines if line.name not in allowed],
            allowed=[line for line in lines if line.name in allowed],
            metadata=client.metadata if client is not None else None,
            destination=urlsplit(login.request.redirect_uri).netloc,
        )

    async def _answer(self, request: Request) -> Response:
        login_id, form = await self._shared.accept_form(request, Step.CONSENT)
        choice = form.get("choice")
        async with self._shared.database.begin() as tx:
            now = self._shared.clock.now()
            login = await self._shared.claim(tx, login_id, now)
            arrived = await self._shared.due(tx, request, login, Step.CONSENT, now)
            if arrived is not None and choice in ("allow", "refuse"):
                person, asked = arrived.known.user_id, login.request
                kind = Kind.CONSENT_REFUSED
                if choice == "allow":
                    kind = Kind.CONSENT_GRANTED
                    consent = Consent(user_id=person, client_id=login.client_id, scopes=asked.wanted, given_at=now)
                    await self._consents.give(tx, consent)
                login = login.answered("given" if choice == "allow" else "refused")
                await self._shared.logins.save(tx, login)
                await record_attempt(
                    tx,
                    request,
                    kind,
                    subject=str(person),
                    sid=login.session or "",
                    details={"client": login.client_id, "scope": " ".join(asked.wanted)},
                )
        return self._shared.hops.to_dispatcher(login)
