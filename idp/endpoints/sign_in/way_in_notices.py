"""Notices about the way in: a link of recovery, a new password, a stolen memory of a browser."""

from __future__ import annotations

from datetime import datetime

from starlette.requests import Request

from config.connections import Transaction, Valkey
from config.web import correlation_id
from events import outbox
from idp.credentials.recovery import LIFETIME
from idp.credentials.waiting_recovery import WaitingRecovery
from idp.directory.account import Account
from idp.directory.notice_to import notice_to
from idp.directory.preferences import Preferences
from idp.endpoints.login.arrivals import visitor
from idp.sessions.not_me import NotMe
from notifications import queue
from notifications.notice import NoticeKind
from notifications.queue import Queue


class WayInNotices:
    """Puts notices into the queue. A person without a mail address is told nothing."""

    def __init__(self, queue: Queue, not_me: NotMe, preferences: Preferences, valkey: Valkey) -> None:
        self._queue = queue
        self._not_me = not_me
        self._preferences = preferences
        self._valkey = valkey

    async def recovery(self, tx: Transaction, account: Account, link: str, reference: str) -> None:
        """Somebody asked to get back in."""
        minutes = str(int(LIFETIME.total_seconds() // 60))
        await self._put(tx, account, NoticeKind.RECOVERY, {"recovery": link, "minutes": minutes}, reference)

    async def waiting(
        self, tx: Transaction, account: Account, to: str, waits: WaitingRecovery, stop: str, zone: str
    ) -> None:
        """Somebody who lost every factor begins to wait; `stop`: the address by which their person stops it."""
        facts = {
            **{name: waits.asked_from.get(name, "") for name in ("device", "browser", "place", "network")},
            "at": waits.asked_at.isoformat(),
            "ready": waits.ready_at.isoformat(),
            "time_zone": zone,
            "stop": stop,
        }
        await self._put(tx, account, NoticeKind.RECOVERY_WAITING, facts, waits.correlation_id, to=to)

    async def happened(
        self, tx: Transaction, request: Request, account: Account, kind: NoticeKind, now: datetime, **more: str
    ) -> None:
        """Something happened to the account just now, by this request; with a link of "this wasn't me"."""
        if account.email is None:
            return
        told = {**visitor(request, None).told(), "at": now.isoformat()}
        facts = {
            **({name: told[name] for name in ("device", "browser", "place")} | more if more else {}),
            "at": now.isoformat(),
            "time_zone": await self._preferences.time_zone(tx, account.id),
            "not_me": await self._not_me.link(tx, account.id, None, now, told=told),
        }
        await self._put(tx, account, kind, facts, correlation_id(request))

    async def poke(self) -> None:
        """Wake whoever carries what was written; call it after the commit. It never fails."""
        await outbox.poke(self._valkey)
        await queue.poke(self._valkey)

    async def _put(
        self,
        tx: Transaction,
        account: Account,
        kind: NoticeKind,
        facts: dict[str, str],
        reference: str,
        *,
        to: str | None = None,
    ) -> None:
        address = to or account.email
        if address is None:
            return
        await self._queue.put(
            tx,
            notice_to(account, address, kind, facts, reference),
        )
