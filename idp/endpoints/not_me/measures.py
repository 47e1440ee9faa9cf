"""What is done where somebody says "this wasn't me": the account is locked, and the way back in is mailed."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol
from uuid import UUID

from starlette.requests import Request

from audit.trail import AuditEvent, Kind, record
from config.connections import Transaction
from config.web import correlation_id
from idp.credentials.recovery import Recovery
from idp.directory.account import Account, Directory, LockReason
from idp.directory.notice_to import notice_to
from idp.directory.preferences import Preferences
from idp.endpoints.client_requests import address
from idp.endpoints.sign_in.ways_back import WaysBack
from idp.sessions.one_session import OneSession
from notifications.notice import Notice, NoticeKind
from notifications.queue import Queue


class Locks(Protocol):
    """Where accounts are locked."""

    async def lock(self, tx: Transaction, user_id: UUID, reason: LockReason, now: datetime) -> bool:
        """Lock an account, and remember no browser for it."""


class NotMeMeasures:
    """Takes them, in the transaction of who says it. The caller pokes both queues after the commit."""

    def __init__(
        self,
        *,
        locks: Locks,
        directory: Directory,
        preferences: Preferences,
        recovery: Recovery,
        one_session: OneSession,
        queue: Queue,
        ways_back: WaysBack,
    ) -> None:
        self._locks = locks
        self._directory = directory
        self._preferences = preferences
        self._recovery = recovery
        self._one_session = one_session
        self._queue = queue
        self._ways_back = ways_back

    async def take(self, tx: Transaction, request: Request, user_id: UUID, sid: str | None, now: datetime) -> bool:
        """Lock, end, and mail the way back in. `sid`: what it is said of. Returns whether there was an address."""
        await self._locks.lock(tx, user_id, "not_me", now)
        exchange = correlation_id(request)
        await self._one_session.end_person(tx, user_id, "account_lock", correlation_id=exchange)
        await record(
            tx,
            AuditEvent(
                kind=Kind.ACCOUNT_LOCKED,
                correlation_id=exchange,
                actor=str(user_id),
                subject=str(user_id),
                sid=sid or "",
                ip=address(request),
                details={"reason": "not_me"},
            ),
        )
        await self._ways_back.stop(tx, request, user_id, now, "not_me")
        account = await self._directory.account(tx, user_id)
        if account is None or account.email is None:
            return False
        await self._queue.put(tx, await self._notice(tx, account, account.email, exchange, now))
        return True

    async def _notice(self, tx: Transaction, account: Account, to: str, exchange: str, now: datetime) -> Notice:
        return notice_to(
            account,
            to,
            NoticeKind.ACCOUNT_LOCKED,
            {
                "at": now.isoformat(),
                "time_zone": await self._preferences.time_zone(tx, account.id),
                "recovery": await self._recovery.link(tx, account.id, None, now, sent_to=to),
            },
            exchange,
        )
