"""Requests behind a person's back (CIBA) on their devices: asked there, too, and settled by a signed answer.

What is allowed joins the person's one live session, wherever it is (S1); a device begins none.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final, Protocol
from uuid import UUID

from starlette.requests import Request

from audit.trail import Kind
from config.clock import Clock
from config.connections import Database, Transaction, Valkey
from config.problem import Problem
from events import outbox
from idp.credentials.approval_limits import ApprovalLimits
from idp.endpoints.approvals import approval_metrics
from idp.endpoints.login.login_page import record_attempt
from idp.factors.approval_asking import ApprovalAsking, Question
from idp.factors.push_approval import ApprovalDevices, ApprovalRequest
from idp.factors.push_courier import poke
from idp.grants.pending import AskedRequests, PendingGrant, tell
from idp.protocol.assurance import assurance, demanded_assurance
from idp.sessions.session import Session

BOUND: Final = "backchannel:"


class LiveSessions(Protocol):
    """Where sessions are looked at."""

    async def live_of(self, tx: Transaction, user_id: UUID, now: datetime) -> Session | None:
        """The person's live session."""

    async def lock(self, tx: Transaction, sid: str) -> Session | None:
        """One session that has not ended, locked against its end."""


class KnownRequests(AskedRequests, Protocol):
    """Where requests are kept that clients made."""

    async def by_request_id(self, tx: Transaction, request_id: UUID) -> PendingGrant | None:
        """One, to look at."""


def bound_to(request_id: UUID) -> str:
    """What a question is bound to that is a client's."""
    return f"{BOUND}{request_id}"


class BehindTheBack:
    """`Behind` of the page, and the asking of devices."""

    def __init__(
        self,
        *,
        requests: KnownRequests,
        sessions: LiveSessions,
        devices: ApprovalDevices,
        asking: ApprovalAsking,
        limits: ApprovalLimits,
        database: Database,
        valkey: Valkey,
        clock: Clock,
    ) -> None:
        self._requests = requests
        self._sessions = sessions
        self._devices = devices
        self._asking = asking
        self._limits = limits
        self._database = database
        self._valkey = valkey
        self._clock = clock

    async def ask(self, request_id: UUID) -> None:
        """Ask the devices of whomever a client asks for, if they have any and were not asked too often."""
        async with self._database.connect() as tx:
            pending = await self._requests.by_request_id(tx, request_id)
            person = pending.asked_of if pending is not None else None
            if pending is None or person is None or not await self._devices.of(tx, person):
                return
        try:
            await self._limits.ask(person)
        except Problem:  # their page of requests and the mail stay
            approval_metrics.WITHHELD.labels("backchannel").inc()
            return
        question = Question(
            user_id=person,
            bound_to=bound_to(request_id),
            app=pending.client_id,
            came_from=pending.came_from,
            message=pending.binding_message,
        )
        async with self._database.begin() as tx:
            now = self._clock.now()
            held = await self._requests.claim_asked(tx, person, request_id)
            if held is None or not held.waits(now):
                return
            exchange = pending.tell_as or str(request_id)
            await self._asking.ask(tx, question, now, correlation_id=exchange, until=held.expires_at)
        approval_metrics.ASKED.inc()
        await outbox.poke(self._valkey)
        await poke(self._valkey)

    async def lock(self, tx: Transaction, request: ApprovalRequest) -> None:
        """Hold what the client waits for, before the question of it: so do its own pages."""
        if (named := _named(request)) is not None:
            await self._requests.claim_asked(tx, request.user_id, named)

    async def settle(self, tx: Transaction, http: Request, request: ApprovalRequest, now: datetime) -> str:
        """Tell the client what the device said. Returns why it cannot be so, or nothing."""
        named = _named(request)
        if named is None:
            return ""
        pending = await self._requests.claim_asked(tx, request.user_id, named)
        if pending is None or not pending.waits(now):
            return "over"
        live, allowed = await self._sessions.live_of(tx, request.user_id, now), request.state == "approved"
        held = await self._sessions.lock(tx, live.sid) if live is not None and allowed else None
        if allowed and (held is None or not held.lives(now)):
            return "not_signed_in"
        if held is not None and assurance(held.amr) < demanded_assurance(pending.acr_values):
            return "stronger"
        sid = held.sid if held is not None else ""
        answered = pending.answered(request.user_id, sid, allowed=allowed)
        await self._requests.save(tx, answered)
        await tell(tx, answered)
        kind = Kind.BACKCHANNEL_ALLOWED if allowed else Kind.BACKCHANNEL_REFUSED
        details = {"client": pending.client_id, "method": "push"}
        await record_attempt(tx, http, kind, subject=str(request.user_id), sid=sid, details=details)
        return ""


def _named(request: ApprovalRequest) -> UUID | None:
    return UUID(request.bound_to.removeprefix(BOUND)) if request.bound_to.startswith(BOUND) else None
