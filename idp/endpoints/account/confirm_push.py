"""`/account/confirm/push`: the person of a session proves who they are on another device, and goes on under it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from audit.trail import Kind
from config.connections import Transaction
from config.problem import Problem
from idp.clients.client import ACCOUNT
from idp.endpoints.account.door import NOT_SIGNED_IN, AccountDoor, Person, back, record_change
from idp.endpoints.approvals.page import PATH as APPROVALS
from idp.endpoints.approvals.wanting import Waiting, Wanting
from idp.endpoints.login.arrivals import Cookies, visitor
from idp.endpoints.login.login_page import LoginPages
from idp.factors.approval_asking import Question
from idp.factors.push_approval import AMR, LIFETIME, ApprovalDevices
from idp.protocol.assurance import MULTIPLE_FACTORS

PATH = "/account/confirm"

Renew = Callable[[Transaction, Person, Sequence[str]], Awaitable[Cookies]]


class ConfirmPush:
    """Asks the person's other devices, and takes their word for the session."""

    def __init__(
        self, shared: LoginPages, *, door: AccountDoor, wanting: Wanting, devices: ApprovalDevices, issuer: str
    ) -> None:
        self._shared = shared
        self._door = door
        self._wanting = wanting
        self._devices = devices
        self.answered_at = issuer + APPROVALS

    async def ask(self, request: Request, form: dict[str, str], to: str) -> Response:
        """Ask, and back to the page, which waits."""
        async with self._shared.database.connect() as tx:
            person = await self._door.sender(tx, request, form)
            possible = await self._possible(tx, person)
        if possible and await self._wanting.may_ask(request, person.account.id):
            async with self._shared.database.begin() as tx:
                now = self._shared.clock.now()
                person = await self._door.sender(tx, request, form)
                question = Question(
                    user_id=person.account.id,
                    bound_to=bound_to(person),
                    app=ACCOUNT,
                    came_from=visitor(request, person.session.visitor.device_id).told(),
                    asked_by=person.session.visitor.device_id,
                    faced=person.session.sid,
                )
                await self._wanting.ask(tx, request, question, now, now + LIFETIME)
            await self._wanting.poke()
        return back(PATH, to=to)

    async def take(self, request: Request, form: dict[str, str], renew: Renew) -> Cookies | None:
        """The session's new cookie, where another device has approved; None where none has."""
        async with self._shared.database.begin() as tx:
            person = await self._door.sender(tx, request, form)
            # before the session, as an answer locks them that ends it
            used = await self._wanting.use(tx, bound_to(person), person.session.sid, self._shared.clock.now())
            if used is None or used.user_id != person.account.id:
                return None
            person = await self._door.changing(tx, request, form, dangerous=False)
            await record_change(tx, request, Kind.FACTOR_PASSED, person, "push", details={"approval": str(used.id)})
            return await renew(tx, person, (*AMR, MULTIPLE_FACTORS))

    async def state(self, request: Request) -> Response:
        """`GET /account/confirm/push/state`: how it stands, for the script of the page that waits."""
        async with self._shared.database.connect() as tx:
            person = await self._door.person(tx, request)
            if person is None:
                raise Problem(NOT_SIGNED_IN)
            said = await self._wanting.state(tx, bound_to(person), self._shared.clock.now())
        return JSONResponse({"state": said}, headers={"Cache-Control": "no-store"})

    async def shown(self, tx: Transaction, person: Person, now: datetime) -> Waiting | None:
        """What the page shows of it; None where no other device of the person could approve."""
        if not await self._possible(tx, person):
            return None
        return await self._wanting.shown(tx, bound_to(person), person.session.sid, now)

    async def offered(self, waiting: Waiting, person: Person) -> Waiting:
        """With whether it may be asked (again); outside of any transaction."""
        return await self._wanting.offered(waiting, person.account.id)

    async def _possible(self, tx: Transaction, person: Person) -> bool:
        here = person.session.visitor.device_id
        return any(device.device_id != here for device in await self._devices.of(tx, person.account.id))


def bound_to(person: Person) -> str:
    """What a question is bound to that is a session's."""
    return f"confirm:{person.session.sid}"
