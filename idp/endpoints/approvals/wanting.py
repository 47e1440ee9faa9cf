"""The side that waits for an approval: it asks, shows the number, sees how it stands, and uses a "yes" once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from starlette.requests import Request

from audit.trail import Kind
from config.connections import Database, Transaction, Valkey
from config.web import correlation_id
from events import outbox
from idp.credentials.approval_limits import ApprovalLimits
from idp.credentials.throttle import TooMany
from idp.endpoints.approvals import approval_metrics
from idp.endpoints.login.login_page import record_attempt
from idp.factors.approval_asking import ApprovalAsking, Question
from idp.factors.push_approval import ApprovalRequest, ApprovalRequests
from idp.factors.push_courier import poke


@dataclass(frozen=True, slots=True)
class Waiting:
    """What a page that waits shows."""

    offered: bool
    """The person's devices may be asked now."""
    state: str = ""
    """Empty: nobody was asked yet."""
    number: str = ""
    left: int = 0
    """Seconds."""


class Wanting:
    """Asks in the name of whatever goes on by it."""

    def __init__(
        self,
        *,
        asking: ApprovalAsking,
        requests: ApprovalRequests,
        limits: ApprovalLimits,
        database: Database,
        valkey: Valkey,
    ) -> None:
        self._asking = asking
        self._requests = requests
        self._limits = limits
        self._database = database
        self._valkey = valkey

    async def may_ask(self, request: Request, person: UUID, *, subject: str | None = None) -> bool:
        """Count a question, outside any transaction. False: it is one too many, which is on record.

        Raises `CANNOT_COUNT`.
        """
        try:
            await self._limits.ask(person)
        except TooMany as problem:
            approval_metrics.WITHHELD.labels(problem.limit.scope).inc()
            async with self._database.begin() as tx:
                details = {"limit": problem.limit.scope}
                await record_attempt(
                    tx, request, Kind.APPROVAL_WITHHELD, subject=subject or str(person), details=details
                )
            return False
        return True

    async def ask(
        self,
        tx: Transaction,
        request: Request,
        question: Question,
        now: datetime,
        until: datetime,
        *,
        subject: str | None = None,
    ) -> None:
        """Ask the person's devices; the caller calls `poke` after the commit. `subject`: whom the record is about."""
        asked = await self._asking.ask(tx, question, now, correlation_id=correlation_id(request), until=until)
        details = {"approval": str(asked.id), "client": question.app, "for": question.bound_to.partition(":")[0]}
        await record_attempt(
            tx,
            request,
            Kind.APPROVAL_ASKED,
            subject=subject or str(question.user_id),
            sid=question.faced or "",
            details=details,
        )
        approval_metrics.ASKED.inc()

    async def use(self, tx: Transaction, bound_to: str, faced: str | None, now: datetime) -> ApprovalRequest | None:
        """Use the approval up: of many at once exactly one gets it. None: there is none that counts (any more)."""
        asked = await self._requests.claim_latest(tx, bound_to)
        if asked is None or not asked.may_be_used(now, faced):
            return None
        await self._requests.save(tx, replace(asked, state="used"))
        return asked

    async def withdraw(self, tx: Transaction, bound_to: str) -> None:
        """Nobody needs it any more."""
        await self._asking.withdraw(tx, bound_to)

    async def state(self, tx: Transaction, bound_to: str, now: datetime, *, veiled: bool = False) -> str:
        """How it stands; empty where nobody was asked. `veiled`: for whoever has proved nothing."""
        asked = await self._requests.latest(tx, bound_to)
        if asked is None:
            return ""
        return asked.veiled(now) if veiled else asked.shown(now)

    async def shown(
        self, tx: Transaction, bound_to: str, faced: str | None, now: datetime, *, veiled: bool = False
    ) -> Waiting:
        """What a page shows; whether another question may be asked is known outside the transaction (`offered`)."""
        asked = await self._requests.latest(tx, bound_to)
        if asked is None or asked.state == "used" or asked.faced != faced:
            return Waiting(offered=False)
        left = max(0, int((asked.expires_at - now).total_seconds()))
        return Waiting(
            offered=False, state=asked.veiled(now) if veiled else asked.shown(now), number=asked.match, left=left
        )

    async def offered(self, waiting: Waiting, person: UUID) -> Waiting:
        """With whether the devices may be asked (again)."""
        return replace(waiting, offered=await self._limits.offered(person))

    async def poke(self) -> None:
        """Wake whoever carries what was written. It never fails."""
        await outbox.poke(self._valkey)
        await poke(self._valkey)
