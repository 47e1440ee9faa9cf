"""People are told by mail what became of a role that they asked for, for a time: granted, refused, over.

Elevations are the policy's; a view of its shows what there is to tell. Each is told once, whatever crashes meanwhile.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Protocol

from config.connections import Transaction
from config.web import new_correlation_id
from idp.authorization.attempts import Recipient
from idp.directory.preferences import Clocks
from notifications.notice import Notice, NoticeKind
from notifications.queue import Queue

LATE = timedelta(days=1)
"""Nobody is told that a role was over so long ago."""
OLDEST = timedelta(days=40)
"""Of what was asked for before, nobody is told any more: nothing is granted for so long."""
KEPT = timedelta(days=60)
"""For how long it is remembered what was told."""

What = Literal["granted", "refused", "over"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleNews:
    """What became of one elevation."""

    what: What
    role: str
    by: str
    """What whoever decided is called."""
    why: str
    ends_at: datetime | None
    recipient: Recipient


class UntoldRoles(Protocol):
    """Where they are kept; `idp.storage.role_news` is it."""

    async def take_untold(self, tx: Transaction, now: datetime, limit: int) -> Sequence[RoleNews | None]:
        """Take some that nobody was told of yet, each once; None for one whose person is no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RolesTold:
    """Queues what people are told."""

    news: UntoldRoles
    clocks: Clocks
    queue: Queue
    page: str
    """Where people see their roles."""

    async def tell(self, tx: Transaction, now: datetime, limit: int) -> int:
        """Tell of some. Returns of how many; the caller pokes the queue afterwards."""
        untold = await self.news.take_untold(tx, now, limit)
        for one in untold:
            if one is not None and one.recipient.email is not None:
                await self._tell(tx, now, one, one.recipient.email)
        return len(untold)

    async def _tell(self, tx: Transaction, now: datetime, one: RoleNews, address: str) -> None:
        person = one.recipient
        facts = {"what": one.what, "role": one.role, "roles": self.page}
        if one.what != "over":
            facts |= {"by": one.by, "why": one.why}
        if one.what != "refused" and one.ends_at is not None:
            facts["until"] = one.ends_at.isoformat()
        notice = Notice(
            kind=NoticeKind.ROLE,
            user_id=person.user_id,
            to=address,
            locale=person.locale,
            name=person.name,
            facts={**facts, "at": now.isoformat(), "time_zone": await self.clocks.time_zone(tx, person.user_id)},
            correlation_id=new_correlation_id(),
        )
        await self.queue.put(tx, notice)
