"""The only writer of sessions: it begins, takes over, extends and ends them, so that each person has at most one.

Each act is one transaction of the caller's. Whoever begins or joins a session first locks the person, then sessions;
whoever locks several sessions does so in the order of their ids; whoever only ends or extends one locks that session
alone: locks are always taken in this order, so nobody waits in a circle. The moment of an act is read after its locks
were granted: history is in the order of the commits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from audit import trail
from config.clock import Clock
from config.connections import Transaction
from config.entropy import Entropy
from events import outbox
from idp.sessions import record
from idp.sessions.keeping import Concerned, ExpiredSessions, SessionStorage
from idp.sessions.session import EndReason, Session, SessionTimes, Visitor

SID_SIZE = 16
"""Bytes of randomness in a session id; base64url makes 22 characters of them."""
SWEEPER = "sweeper"
"""What stands for a correlation id where no exchange asked for an end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Beginning:
    """A full authentication that wants a session."""

    user_id: UUID
    organisation_id: UUID
    cookie_hash: bytes
    """SHA-256 of the session cookie that this browser is about to get."""
    visitor: Visitor
    amr: tuple[str, ...]
    acr: str
    authenticated_at: datetime
    correlation_id: str


@dataclass(frozen=True, slots=True)
class Began:
    """The person's one session is this one now."""

    session: Session
    ended: Session | None
    """The session that was taken over."""


@dataclass(frozen=True, slots=True)
class AnotherLives:
    """Nothing happened: the person's one session is this one, and nobody said that it may end."""

    live: Session


@dataclass(frozen=True, slots=True)
class MayNotSignIn:
    """Nothing happened: the account is locked, or gone."""


Outcome = Began | AnotherLives | MayNotSignIn
Obstacle = Literal["none", "expired", "agreed", "in_the_way"]


class OneSession:
    """The acts upon sessions. `concerned` are told of every end, whatever its reason, in its own transaction."""

    def __init__(
        self,
        storage: SessionStorage,
        times: SessionTimes,
        clock: Clock,
        entropy: Entropy,
        concerned: Sequence[Concerned],
    ) -> None:
        self._storage = storage
        self._times = times
        self._clock = clock
        self._entropy = entropy
        self._concerned = concerned

    async def begin(
        self,
        tx: Transaction,
        beginning: Beginning,
        *,
        expected_sid: str | None = None,
        leaving: str | None = None,
    ) -> Outcome:
        """Begin the person's session.

        `expected_sid` is the live session that the person saw and agreed to end: that one ends for it, in the same
        transaction, and no other one of theirs does. An expired session that nobody has swept ends first, too.
        `leaving` is another person's session whose cookie this browser loses by it, so that nobody could end it any
        more: it ends as well. Where nothing begins, nothing ends.
        """
        if not await self._storage.lock_person(tx, beginning.user_id):
            return MayNotSignIn()
        found = await self._storage.lock_live(tx, beginning.user_id, leaving)
        live = next((session for session in found if session.user_id == beginning.user_id), None)
        left = next((session for session in found if session.user_id != beginning.user_id), None)
        now = self._clock.now()
        obstacle = in_the_way(live, expected_sid, now)
        ended = None
        if live is not None and obstacle != "none":
            if obstacle == "in_the_way":
                return AnotherLives(live)
            now = max(now, live.created_at)
            ended = await self._end(tx, live, "takeover", beginning.visitor.told(), now, beginning.correlation_id)
        session = self._new(beginning, now)
        await self._storage.begin(tx, session)
        await self._tell(tx, session)
        await trail.record(tx, record.began(session, ended, beginning.correlation_id))
        if left is not None:
            await self._end(tx, left, "sign_out", None, now, beginning.correlation_id)
        return Began(session, ended if obstacle == "agreed" else None)

    async def end(
        self,
        tx: Transaction,
        sid: str,
        reason: EndReason,
        *,
        correlation_id: str,
        ended_by: Visitor | None = None,
    ) -> Session | None:
        """End a session for good. Returns it as it ended; `None` if there is none, or it had ended before."""
        live = await self._storage.lock(tx, sid)
        if live is None:
            return None
        told = ended_by.told() if ended_by else None
        return await self._end(tx, live, reason, told, self._clock.now(), correlation_id)

    async def end_person(
        self,
        tx: Transaction,
        user_id: UUID,
        reason: EndReason,
        *,
        correlation_id: str,
        ended_by: Visitor | None = None,
        sparing: str | None = None,
    ) -> Session | None:
        """End whatever session a person has, for an act upon the person: a lock, a new password, a removed device.

        It locks the person first, so that no session of theirs begins until the transaction is over. `sparing` is the
        sid of a session that may live on. Returns the session as it ended; `None` where none did.
        """
        await self._storage.lock_person(tx, user_id)  # whether they may still sign in is of no matter to an end
        told = ended_by.told() if ended_by else None
        ended = None
        for live in await self._storage.lock_live(tx, user_id, None):
            if live.sid != sparing:
                ended = await self._end(tx, live, reason, told, self._clock.now(), correlation_id)
        return ended

    async def authenticated_again(
        self,
        tx: Transaction,
        user_id: UUID,
        sid: str,
        *,
        cookie_hash: bytes,
        amr: tuple[str, ...],
        acr: str,
        authenticated_at: datetime,
    ) -> Session | None:
        """Note that the person of a live session proved again who they are; `None` if it does not live.

        `cookie_hash` is that of the new cookie that the browser is about to get: whoever has the old one is not
        stronger by it (OWASP ASVS 5.0, 7.2.4).
        """
        if not await self._storage.lock_person(tx, user_id):
            return None
        live = await self._storage.lock(tx, sid)
        if live is None or live.user_id != user_id or not live.lives(self._clock.now()):
            return None
        changed = live.proven(cookie_hash=cookie_hash, amr=amr, acr=acr, authenticated_at=authenticated_at)
        await self._storage.change(tx, changed)
        await self._tell(tx, changed)
        return changed

    async def weaken(self, tx: Transaction, sid: str) -> Session | None:
        """Let a second factor that was proven in a live session count no more: what demands one asks for it again.

        `None` if it does not live. Tokens that were given out keep what they say until they expire.
        """
        live = await self._storage.lock(tx, sid)
        if live is None or not live.lives(self._clock.now()):
            return None
        weaker = live.weakened()
        if weaker.acr == live.acr:
            return live
        await self._storage.change(tx, weaker)
        await self._tell(tx, weaker)
        return weaker

    async def revoke_tokens(
        self, tx: Transaction, sid: str, name: str, over_at: int, *, correlation_id: str
    ) -> Session | None:
        """Revoke one access token by its `jti`, or all of a `grant` (RFC 7009), until they are over at `over_at`, an
        epoch second. The session lives on, unless more is revoked in it than is kept. `None`: it was dead already."""
        live = await self._storage.lock(tx, sid)
        now = self._clock.now()
        if live is None or not live.lives(now) or name in live.revoked_tokens:
            return None
        after = live.without(name, over_at, now)
        if after is None:
            return await self._end(tx, live, "response", None, now, correlation_id)
        await self._storage.change(tx, after)
        await self._tell(tx, after)
        return after

    async def touch(
        self, tx: Transaction, sid: str, at: datetime, *, held: timedelta = timedelta()
    ) -> Literal["extended", "waits", "nothing"]:
        """Carry activity at `at` into the session. A small step `waits` until the caller has `held` it long enough."""
        live = await self._storage.lock(tx, sid)
        if live is None:
            return "nothing"
        now = self._clock.now()
        after = live.touched(at, now, self._times)
        if after is None:
            return "nothing"
        if not live.must_tell(after, held, now):
            return "waits"
        await self._storage.change(tx, after)
        await self._tell(tx, after)
        return "extended"

    async def sweep(self, tx: Transaction, expired: ExpiredSessions, *, limit: int) -> int:
        """End up to `limit` sessions whose time is over. Returns how many."""
        now = self._clock.now()
        found = await expired.lock_expired(tx, now, limit)
        for session in found:
            await self._end(tx, session, "idle", None, now, SWEEPER)
        return len(found)

    def _new(self, beginning: Beginning, now: datetime) -> Session:
        absolute = now + self._times.absolute_lifetime
        return Session(
            sid=self._entropy.token(SID_SIZE),
            user_id=beginning.user_id,
            organisation_id=beginning.organisation_id,
            version=1,
            cookie_hash=beginning.cookie_hash,
            visitor=beginning.visitor,
            amr=beginning.amr,
            acr=beginning.acr,
            authenticated_at=beginning.authenticated_at,
            created_at=now,
            last_activity_at=now,
            idle_expires_at=min(now + self._times.idle_timeout, absolute),
            absolute_expires_at=absolute,
        )

    async def _end(
        self,
        tx: Transaction,
        live: Session,
        reason: EndReason,
        ended_by: dict[str, str] | None,
        now: datetime,
        correlation_id: str,
    ) -> Session:
        ended = live.ended(reason, ended_by, now)
        await self._storage.change(tx, ended)
        await self._tell(tx, ended)
        await trail.record(tx, record.ended(ended, correlation_id))
        for concerned in self._concerned:
            await concerned.session_ended(tx, ended, correlation_id)
        return ended

    async def _tell(self, tx: Transaction, session: Session) -> None:
        await outbox.append(tx, "session", session.sid, session.event())


def in_the_way(live: Session | None, expected_sid: str | None, now: datetime) -> Obstacle:
    """Whether the session that has not ended lets another one begin."""
    if live is None:
        return "none"
    if not live.lives(now):
        return "expired"
    return "agreed" if live.sid == expected_sid else "in_the_way"
