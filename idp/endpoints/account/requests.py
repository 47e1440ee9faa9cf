"""`/account/requests`: apps that ask for a person's sign-in behind their back (CIBA), and the person's word.

What is allowed joins this very session and ends with it (S1, S3). Whoever must be known better than this session knows
them proves it first, on the page for that.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from audit.trail import Kind
from config.connections import Transaction
from idp.endpoints.account.door import AccountDoor, Person, as_id, back, record_change
from idp.endpoints.approvals.behind import bound_to
from idp.endpoints.login.login_page import LoginPages
from idp.factors.approval_asking import ApprovalAsking
from idp.grants.asking import PAGE
from idp.grants.pending import AskedRequests, PendingGrant, tell
from idp.protocol.assurance import demanded_assurance, level_of

_DONE: Final = frozenset({"allowed", "refused"})


class RequestsPage:
    """Shows what waits, and takes the word."""

    def __init__(
        self, shared: LoginPages, *, door: AccountDoor, requests: AskedRequests, asking: ApprovalAsking
    ) -> None:
        self._shared = shared
        self._door = door
        self._requests = requests
        self._asking = asking

    async def __call__(self, request: Request) -> Response:
        """`GET` shows, or with `part=list` what waits alone; `POST` allows or refuses one."""
        if request.method == "POST":
            return await self._answered(request)
        return await self._list(request)

    async def _answered(self, request: Request) -> Response:
        form = await self._door.form(request)
        request_id, allowed = as_id(form.get("id")), form.get("decision") == "allow"
        problem = "unknown"
        async with self._shared.database.begin() as tx:
            person = await self._door.sender(tx, request, form)
            pending = None
            if request_id is not None:
                # before the session, as the client's own question locks them
                pending = await self._requests.claim_asked(tx, person.account.id, request_id)
            person = await self._door.changing(tx, request, form, dangerous=False)
            if pending is not None and pending.waits(self._shared.clock.now()):
                problem = "stronger" if allowed and not is_known_well_enough(person, pending) else ""
            if pending is not None and not problem:
                await self._answer(tx, request, person, pending, allowed=allowed)
        if problem:
            return await self._list(request, problem)
        await self._shared.telling.poke()
        return back(PAGE, done="allowed" if allowed else "refused")

    async def _answer(
        self, tx: Transaction, request: Request, person: Person, pending: PendingGrant, *, allowed: bool
    ) -> None:
        answered = pending.answered(person.account.id, person.session.sid, allowed=allowed)
        await self._requests.save(tx, answered)
        await tell(tx, answered)
        if pending.request_id is not None:  # the person's devices need not be asked any more
            await self._asking.withdraw(tx, bound_to(pending.request_id))
        kind = Kind.BACKCHANNEL_ALLOWED if allowed else Kind.BACKCHANNEL_REFUSED
        await record_change(tx, request, kind, person, details={"client": pending.client_id})

    async def _list(self, request: Request, problem: str = "") -> Response:
        async with self._shared.database.connect() as tx:
            person = await self._door.person(tx, request)
            if person is None:
                return self._door.nobody(request)
            waiting = await self._requests.waiting_for(tx, person.account.id, self._shared.clock.now())
        shown = []
        for one in waiting:
            app = await self._shared.clients.find(one.client_id)
            scopes = await self._shared.scope_words.lines(one.scope, app)
            stronger = not is_known_well_enough(person, one)
            shown.append({"request": one, "app": app, "scopes": scopes, "stronger": stronger})
        status = {"": HTTPStatus.OK, "unknown": HTTPStatus.NOT_FOUND, "stronger": HTTPStatus.FORBIDDEN}[problem]
        done = request.query_params.get("done")
        return await self._door.show(
            request,
            person,
            "requests_list.html" if request.query_params.get("part") == "list" else "account_requests.html",
            status=status,
            requests=shown,
            enrolled=person.enrolled,
            problem=problem,
            done=done if done in _DONE and not problem else None,
        )


def is_known_well_enough(person: Person, pending: PendingGrant) -> bool:
    """Whether this session is as strongly authenticated as the request asks (`acr_values`)."""
    return level_of(person.session.acr) >= demanded_assurance(pending.acr_values)
