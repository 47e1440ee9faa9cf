"""Recoveries whose waiting is over: a link is mailed to whoever waited, or, where something is against it, a no.

Against it is whatever shows that the person is not without their factors, or not at peace: one of them was shown since,
the address is another one by now, the account was locked. A worker's, in one transaction with what it tells.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from audit.trail import AuditEvent, Kind, record
from config.connections import Transaction
from idp.credentials.recovery import Recovery
from idp.credentials.waiting_recovery import Due, DueRecoveries
from idp.directory.account import Account, Directory
from idp.directory.notice_to import notice_to
from idp.directory.preferences import Clocks
from notifications.notice import NoticeKind
from notifications.queue import Queue


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveriesMoved:
    """Moves them on."""

    recoveries: DueRecoveries
    recovery: Recovery
    directory: Directory
    clocks: Clocks
    queue: Queue

    async def step(self, tx: Transaction, now: datetime, limit: int) -> int:
        """Move some. Returns how many; the caller pokes the queue afterwards."""
        taken = await self.recoveries.take_due(tx, now, limit)
        for due in taken:
            account = await self.directory.account(tx, due.recovery.user_id)
            if account is not None:
                await self._move(tx, due, account, now)
        return len(taken)

    async def lapse(self, tx: Transaction, now: datetime, limit: int) -> int:
        """End those whose link nobody used."""
        return await self.recoveries.lapse(tx, now, limit)

    async def _move(self, tx: Transaction, due: Due, account: Account, now: datetime) -> None:
        one = due.recovery
        facts = {"at": now.isoformat(), "time_zone": await self.clocks.time_zone(tx, one.user_id)}
        kind = NoticeKind.RECOVERY_STOPPED
        if not due.against:
            kind = NoticeKind.RECOVERY_READY
            facts["until"] = one.expires_at.isoformat()
            facts["recovery"] = await self.recovery.anew(
                tx, one.user_id, one.client_id, now, sent_to=one.sent_to, expires_at=one.expires_at
            )
        subject = str(one.user_id)
        event = AuditEvent(
            kind=Kind.RECOVERY_STOPPED if due.against else Kind.RECOVERY_READY,
            correlation_id=one.correlation_id,
            actor="worker:sweeper",
            subject=subject,
            details={"why": due.against} if due.against else {},
        )
        await record(tx, event)
        for address in dict.fromkeys((one.sent_to, account.email)):
            if address is None or (address != one.sent_to and not due.against):
                continue  # the way in is mailed to nobody but whoever asked by that address
            notice = notice_to(account, address, kind, facts, one.correlation_id)
            await self.queue.put(tx, notice, expires_in=one.expires_at - now)
