"""Ending every session there is: after a restore, or a failover that may have lost commits (S7).

The composition root of `munjigi sessions end-all`. Each session ends as any other does: by `OneSession`, with its
event, its record, and what its relying parties and subscribers are told. People are not mailed: they did nothing, and
have only to sign in again; their open pages tell them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from audit import trail
from audit.trail import AuditEvent, Kind
from config.clock import Clock, SystemClock
from config.connections import Database, Valkey, open_database, open_valkey
from config.entropy import SystemEntropy
from config.settings import Settings
from config.web import new_correlation_id
from events import outbox
from idp.sessions.machine_sessions import MachineSessions
from idp.sessions.one_session import OneSession
from idp.sessions.relying_parties import RelyingParties
from idp.sessions.session import SessionTimes
from idp.storage import deliveries, machine_sessions, sessions, sessions_left

BATCH = 100
"""Sessions that end in one transaction."""
OPERATOR = "operator"
"""Who did it, on record: whoever may run a command on a machine of the house."""


class EverySession:
    """Ends what lives when it comes by. Interrupted, it is begun again: what has ended, has ended."""

    def __init__(self, database: Database, valkey: Valkey, one_session: OneSession, machines: MachineSessions) -> None:
        self._database = database
        self._valkey = valkey
        self._one_session = one_session
        self._machines = machines

    async def count(self) -> int:
        """How many have not ended."""
        async with self._database.connect() as tx:
            return await sessions_left.count(tx) + await machine_sessions.count(tx)

    async def end(self, why: str) -> AsyncIterator[int]:
        """End them; gives after each transaction how many ended in it. A session that begins meanwhile may live on."""
        correlation_id = new_correlation_id()
        async with self._database.begin() as tx:
            ordered = AuditEvent(
                kind=Kind.SESSION_END_ORDERED,
                correlation_id=correlation_id,
                actor=OPERATOR,
                subject="every session",
                details={"why": why, "reason": "administrator"},
            )
            await trail.record(tx, ordered)
        page = sessions_left.BEFORE_ALL
        while True:
            ended = 0
            async with self._database.begin() as tx:
                found, page = await sessions_left.page(tx, page, BATCH)
                for sid in sorted(found):  # whoever locks several does so in this order
                    gone = await self._one_session.end(tx, sid, "administrator", correlation_id=correlation_id)
                    ended += gone is not None
            if not found:
                break
            await outbox.poke(self._valkey)
            yield ended
        last = ""
        while True:
            async with self._database.begin() as tx:
                clients = await machine_sessions.page(tx, last, BATCH)
                for client_id in clients:
                    await self._machines.end_machine_sessions(
                        tx, client_id, "administrator", correlation_id=correlation_id
                    )
            if not clients:
                return
            last = clients[-1]
            await outbox.poke(self._valkey)
            yield len(clients)


@asynccontextmanager
async def every_session(settings: Settings, clock: Clock | None = None) -> AsyncIterator[EverySession]:
    """Everything it is made of."""
    entropy = SystemEntropy()
    times = SessionTimes(
        idle_timeout=timedelta(seconds=settings.session.idle_timeout),
        absolute_lifetime=timedelta(seconds=settings.session.absolute_lifetime),
    )
    database, valkey = open_database(settings, "idp"), open_valkey(settings)
    one_clock = clock or SystemClock()
    one_session = OneSession(sessions, times, one_clock, entropy, (RelyingParties(deliveries, entropy),))
    try:
        machines = MachineSessions(machine_sessions, one_clock, entropy, absolute_lifetime=times.absolute_lifetime)
        yield EverySession(database, valkey, one_session, machines)
    finally:
        await valkey.aclose()
        await database.dispose()
