"""`/approvals`: what a browser that was set up to approve is asked, and its answer, signed by its key.

A question shows who asks, where from and for what, and three numbers; the one that the other screen shows approves.
"No" and "this wasn't me" are signed as well: nobody else ends a question, or locks an account, in the name of a device.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final, Literal, Protocol
from uuid import UUID

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from audit.trail import Kind
from config.connections import Transaction, Valkey
from events import outbox
from idp.authorization.step_mac import browser_hash
from idp.credentials.approval_limits import ApprovalLimits
from idp.devices.sign_in_history import CameFrom
from idp.directory.preferences import Clocks
from idp.endpoints.account.door import as_id
from idp.endpoints.approvals import approval_metrics
from idp.endpoints.approvals.own_devices import Asked, OwnDevices
from idp.endpoints.approvals.verifying import Verifying
from idp.endpoints.login.hops import login_cookies
from idp.endpoints.login.login_page import LoginPages, read_fields, record_attempt
from idp.endpoints.not_me.measures import NotMeMeasures
from idp.factors.approval_asking import ApprovalAsking
from idp.factors.push_approval import (
    AMR,
    Answer,
    ApprovalDevice,
    ApprovalDevices,
    ApprovalRequest,
    ApprovalRequests,
    Decision,
    Fault,
    State,
    decide,
)
from notifications import queue
from notifications.web_push.subscription import decoded

PATH: Final = "/approvals"
_DECISIONS: Final[dict[str, Decision]] = {"approve": "approve", "deny": "deny", "not_me": "not_me"}
_KINDS: Final[dict[State, Kind]] = {
    "approved": Kind.APPROVAL_GIVEN,
    "denied": Kind.APPROVAL_DENIED,
    "mismatched": Kind.APPROVAL_MISMATCHED,
    "not_me": Kind.APPROVAL_NOT_ME,
}
_DONE: Final = frozenset({*_KINDS, "unverified", "over", "own_browser", "signature", "not_signed_in", "stronger"})


class Behind(Protocol):
    """What a client asked behind the person's back (CIBA), as far as a device's answer settles it."""

    async def lock(self, tx: Transaction, request: ApprovalRequest) -> None:
        """Hold what the client waits for, before the question of it: so do its own pages."""

    async def settle(self, tx: Transaction, http: Request, request: ApprovalRequest, now: datetime) -> str:
        """Tell the client what the device said. Returns why it cannot be so, or nothing: `not_signed_in`, `stronger`,
        `over`."""


class ApprovalsPage:
    """The list, one question, and the answer to it."""

    def __init__(
        self,
        shared: LoginPages,
        *,
        own: OwnDevices,
        devices: ApprovalDevices,
        requests: ApprovalRequests,
        asking: ApprovalAsking,
        limits: ApprovalLimits,
        measures: NotMeMeasures,
        behind: Behind,
        verifying: Verifying,
        clocks: Clocks,
        valkey: Valkey,
        origin: str,
        vapid_key: str,
    ) -> None:
        self._shared = shared
        self._own = own
        self._devices = devices
        self._requests = requests
        self._asking = asking
        self._limits = limits
        self._measures = measures
        self._behind = behind
        self._verifying = verifying
        self._clocks = clocks
        self._valkey = valkey
        self._origin = origin
        self._vapid_key = vapid_key

    async def __call__(self, request: Request) -> Response:
        """`GET /approvals`: what waits; with `part=list` that alone."""
        async with self._shared.database.begin() as tx:
            devices = await self._own.of(tx, request)
            waiting = await self._own.waiting(tx, devices, self._shared.clock.now())
            shown = [await self._shown(tx, one, request) for one in waiting]
        done = request.query_params.get("done", "")
        part = request.query_params.get("part") == "list"
        template = "approvals_list.html" if part else "approvals.html"
        return self._respond(request, template, devices=devices, asked=shown, done=done if done in _DONE else "")

    async def one(self, request: Request) -> Response:
        """`GET /approvals/{id}`: one question, as its notification leads to it."""
        ident = as_id(request.path_params["request_id"])
        async with self._shared.database.begin() as tx:
            devices = await self._own.of(tx, request)
            waiting = await self._own.waiting(tx, devices, self._shared.clock.now())
            shown = [await self._shown(tx, one, request) for one in waiting if one.request.id == ident]
        status = HTTPStatus.OK if shown else HTTPStatus.GONE
        done = "" if shown else "over"
        return self._respond(request, "approvals.html", status=status, devices=devices, asked=shown, done=done)

    async def answer(self, request: Request) -> Response:
        """`POST /approvals/{id}`: what the device says."""
        self._shared.hops.refuse_foreign(request)
        form = await read_fields(request)
        ident, decision = as_id(request.path_params["request_id"]), _DECISIONS.get(form.get("decision", ""))
        if ident is None or decision is None:
            return _to_the_list("over")
        answer = Answer(
            decision=decision,
            picked=form.get("picked", "") if decision == "approve" else "",
            signature=signature_of(form.get("signature", "")),
            browsers=[browser_hash(cookie) for cookie in login_cookies(request).values()],
        )
        async with self._shared.database.begin() as tx:
            outcome = await self._take(tx, request, ident, answer, form.get("answer", ""))
        if isinstance(outcome, str):
            approval_metrics.REFUSED.labels(outcome).inc()
            return _to_the_list(outcome)
        approval_metrics.ANSWERED.labels(outcome.state).inc()
        await (self._limits.approved if outcome.state == "approved" else self._limits.denied)(outcome.user_id)
        await outbox.poke(self._valkey)
        await queue.poke(self._valkey)
        return _to_the_list(outcome.state)

    async def _take(
        self, tx: Transaction, http: Request, ident: UUID, answer: Answer, verified_by: str
    ) -> ApprovalRequest | str:
        """The question as it is answered, or why the answer counts for nothing; `verified_by`: a passkey's answer."""
        now = self._shared.clock.now()
        seen = await self._requests.find(tx, ident)
        device = next((one for one in await self._own.of(tx, http) if seen and one.user_id == seen.user_id), None)
        if seen is None or device is None:
            return "over"  # whose it is, or whether there is one, is told to nobody else
        await self._behind.lock(tx, seen)
        asked = await self._requests.claim(tx, ident)
        decided = decide(asked, device, answer, now, origin=self._origin) if asked is not None else "over"
        if isinstance(decided, str):
            await self._record(tx, http, seen, device, Kind.APPROVAL_REFUSED, why=decided)
            return decided
        if decided.state == "approved" and not await self._verifying.verified(tx, http, decided, verified_by, now):
            await self._record(tx, http, seen, device, Kind.APPROVAL_REFUSED, why="unverified")
            return "unverified"
        if refused := await self._behind.settle(tx, http, decided, now):
            return refused
        await self._asking.settle(tx, decided)
        await self._devices.used(tx, device.id, now)
        await self._record(tx, http, decided, device, _KINDS[decided.state])
        if decided.state != "approved":
            await self._note(tx, decided)
        if decided.state == "not_me":
            await self._measures.take(tx, http, decided.user_id, decided.faced, now)
        return decided

    async def _record(
        self,
        tx: Transaction,
        http: Request,
        asked: ApprovalRequest,
        device: ApprovalDevice,
        kind: Kind,
        *,
        why: Fault | Literal["unverified"] | None = None,
    ) -> None:
        details: dict[str, object] = {"approval": str(asked.id), "client": asked.app, "device": str(device.device_id)}
        if why is not None:
            details["why"] = why
        await record_attempt(tx, http, kind, subject=str(asked.user_id), sid=asked.faced or "", details=details)

    async def _note(self, tx: Transaction, asked: ApprovalRequest) -> None:
        """Keep it for the person, under whoever asked."""
        came = asked.came_from
        visit = CameFrom(
            asked.asked_by,
            came.get("device", ""),
            came.get("browser", ""),
            came.get("ip", ""),
            came.get("place", ""),
            came.get("network", ""),
        )
        history = self._shared.telling.history
        await history.note(tx, asked.user_id, "failed", visit, amr=AMR, client_id=asked.app)

    async def _shown(self, tx: Transaction, one: Asked, request: Request) -> dict[str, Any]:
        locale = self._shared.pages.locale(request)
        app = await self._shared.clients.find(one.request.app)
        return {
            "request": replace(one.request, match=""),  # which of the numbers it is, is for the other screen to say
            "device": one.device,
            "verify": await self._verifying.asked(tx, one.request, self._shared.clock.now()),
            "app": app.name.get(locale, one.request.app) if app is not None else one.request.app,
            "zone": await self._clocks.time_zone(tx, one.request.user_id),
        }

    def _respond(
        self,
        request: Request,
        template: str,
        *,
        devices: list[ApprovalDevice],
        status: HTTPStatus = HTTPStatus.OK,
        **context: Any,
    ) -> Response:
        return self._shared.pages.respond(
            request, template, status=status, devices=devices, origin=self._origin, vapid_key=self._vapid_key, **context
        )


def _to_the_list(done: str) -> Response:
    return RedirectResponse(f"{PATH}?done={done}", HTTPStatus.SEE_OTHER, headers={"Cache-Control": "no-store"})


def signature_of(text: str) -> bytes:
    """A signature from a form; empty where it is none."""
    try:
        return decoded(text[:128])
    except ValueError:
        return b""
