"""Notices to the person of an account about what was changed in it: queued in the transaction of the change."""

from __future__ import annotations

from starlette.requests import Request

from config.clock import Clock
from config.connections import Transaction, Valkey
from config.web import correlation_id
from events import outbox
from idp.directory.notice_to import notice_to
from idp.directory.preferences import Preferences
from idp.endpoints.account.door import Person
from idp.sessions.not_me import NotMe
from notifications import queue
from notifications.notice import NoticeKind
from notifications.queue import Queue


class Letters:
    """Puts notices into the queue, with the way to say "this wasn't me"."""

    def __init__(self, queue: Queue, not_me: NotMe, preferences: Preferences, valkey: Valkey, clock: Clock) -> None:
        self._queue = queue
        self._not_me = not_me
        self._preferences = preferences
        self._valkey = valkey
        self._clock = clock

    async def put(self, tx: Transaction, request: Request, person: Person, kind: NoticeKind, **facts: str) -> None:
        """Tell the person, where they have an address and want to know."""
        account = person.account
        if account.email is None or not await self._preferences.wants(tx, account.id, kind):
            return
        now = self._clock.now()
        link = await self._not_me.link(tx, account.id, person.session.sid, now)
        notice = notice_to(
            account,
            account.email,
            kind,
            {**facts, "at": now.isoformat(), "time_zone": person.zone, "not_me": link},
            correlation_id(request),
        )
        await self._queue.put(tx, notice)

    async def poke(self) -> None:
        """Wake whoever carries what was written; call it after the commit. It never fails."""
        await outbox.poke(self._valkey)
        await queue.poke(self._valkey)
