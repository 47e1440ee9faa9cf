"""`/sign-in/push`: signing in without a password, approved on a device that the person set up for it.

Whoever types a name that nobody has, or whose person has no such device, waits like anybody else, at a number like any
other, until the time is over: the page tells nobody whose name it knows.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final, Literal
from uuid import UUID, uuid5

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from audit.trail import Kind
from config.connections import Transaction
from idp.authorization.login import Login
from idp.authorization.next_step import Step
from idp.credentials.throttle import Allowance, Throttle, TooMany, address_subject
from idp.directory.account import Directory
from idp.directory.login_name import normalise
from idp.endpoints.approvals.wanting import Waiting, Wanting
from idp.endpoints.login.arrivals import visitor
from idp.endpoints.login.login_page import LoginPages, record_attempt
from idp.endpoints.login.telling import came_from
from idp.endpoints.sign_in.first_factor import subject
from idp.endpoints.sign_in.guess import NOBODY
from idp.endpoints.whereabouts import client_ip
from idp.factors.approval_asking import Question
from idp.factors.push_approval import AMR
from idp.protocol.assurance import MULTIPLE_FACTORS

ASKED_FROM_ADDRESS: Final = Allowance("approval-sign-in-address", 60, 900)
"""Questions that somebody asks who has shown no password."""
_UNKNOWN: Final = UUID("0d3f5b52-0c9f-4a3c-8a55-b2f4a1de9d10")

Alone = Literal["off", "first", "both"]
"""What an approval is worth by itself: nothing, a first factor, or a first and a second one."""


class PushSignIn:
    """Asks, says how it stands, and takes the approval."""

    def __init__(
        self,
        shared: LoginPages,
        *,
        wanting: Wanting,
        directory: Directory,
        throttle: Throttle,
        alone: Alone,
        answered_at: str,
    ) -> None:
        self._shared = shared
        self._wanting = wanting
        self._directory = directory
        self._throttle = throttle
        self._alone = alone
        self.answered_at = answered_at

    async def __call__(self, request: Request) -> Response:
        """`POST /sign-in/push`: ask the devices of a name, or, with `act=take`, go on by what one of them said."""
        login_id, form = await self._shared.accept_form(request, Step.SIGN_IN)
        if form.get("act") == "take" or self._alone == "off":
            return self._shared.hops.to_dispatcher(await self._take(request, login_id))
        name = normalise(form.get("login", ""))
        async with self._shared.database.connect() as tx:
            login = await self._shared.find(tx, login_id, self._shared.clock.now())
            account = await self._directory.account_by_login_name(tx, name) if name else None
            takes = account is not None and await self._takes_approvals(tx, request, account.id)
        person = account.id if account is not None and account.may_sign_in and takes else NOBODY
        counted = person if person != NOBODY else uuid5(_UNKNOWN, name or "")
        if name and await self._may_come_from(request):
            if not await self._wanting.may_ask(request, counted, subject=subject(account, name)):
                person = NOBODY  # whoever said no is asked no more, and nobody learns that they did
            async with self._shared.database.begin() as tx:
                now = self._shared.clock.now()
                login = (await self._shared.claim(tx, login_id, now)).named(name)
                question = Question(
                    user_id=person,
                    bound_to=bound_to(login_id),
                    app=login.client_id,
                    came_from=came_from(visitor(request, None)),
                    asked_by=await self._here(tx, request, person, now),
                    browser_hash=login.browser_hash,
                )
                whose = subject(account, name)
                await self._wanting.ask(tx, request, question, now, login.expires_at, subject=whose)
                await self._shared.logins.save(tx, login)
            await self._wanting.poke()
        return self._shared.hops.to_dispatcher(login)

    async def state(self, request: Request) -> Response:
        """`GET /sign-in/push/state`: how it stands, for the script of the page that waits."""
        login_id = self._shared.hops.accept(request, Step.SIGN_IN)
        async with self._shared.database.connect() as tx:
            said = await self._wanting.state(tx, bound_to(login_id), self._shared.clock.now(), veiled=True)
        return JSONResponse({"state": said}, headers={"Cache-Control": "no-store"})

    async def shown(self, tx: Transaction, login: Login, now: datetime) -> Waiting | None:
        """What the sign-in page shows of it; None where an approval alone signs nobody in."""
        if self._alone == "off":
            return None
        waiting = await self._wanting.shown(tx, bound_to(login.id), None, now, veiled=True)
        return replace(waiting, offered=True)

    async def _may_come_from(self, request: Request) -> bool:
        try:
            await self._throttle.attempt(ASKED_FROM_ADDRESS, address_subject(client_ip(request)))
        except TooMany:
            return False
        return True

    async def _here(self, tx: Transaction, request: Request, person: UUID, now: datetime) -> UUID | None:
        """This browser, as a device of the person: it may not answer itself."""
        arrived = await self._shared.arrivals.arrived(tx, request, person, now)
        return arrived.known.device_id if arrived is not None else None

    async def _takes_approvals(self, tx: Transaction, request: Request, person: UUID) -> bool:
        """Whether the person's organisation lets devices approve, and they have such a device."""
        arrived = await self._shared.arrivals.arrived(tx, request, person, self._shared.clock.now())
        return arrived is not None and "push" in arrived.known.enrolled

    async def _take(self, request: Request, login_id: UUID) -> Login:
        async with self._shared.database.begin() as tx:
            now = self._shared.clock.now()
            login = await self._shared.claim(tx, login_id, now)
            if login.user_id is not None or self._alone == "off":  # they went on another way meanwhile
                return login
            used = await self._wanting.use(tx, bound_to(login_id), None, now)
            account = await self._directory.account(tx, used.user_id) if used is not None else None
            if account is None or not account.may_sign_in:
                return login
            if not await self._takes_approvals(tx, request, account.id):
                return login
            both = self._alone == "both"
            login = login.named(account.login_name)
            login = login.signed_in(account.id, (*AMR, MULTIPLE_FACTORS) if both else AMR, now)
            live = await self._shared.arrivals.live(tx, account.id, now)
            if both and live is not None:
                login = login.facing(live.sid).passed_factor(AMR, now)
            await self._shared.logins.save(tx, login)
            details = {"method": "push", "client": login.client_id}
            await record_attempt(tx, request, Kind.SIGN_IN_SUCCEEDED, subject=str(account.id), details=details)
        await self._shared.telling.poke()
        return login


def bound_to(login_id: UUID) -> str:
    """What a question is bound to that is a whole sign-in."""
    return f"sign-in:{login_id}"
