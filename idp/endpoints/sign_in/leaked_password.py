"""`/sign-in/new-password`: the password that was right is known from a leak, and its person chooses another one.

The last step before the session begins, after every factor that they have: others may know this password, too. While a
grace runs it can be put off, and comes again with the next sign-in.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from http import HTTPStatus
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from config.connections import Transaction
from idp.authorization.login import Login
from idp.authorization.next_step import Step
from idp.credentials.password import PasswordPool
from idp.directory.account import Account, Directory
from idp.directory.preferences import Preferences
from idp.endpoints.login.failure_codes import failure_code
from idp.endpoints.login.login_page import LoginPages
from idp.endpoints.login.password_change import NewPasswords, PasswordChange
from idp.endpoints.sign_in.way_in_notices import WayInNotices
from notifications.notice import NoticeKind


class LeakedPasswordPage:
    """Shows the page, and takes the new password."""

    def __init__(
        self,
        shared: LoginPages,
        *,
        directory: Directory,
        preferences: Preferences,
        rules: NewPasswords,
        change: PasswordChange,
        notices: WayInNotices,
        pool: PasswordPool,
    ) -> None:
        self._shared = shared
        self._directory = directory
        self._preferences = preferences
        self._rules = rules
        self._change = change
        self._notices = notices
        self._pool = pool

    async def __call__(self, request: Request) -> Response:
        """`GET` shows; `POST` takes a new password, or `act=later`."""
        if request.method != "POST":
            return await self._show(request, self._shared.hops.accept(request, Step.NEW_PASSWORD))
        login_id, form = await self._shared.accept_form(request, Step.NEW_PASSWORD)
        if form.get("act") == "later":
            return await self._put_off(request, login_id)
        new = form.get("new", "")
        async with self._shared.database.connect() as tx:
            login = await self._shared.find(tx, login_id, self._shared.clock.now())
            account, alone = await self._whose(tx, request, login)
        if account is None:
            return self._shared.hops.to_dispatcher(login)
        if fault := await self._rules.fault(new, account, alone=alone):
            return await self._show(request, login_id, [("new", fault)])
        hashed = await self._pool.hash(new)
        async with self._shared.database.begin() as tx:
            # the logins before the person, as everywhere; this one is locked with the others
            login = await self._shared.find(tx, login_id, self._shared.clock.now())
            await self._shared.logins.forget_others(tx, login)
            login = await self._shared.claim(tx, login_id, self._shared.clock.now())
            account, _ = await self._whose(tx, request, login)
            if account is not None:
                login = await self._keep(tx, request, login, account, hashed)
        await self._notices.poke()
        async with self._shared.database.begin() as tx:  # those that proved the old one while it was changed
            await self._shared.logins.forget_others(tx, login)
        return self._shared.hops.to_dispatcher(login)

    async def _keep(self, tx: Transaction, request: Request, login: Login, account: Account, hashed: str) -> Login:
        now = self._shared.clock.now()
        await self._change.keep(
            tx, request, account.id, hashed, now, during="leaked_password", signal="password_changed"
        )
        await self._notices.happened(tx, request, account, NoticeKind.PASSWORD_CHANGED, now)
        login = login.settled_password()
        await self._shared.logins.save(tx, login)
        return login

    async def _put_off(self, request: Request, login_id: UUID) -> Response:
        async with self._shared.database.begin() as tx:
            now = self._shared.clock.now()
            login = await self._shared.claim(tx, login_id, now)
            account, _ = await self._whose(tx, request, login)
            if account is not None and _may_wait(login, now):
                login = login.settled_password()
                await self._shared.logins.save(tx, login)
        return self._shared.hops.to_dispatcher(login)

    async def _whose(self, tx: Transaction, request: Request, login: Login) -> tuple[Account | None, bool]:
        """Whose password it is, if this is the step that is due; and whether they have no second factor."""
        arrived = await self._shared.due(tx, request, login, Step.NEW_PASSWORD, self._shared.clock.now())
        if arrived is None:
            return None, True
        return await self._directory.account(tx, arrived.known.user_id), not arrived.known.enrolled

    async def _show(self, request: Request, login_id: UUID, faults: Sequence[tuple[str, str]] = ()) -> Response:
        async with self._shared.database.connect() as tx:
            now = self._shared.clock.now()
            login = await self._shared.find(tx, login_id, now)
            account, alone = await self._whose(tx, request, login)
            if account is None:
                return self._shared.hops.to_dispatcher(login)
            zone = await self._preferences.time_zone(tx, account.id)
        return await self._shared.show(
            request,
            login,
            Step.NEW_PASSWORD,
            "leaked_password.html",
            status=HTTPStatus.UNPROCESSABLE_ENTITY if faults else HTTPStatus.OK,
            person=account,
            alone=alone,
            due=login.password_due if _may_wait(login, now) else None,
            zone=zone,
            faults=faults,
            code=failure_code(what for _, what in faults),
        )


def _may_wait(login: Login, now: datetime) -> bool:
    return login.password_due is not None and now < login.password_due
