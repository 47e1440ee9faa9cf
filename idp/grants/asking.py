"""People are told by mail that a client asks for them: with the way to the page, and with nothing that lets one in.

A request is kept with the mark that its person is still to be told, whether or not its hint named anybody: keeping it
takes as long for a name that nobody has. Who takes the mark away queues the mail in the same transaction, so it is
queued exactly once, whatever crashes meanwhile: the provider at once after its answer, or else the worker `sweeper`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol
from uuid import UUID

from config.connections import Transaction
from idp.authorization.attempts import Recipient
from idp.directory.preferences import Clocks
from idp.grants.pending import PendingGrant
from notifications.notice import Notice, NoticeKind
from notifications.queue import Queue

PAGE: Final = "/account/requests"
"""Where people answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UntoldRequest:
    """One of which nobody was told yet."""

    pending: PendingGrant
    tell_as: str
    """The correlation id of the mail."""
    recipient: Recipient | None
    """Whoever is asked, if they may sign in; None: there is nobody."""
    app: Mapping[str, str]
    """What the client is called, by language."""


class UntoldRequests(Protocol):
    """Where they are kept."""

    async def take_untold(self, tx: Transaction, limit: int, *, only: UUID | None = None) -> list[UntoldRequest]:
        """Take the mark from some that nobody else holds, or from `only` this one (`request_id`). Returns them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """Queues what people are told."""

    requests: UntoldRequests
    clocks: Clocks
    queue: Queue
    issuer: str

    async def tell(self, tx: Transaction, now: datetime, limit: int, *, only: UUID | None = None) -> int:
        """Tell of some requests, or of `only` that one. Returns of how many; the caller pokes the queue afterwards."""
        untold = await self.requests.take_untold(tx, limit, only=only)
        for one in untold:
            person = one.recipient
            if person is not None and person.email is not None and one.pending.waits(now):
                await self._tell(tx, now, one, person, person.email)
        return len(untold)

    async def _tell(self, tx: Transaction, now: datetime, one: UntoldRequest, person: Recipient, address: str) -> None:
        pending = one.pending
        left = pending.expires_at - now
        notice = Notice(
            kind=NoticeKind.SIGN_IN_REQUEST,
            user_id=person.user_id,
            to=address,
            locale=person.locale,
            name=person.name,
            facts={
                "app": one.app.get(person.locale, pending.client_id),
                "message": pending.binding_message,
                "at": pending.created_at.isoformat(),
                "time_zone": await self.clocks.time_zone(tx, person.user_id),
                "minutes": str(max(1, round(left.total_seconds() / 60))),
                "requests": self.issuer + PAGE,
            },
            correlation_id=one.tell_as,
        )
        await self.queue.put(tx, notice, expires_in=left)
