"""Keeps the stored cookie sessions true: ended with their sessions, dropped when they are over."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from config.clock import Clock
from config.connections import Database, Transaction
from gateway.callers.cookie_check import CookieCheck
from gateway.sessions.near_cache import EndedSession

OVERLAP = timedelta(seconds=10)
"""How far each look at what ended elsewhere reaches back beyond the last one: a transaction may commit late."""
KEPT_AFTER = timedelta(days=1)
"""How long one that is over is kept, so that its person is told why."""

BATCH = 500
"""Ended sessions written down in one transaction."""


class CookieSessionStorage(Protocol):
    """What upkeep needs of the store of cookie sessions."""

    async def end_of_session(
        self, tx: Transaction, sid: str, *, reason: str, ended_by: Mapping[str, Any] | None, now: datetime
    ) -> int:
        """End all that stood for one session."""

    async def forget_over(self, tx: Transaction, *, before: datetime) -> int:
        """Drop the old ones."""


class SignInStorage(Protocol):
    """What upkeep needs of the store of sign-ins."""

    async def forget_over(self, tx: Transaction, *, now: datetime) -> int:
        """Drop those that nobody finished."""


class CookieUpkeep:
    """Works in rounds; `ended` is told at once and only remembers."""

    def __init__(
        self,
        *,
        database: Database,
        cookie_sessions: CookieSessionStorage,
        sign_ins: SignInStorage,
        cookies: CookieCheck,
        clock: Clock,
    ) -> None:
        self._database = database
        self._cookie_sessions = cookie_sessions
        self._sign_ins = sign_ins
        self._cookies = cookies
        self._clock = clock
        self._ended: dict[str, EndedSession] = {}
        self._looked_at = clock.now()

    def ended(self, session: EndedSession) -> None:
        """A session ended; its cookie sessions do so in the next round. Requests are refused already."""
        self._ended[session.sid] = session

    async def end_with_sessions(self) -> None:
        """Write down what `ended` was told. In order of their ids: no two processes wait for each other in a circle."""
        waiting = sorted(self._ended)
        for begin in range(0, len(waiting), BATCH):
            ended = [self._ended[sid] for sid in waiting[begin : begin + BATCH]]
            async with self._database.begin() as tx:
                for session in ended:
                    await self._cookie_sessions.end_of_session(
                        tx,
                        session.sid,
                        reason=session.reason or "session_ended",
                        ended_by=session.ended_by,
                        now=datetime.fromtimestamp(session.at, UTC),
                    )
            for session in ended:
                if self._ended.get(session.sid) is session:
                    del self._ended[session.sid]

    async def look_for_ended_elsewhere(self) -> None:
        """Drop from memory what another process ended."""
        now = self._clock.now()
        await self._cookies.forget_ended_elsewhere(self._looked_at - OVERLAP)
        self._looked_at = now

    async def forget_over(self) -> None:
        """Drop rows that nobody needs any more."""
        now = self._clock.now()
        async with self._database.begin() as tx:
            await self._sign_ins.forget_over(tx, now=now)
            await self._cookie_sessions.forget_over(tx, before=now - KEPT_AFTER)
