"""`/sign-in/link`: whoever came from an upstream and then proved themselves here says whether both are theirs."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from audit.trail import Kind
from config.connections import Transaction
from idp.authorization.login import Linking, Login
from idp.authorization.next_step import Step
from idp.endpoints.login.factor_notices import FactorNotices
from idp.endpoints.login.known_person import Arrived
from idp.endpoints.login.login_page import LoginPages, record_attempt
from idp.endpoints.upstream.failed import NOT_OFFERED, OTHER_ORGANISATION, TAKEN, UpstreamFailed
from idp.federation.links import Link, Links, may_be_linked
from idp.federation.provider import Providers

FACTOR: Final = "upstream"
"""What a link is called where changes of factors are told."""


class LinkPage:
    """Shows the page, and takes the choice."""

    def __init__(
        self,
        shared: LoginPages,
        *,
        providers: Providers,
        links: Links,
        notices: FactorNotices,
        failed: UpstreamFailed,
    ) -> None:
        self._shared = shared
        self._providers = providers
        self._links = links
        self._notices = notices
        self._failed = failed

    async def __call__(self, request: Request) -> Response:
        """`GET` shows; `POST` takes the choice."""
        if request.method == "POST":
            return await self._choose(request)
        login_id = self._shared.hops.accept(request, Step.LINK)
        async with self._shared.database.connect() as tx:
            now = self._shared.clock.now()
            login = await self._shared.find(tx, login_id, now)
            arrived = await self._shared.due(tx, request, login, Step.LINK, now)
            provider = await self._providers.find(tx, login.linking.provider_id) if login.linking is not None else None
        if arrived is None or login.linking is None or provider is None:
            return self._shared.hops.to_dispatcher(login)
        return await self._shared.show(
            request,
            login,
            Step.LINK,
            "upstream_link.html",
            provider=provider,
            linking=login.linking,
            person=arrived.known.name,
        )

    async def _choose(self, request: Request) -> Response:
        login_id, form = await self._shared.accept_form(request, Step.LINK)
        choice, shown = form.get("choice"), form.get("subject", "")
        code = ""
        async with self._shared.database.begin() as tx:
            now = self._shared.clock.now()
            login = await self._shared.claim(tx, login_id, now)
            arrived = await self._shared.due(tx, request, login, Step.LINK, now)
            linking = login.linking
            # an old page, or one about another account, chooses nothing: the dispatcher asks again
            if arrived is not None and linking is not None and shown == linking.subject and choice in ("link", "leave"):
                if choice == "link":
                    code = await self._link(tx, request, login, linking, arrived)
                login = login.chose_linking()
                await self._shared.logins.save(tx, login)
        await self._shared.telling.poke()
        if code:
            return await self._failed.of_login(request, login, code, None)
        return self._shared.hops.to_dispatcher(login)

    async def _link(self, tx: Transaction, request: Request, login: Login, linking: Linking, arrived: Arrived) -> str:
        """Link the account. Returns the code of why not; empty: it is linked."""
        user_id, now = arrived.known.user_id, self._shared.clock.now()
        provider = await self._providers.claim(tx, linking.provider_id)
        if provider is None or not provider.enabled:
            return NOT_OFFERED
        if not may_be_linked(await self._links.organisations_of(tx, user_id), provider.organisation_id):
            return OTHER_ORGANISATION
        link = Link(
            provider_id=provider.id, subject=linking.subject, user_id=user_id, shown=linking.shown, linked_at=now
        )
        if not await self._links.add(tx, link):
            found = await self._links.find(tx, provider.id, linking.subject)
            return "" if found is not None and found.user_id == user_id else TAKEN
        details = {"method": FACTOR, "provider": str(provider.id), "client": login.client_id}
        await record_attempt(tx, request, Kind.FACTOR_ENROLLED, subject=str(user_id), details=details)
        await self._notices.factor_enrolled(tx, request, arrived.recipient, now, factor=FACTOR)
        return ""
