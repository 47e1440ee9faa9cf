"""`/factor/push`: the second factor on another device. The factor page shows the number, and this takes the rest.

Nobody's devices ring because somebody typed a password: they are asked when whoever signs in wants it.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from audit.trail import Kind
from config.connections import Transaction
from idp.authorization.login import Login
from idp.authorization.next_step import Step
from idp.endpoints.approvals.page import PATH
from idp.endpoints.approvals.wanting import Waiting, Wanting
from idp.endpoints.login.known_person import Arrived
from idp.endpoints.login.login_page import LoginPages, record_attempt
from idp.factors.approval_asking import Question
from idp.factors.push_approval import AMR
from idp.protocol.assurance import MULTIPLE_FACTORS


class PushFactor:
    """Asks, says how it stands, and takes the approval."""

    def __init__(self, shared: LoginPages, *, wanting: Wanting, issuer: str) -> None:
        self._shared = shared
        self._wanting = wanting
        self.answered_at = issuer + PATH
        """Where the other device answers, for whom no notification reaches."""

    async def __call__(self, request: Request) -> Response:
        """`POST /factor/push`: ask the devices, or, with `act=take`, go on by what one of them said."""
        login_id, form = await self._shared.accept_form(request, Step.FACTOR)
        if form.get("act") == "take":
            return self._shared.hops.to_dispatcher(await self._take(request, login_id))
        async with self._shared.database.connect() as tx:
            now = self._shared.clock.now()
            login = await self._shared.find(tx, login_id, now)
            arrived = await self._shared.due(tx, request, login, Step.FACTOR, now)
        if arrived is None or not _may_count(login, arrived):
            return self._shared.hops.to_dispatcher(login)
        if await self._wanting.may_ask(request, arrived.known.user_id):
            async with self._shared.database.begin() as tx:
                login = await self._ask(tx, request, login_id)
            await self._wanting.poke()
        return self._shared.hops.to_dispatcher(login)

    async def state(self, request: Request) -> Response:
        """`GET /factor/push/state`: how it stands, for the script of the page that waits."""
        login_id = self._shared.hops.accept(request, Step.FACTOR)
        async with self._shared.database.connect() as tx:
            said = await self._wanting.state(tx, bound_to(login_id), self._shared.clock.now())
        return JSONResponse({"state": said}, headers={"Cache-Control": "no-store"})

    async def shown(self, tx: Transaction, login: Login, arrived: Arrived, now: datetime) -> Waiting | None:
        """What the factor page shows of it; None where no other device of the person could approve."""
        if not _may_count(login, arrived):
            return None
        return await self._wanting.shown(tx, bound_to(login.id), login.takeover_of, now)

    async def offered(self, waiting: Waiting, person: UUID) -> Waiting:
        """With whether it may be asked (again); outside of any transaction."""
        return await self._wanting.offered(waiting, person)

    async def withdraw(self, tx: Transaction, login_id: UUID) -> None:
        """The login went on another way: no device needs to answer any more."""
        await self._wanting.withdraw(tx, bound_to(login_id))

    async def _ask(self, tx: Transaction, request: Request, login_id: UUID) -> Login:
        now = self._shared.clock.now()
        login = await self._shared.claim(tx, login_id, now)
        arrived = await self._shared.due(tx, request, login, Step.FACTOR, now)
        if arrived is not None and _may_count(login, arrived):
            question = Question(
                user_id=arrived.known.user_id,
                bound_to=bound_to(login_id),
                app=login.client_id,
                came_from=login.came_from or {},
                asked_by=arrived.known.device_id,
                browser_hash=login.browser_hash,
                faced=login.takeover_of,
            )
            await self._wanting.ask(tx, request, question, now, login.expires_at)
        return login

    async def _take(self, request: Request, login_id: UUID) -> Login:
        async with self._shared.database.begin() as tx:
            now = self._shared.clock.now()
            login = await self._shared.claim(tx, login_id, now)
            arrived = await self._shared.due(tx, request, login, Step.FACTOR, now)
            if arrived is None or not _may_count(login, arrived):
                return login
            used = await self._wanting.use(tx, bound_to(login_id), login.takeover_of, now)
            if used is None or used.user_id != arrived.known.user_id:
                return login
            login = login.passed_factor(AMR, now)
            await self._shared.logins.save(tx, login)
            details = {"method": "push", "client": login.client_id, "approval": str(used.id)}
            sid = login.takeover_of or ""
            await record_attempt(tx, request, Kind.FACTOR_PASSED, subject=str(used.user_id), sid=sid, details=details)
        await self._shared.telling.poke()
        return login


def _may_count(login: Login, arrived: Arrived) -> bool:
    """Whether another device could approve: and is not what the person came in by, since one key is no two factors."""
    by_it_alone = set(AMR) <= set(login.amr) and MULTIPLE_FACTORS not in login.amr
    return arrived.known.pushes_elsewhere and not by_it_alone


def bound_to(login_id: UUID) -> str:
    """What a question is bound to that is a login's second factor."""
    return f"factor:{login_id}"
