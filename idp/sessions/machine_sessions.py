"""The only writer of the sessions of programs: one live one a client, begun on first use, ended for good.

Each act is one transaction of the caller's. Whoever begins one locks the client first, then the session.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol

from audit import trail
from audit.trail import AuditEvent, Kind
from config.clock import Clock
from config.connections import Transaction
from config.entropy import Entropy
from events import outbox
from idp.sessions.machine_session import MachineEndReason, MachineSession
from idp.sessions.one_session import SID_SIZE, SWEEPER


class MachineSessionStorage(Protocol):
    """What a storage of them must do."""

    async def live_of(self, tx: Transaction, client_id: str, known: tuple[object, ...]) -> MachineSession | None:
        """The session that has not ended of a client that is switched on and proves itself by what is `known`, to look
        at."""

    async def lock_client(self, tx: Transaction, client_id: str, known: tuple[object, ...]) -> bool:
        """Let nobody else begin one of this client, nor change it. False: it is switched off, or proves itself
        otherwise by now."""

    async def lock_live(self, tx: Transaction, client_id: str) -> MachineSession | None:
        """The client's session that has not ended, locked."""

    async def lock_expired(self, tx: Transaction, now: datetime, limit: int) -> list[MachineSession]:
        """Some past their limit that nobody has ended and nobody else holds, locked."""

    async def begin(self, tx: Transaction, session: MachineSession) -> None:
        """Keep a new one. Raises an integrity error where the client has one that has not ended."""

    async def change(self, tx: Transaction, session: MachineSession) -> None:
        """Keep the end of a locked one, or which of its tokens are revoked."""


class MachineSessions:
    """The acts upon them."""

    def __init__(
        self, storage: MachineSessionStorage, clock: Clock, entropy: Entropy, *, absolute_lifetime: timedelta
    ) -> None:
        self._storage = storage
        self._clock = clock
        self._entropy = entropy
        self._lifetime = absolute_lifetime

    async def join(
        self, tx: Transaction, client_id: str, known: tuple[object, ...]
    ) -> tuple[MachineSession, bool] | None:
        """The client's session, begun where none lives, and whether it was; None: no such client is switched on.

        `known` is what is registered of its proof where it was believed (`Client.proof`): a node that has not heard yet
        of another secret, or of other keys, gives whoever has the old ones nothing of a session that began since.

        One that lives is not locked: a token that is signed while it ends names a sid that ended, and is refused by it.
        """
        live = await self._storage.live_of(tx, client_id, known)
        if live is not None and live.lives(self._clock.now()):
            return live, False
        if not await self._storage.lock_client(tx, client_id, known):
            return None
        live = await self._storage.lock_live(tx, client_id)
        now = self._clock.now()
        if live is not None:
            if live.lives(now):
                return live, False
            await self._end(tx, live, "absolute", SWEEPER)
        session = MachineSession(
            sid=self._entropy.token(SID_SIZE),
            client_id=client_id,
            version=1,
            created_at=now,
            expires_at=now + self._lifetime,
            revoked_tokens={},
        )
        await self._storage.begin(tx, session)
        await self._tell(tx, session)
        return session, True

    async def hold(self, tx: Transaction, client_id: str, sid: str) -> MachineSession | None:
        """The client's session of this id, locked against its end; None where it does not live."""
        live = await self._storage.lock_live(tx, client_id)
        return live if live is not None and live.sid == sid and live.lives(self._clock.now()) else None

    async def end_machine_sessions(
        self, tx: Transaction, client_id: str, reason: MachineEndReason, *, correlation_id: str
    ) -> MachineSession | None:
        """End whatever session a client has: call it where the client is switched off, loses its secret or its keys, or
        is removed, in the same transaction and after the client itself was changed or locked.

        Every token of the session is dead with it, at every gateway and for introspection. Returns it as it ended; None
        where none lived.
        """
        live = await self._storage.lock_live(tx, client_id)
        return None if live is None else await self._end(tx, live, reason, correlation_id)

    async def revoke_token(
        self, tx: Transaction, client_id: str, sid: str, jti: str, over_at: int, *, correlation_id: str
    ) -> bool:
        """Revoke one access token (RFC 7009) until `over_at`, the epoch second of its `exp`. False: it was dead."""
        live = await self._storage.lock_live(tx, client_id)
        if live is None or live.sid != sid or not live.lives(self._clock.now()) or jti in live.revoked_tokens:
            return False
        after = live.without(jti, over_at, self._clock.now())
        if after is None:
            await self._end(tx, live, "revoked", correlation_id)
        else:
            await self._storage.change(tx, after)
            await self._tell(tx, after)
        return True

    async def sweep(self, tx: Transaction, *, limit: int) -> int:
        """End up to `limit` whose time is over. Returns how many."""
        found = await self._storage.lock_expired(tx, self._clock.now(), limit)
        for session in found:
            await self._end(tx, session, "absolute", SWEEPER)
        return len(found)

    async def _end(
        self, tx: Transaction, live: MachineSession, reason: MachineEndReason, correlation_id: str
    ) -> MachineSession:
        ended = live.ended(reason, self._clock.now())
        await self._storage.change(tx, ended)
        await self._tell(tx, ended)
        event = AuditEvent(
            kind=Kind.MACHINE_SESSION_ENDED,
            correlation_id=correlation_id,
            subject=ended.client_id,
            sid=ended.sid,
            details={"reason": ended.end_reason, "version": ended.version},
        )
        await trail.record(tx, event)
        return ended

    async def _tell(self, tx: Transaction, session: MachineSession) -> None:
        await outbox.append(tx, "session", session.sid, session.event())
