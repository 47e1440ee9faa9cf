"""What a login becomes when an upstream has answered: signed in by a link, or by an account that is made; or asked to
link. It is a first factor, and the dispatcher goes on from there: second factor, new device, takeover, all of it."""

from __future__ import annotations

from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response

from audit.trail import Kind
from config.connections import Transaction
from idp.authorization.login import Linking, Login
from idp.directory.account import Account
from idp.endpoints.login.arrivals import visitor
from idp.endpoints.login.failure_codes import LOCKED
from idp.endpoints.login.login_page import LoginPages, record_attempt
from idp.endpoints.upstream.callback import Answered, Describing
from idp.endpoints.upstream.failed import NO_ACCOUNT, OTHER_ORGANISATION, UpstreamFailed, code_of_problem
from idp.endpoints.upstream.new_account import NewAccounts
from idp.federation.identity import Described
from idp.federation.links import Link, Links, may_be_linked
from idp.federation.problems import UpstreamProblem, UpstreamRefused
from idp.federation.provider import Providers, UpstreamProvider
from idp.federation.question import Attempt


class ArrivingLogin:
    """Takes sound answers, for logins."""

    def __init__(
        self,
        shared: LoginPages,
        *,
        providers: Providers,
        links: Links,
        accounts: NewAccounts,
        failed: UpstreamFailed,
    ) -> None:
        self._shared = shared
        self._providers = providers
        self._links = links
        self._accounts = accounts
        self._failed = failed

    async def answered(self, request: Request, attempt: Attempt, answered: Answered, describe: Describing) -> Response:
        """Of a sound answer."""
        provider, subject = answered.provider, answered.claims.sub
        async with self._shared.database.connect() as tx:
            known = await self._links.find(tx, provider.id, subject)
        told = await describe(answered) if known is None else None
        async with self._shared.database.begin() as tx:
            now = self._shared.clock.now()
            login = await self._claim(tx, attempt, now)
            current = await self._providers.claim(tx, provider.id)
            if current is None or not current.enabled:
                raise UpstreamRefused("switched off meanwhile")
            link = await self._links.find(tx, provider.id, subject)
            if link is None and told is not None:
                locale = self._shared.locale(request, login)
                link = await self._accounts.make(tx, request, current, subject, told, locale=locale)
            if link is not None:
                login, code = await self._sign_in(tx, request, login, answered, link, now)
            else:
                login, code = login.wants_linking(_linking(provider, subject, told)), NO_ACCOUNT
            await self._shared.logins.save(tx, login)
        if code:
            shown = login.linking.shown if code == NO_ACCOUNT and login.linking is not None else ""
            return await self._failed.of_login(request, login, code, provider, shown=shown)
        return self._shared.hops.to_dispatcher(login)

    async def failed(
        self, request: Request, attempt: Attempt, provider: UpstreamProvider | None, problem: UpstreamProblem
    ) -> Response:
        """Of any other."""
        assert attempt.login_id is not None
        async with self._shared.database.connect() as tx:
            login = await self._shared.find(tx, attempt.login_id, self._shared.clock.now())
        return await self._failed.of_login(request, login, code_of_problem(problem), provider, private=str(problem))

    async def _claim(self, tx: Transaction, attempt: Attempt, now: datetime) -> Login:
        assert attempt.login_id is not None
        return await self._shared.claim(tx, attempt.login_id, now)

    async def _sign_in(
        self, tx: Transaction, request: Request, login: Login, answered: Answered, link: Link, now: datetime
    ) -> tuple[Login, str]:
        """The login, signed in; or as it was, and the code of why not."""
        account = await self._accounts.directory.account(tx, link.user_id)
        organisations = await self._links.organisations_of(tx, link.user_id)
        if account is None or not may_be_linked(organisations, answered.provider.organisation_id):
            return login, OTHER_ORGANISATION
        if not account.may_sign_in:
            await self._note_locked(tx, request, login, account, answered)
            return login, LOCKED
        await self._links.used(tx, link, now)
        details = {"method": "upstream", "client": login.client_id, "provider": str(answered.provider.id)}
        await record_attempt(tx, request, Kind.SIGN_IN_SUCCEEDED, subject=str(account.id), details=details)
        return login.signed_in(account.id, answered.amr, answered.at), ""

    async def _note_locked(
        self, tx: Transaction, request: Request, login: Login, account: Account, answered: Answered
    ) -> None:
        here = visitor(request, None)
        await self._shared.telling.history.note(
            tx, account.id, "failed", here, amr=answered.amr, client_id=login.client_id
        )


def _linking(provider: UpstreamProvider, subject: str, told: Described | None) -> Linking:
    return Linking(provider_id=provider.id, subject=subject, shown=told.shown if told is not None else subject)
