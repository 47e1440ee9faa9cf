"""How devices are asked, within the transaction of whatever asks: kept, marked to be pushed, told to open pages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from config.connections import Transaction
from config.entropy import Entropy
from events import outbox
from idp.factors.number_matching import like, two_digits
from idp.factors.push_approval import LIFETIME, ApprovalRequest, ApprovalRequests

NONCE_SIZE = 16
"""Random bytes that make each question another one to sign."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What somebody's devices are to be asked."""

    user_id: UUID
    bound_to: str
    app: str
    came_from: Mapping[str, str]
    asked_by: UUID | None = None
    browser_hash: bytes | None = None
    faced: str | None = None
    message: str | None = None
    """What another screen shows in the place of a number."""


class ApprovalAsking:
    """Asks, and settles. The caller pokes the outbox and the worker `push` after the commit."""

    def __init__(self, requests: ApprovalRequests, entropy: Entropy) -> None:
        self._requests = requests
        self._entropy = entropy

    async def ask(
        self,
        tx: Transaction,
        question: Question,
        now: datetime,
        *,
        correlation_id: str,
        until: datetime | None = None,
        lifetime: timedelta = LIFETIME,
    ) -> ApprovalRequest:
        """Ask a person's devices; whatever waited for the same thing is answered no more."""
        if question.message is None:
            match, choices = two_digits(self._entropy)
        else:
            choices = like(question.message, self._entropy)
            match = question.message if choices else ""
        request = ApprovalRequest(
            id=self._entropy.uuid(),
            user_id=question.user_id,
            bound_to=question.bound_to,
            asked_by=question.asked_by,
            browser_hash=question.browser_hash,
            faced=question.faced,
            nonce=self._entropy.token(NONCE_SIZE),
            match=match,
            choices=choices,
            app=question.app,
            message=question.message or "",
            came_from=question.came_from,
            created_at=now,
            expires_at=min(now + lifetime, until) if until is not None else now + lifetime,
        )
        await self._requests.ask(tx, request, correlation_id=correlation_id)
        await outbox.append(tx, "request", str(request.id), request.event())
        return request

    async def settle(self, tx: Transaction, request: ApprovalRequest) -> None:
        """Keep what became of a claimed one, and tell open pages."""
        await self._requests.save(tx, request)
        await outbox.append(tx, "request", str(request.id), request.event())

    async def withdraw(self, tx: Transaction, bound_to: str) -> None:
        """Whatever goes on by it went on another way, or not at all: nobody answers it any more."""
        request = await self._requests.claim_latest(tx, bound_to)
        if request is not None and request.state == "pending":
            await self.settle(tx, replace(request, state="withdrawn"))
