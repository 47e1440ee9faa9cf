"""The person is told by mail of the end of their session: at the rim, where sessions, directory and notices meet (S8).

Nobody is told of what they did themselves (signed out) or what time did (idle, absolute). Of a lock and of a
new password tells whoever does it, with what to do about it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from config.connections import Transaction
from idp.directory.account import Directory
from idp.directory.notice_to import notice_to
from idp.directory.preferences import Preferences
from idp.sessions.not_me import NotMe
from idp.sessions.session import EndReason, Session
from notifications.notice import NoticeKind
from notifications.queue import Queue

UNTOLD: Final[frozenset[EndReason]] = frozenset({"sign_out", "idle", "absolute", "account_lock", "password_change"})


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonTold:
    """`Concerned`: the person. Their mail waits in the transaction of the end; the worker `mail` carries it."""

    directory: Directory
    preferences: Preferences
    not_me: NotMe
    queue: Queue

    async def session_ended(self, tx: Transaction, ended: Session, correlation_id: str) -> None:
        """Queue the notice, with a link of "this wasn't me"."""
        reason, at = ended.end_reason, ended.ended_at
        if reason is None or at is None or reason in UNTOLD:
            return
        kind = NoticeKind.TAKEOVER if reason == "takeover" else NoticeKind.SESSION_ENDED
        account = await self.directory.account(tx, ended.user_id)
        if account is None or account.email is None or not await self.preferences.wants(tx, account.id, kind):
            return
        facts: Mapping[str, str] = {"reason": reason}
        if kind is NoticeKind.TAKEOVER:
            by = ended.ended_by or {}
            facts = {name: by.get(name, "") for name in ("device", "browser", "place")}
        notice = notice_to(
            account,
            account.email,
            kind,
            {
                **facts,
                "at": at.isoformat(),
                "time_zone": await self.preferences.time_zone(tx, account.id),
                "not_me": await self.not_me.link(tx, account.id, ended.sid, at),
            },
            correlation_id,
        )
        await self.queue.put(tx, notice)
