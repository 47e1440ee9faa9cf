"""What is told of a request once its client has the answer: pages that are open, and mail, hear of it at once."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from config.clock import Clock
from config.connections import Database, Valkey
from events import outbox
from idp.endpoints.approvals.behind import BehindTheBack
from idp.grants.asking import Asking
from notifications import queue


@dataclass(frozen=True, slots=True, kw_only=True)
class BackchannelNotices:
    """Hastens what is kept to be told: the client's answer must not wait for what depends on the person."""

    asking: Asking
    behind: BehindTheBack
    database: Database
    valkey: Valkey
    clock: Clock

    async def tell(self, request_id: UUID) -> None:
        """Tell of one request. Where this never comes to pass, the worker `sweeper` tells of it."""
        await outbox.poke(self.valkey)
        async with self.database.begin() as tx:
            await self.asking.tell(tx, self.clock.now(), 1, only=request_id)
        await queue.poke(self.valkey)
        await self.behind.ask(request_id)
