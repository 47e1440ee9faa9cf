"""The ways back in that need no factor, as far as they are under way for one person: stopped, or brought to an end.

There are two, a recovery that waits and a reset by two administrators. Whatever shows that the person is not without
their factors, or not at peace, stops both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from starlette.requests import Request

from audit.trail import Kind
from config.connections import Transaction
from config.web import correlation_id
from idp.credentials.assisted_reset import AssistedResets
from idp.credentials.recovery import Recovery
from idp.credentials.waiting_recovery import WaitingRecoveries, stop_hash
from idp.directory.account import Account, Directory
from idp.directory.notice_to import notice_to
from idp.directory.preferences import Clocks
from idp.endpoints.login.login_page import record_attempt
from notifications.notice import NoticeKind
from notifications.queue import Queue

How = Literal["link", "account", "not_me", "other_way"]
"""By what it was stopped: the link of a notice, the account, "this wasn't me", or because another way led in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnderWay:
    """What goes on for a person."""

    kind: Literal["waiting", "reset"]
    user_id: UUID
    asked_at: datetime
    asked_from: Mapping[str, str]
    """Of a recovery that waits: `device`, `browser`, `place`."""
    opens_at: datetime | None
    """When a recovery that waits lets them in; None: it could already, or is a reset."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaysBack:
    """Finds and ends them."""

    waiting: WaitingRecoveries
    resets: AssistedResets
    recovery: Recovery
    directory: Directory
    clocks: Clocks
    queue: Queue

    async def of(self, tx: Transaction, user_id: UUID) -> UnderWay | None:
        """What goes on for this person."""
        waits = await self.waiting.open_of(tx, user_id)
        if waits is not None:
            opens_at = None if waits.ready else waits.ready_at
            return UnderWay(
                kind="waiting",
                user_id=user_id,
                asked_at=waits.asked_at,
                asked_from=waits.asked_from,
                opens_at=opens_at,
            )
        reset = await self.resets.open_of(tx, user_id)
        if reset is None or reset.state != "approved":  # what one administrator asks for alone comes to nothing
            return None
        return UnderWay(
            kind="reset",
            user_id=user_id,
            asked_at=reset.asked_at,
            asked_from={"device": "", "place": ""},
            opens_at=None,
        )

    async def by_link(self, tx: Transaction, token: str) -> UnderWay | None:
        """What a link of a notice stops."""
        digest = stop_hash(token)
        found = await self.waiting.by_stop(tx, digest) or await self.resets.by_stop(tx, digest)
        return await self.of(tx, found.user_id) if found is not None else None

    async def stop(self, tx: Transaction, request: Request, user_id: UUID, now: datetime, how: How) -> bool:
        """Stop whatever goes on for this person, and tell them. False: nothing did."""
        waits = await self.waiting.open_of(tx, user_id)
        stopped = await self.waiting.end(tx, user_id, "stopped", now)
        if not await self.resets.end(tx, user_id, "stopped", now) and not stopped:
            return False
        if how in ("link", "account"):
            await self.recovery.finish(tx, user_id)  # a link that was mailed because of it leads nowhere any more
        await record_attempt(tx, request, Kind.RECOVERY_STOPPED, subject=str(user_id), details={"by": how})
        account = await self.directory.account(tx, user_id)
        if account is not None:
            asked_by = waits.sent_to if waits is not None else None
            for address in dict.fromkeys((account.email, asked_by)):
                if address is not None:
                    await self._tell(tx, account, address, correlation_id(request), now)
        return True

    async def finished(self, tx: Transaction, request: Request, user_id: UUID, now: datetime, *, anew: bool) -> None:
        """The person is in again, by a link that stood in for every factor (`anew`), or by another way."""
        if not anew:
            await self.stop(tx, request, user_id, now, "other_way")
            return
        waited = await self.waiting.end(tx, user_id, "used", now)
        vouched = await self.resets.end(tx, user_id, "used", now)
        await self.resets.end(tx, user_id, "stopped", now)
        by = "administrators" if vouched else "waiting" if waited else "link"
        await record_attempt(tx, request, Kind.RECOVERY_FINISHED, subject=str(user_id), details={"by": by})

    async def _tell(self, tx: Transaction, account: Account, to: str, reference: str, now: datetime) -> None:
        notice = notice_to(
            account,
            to,
            NoticeKind.RECOVERY_STOPPED,
            {"at": now.isoformat(), "time_zone": await self.clocks.time_zone(tx, account.id)},
            reference,
        )
        await self.queue.put(tx, notice)
