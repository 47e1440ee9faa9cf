"""The worker `sweeper`: ends sessions whose time is over, tells of what nobody told yet, forgets what is over.

Told are logins that nobody finished, requests behind a person's back whose mail was not written at once, what became
of roles that were asked for, for a time, and that a recovery which waited leads in from now on.

Any number of them may run; they share the work by row locks. This is its composition root, at the rim of the identity
provider, since siblings meet here: sessions, logins, factors, links.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import structlog
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from config.clock import Clock, SystemClock
from config.connections import Database, Transaction, Valkey, open_database, open_valkey
from config.entropy import SystemEntropy
from config.envelope import Envelope
from config.pause import pause
from config.settings import Settings
from events import outbox
from idp.authorization.abandoned import Abandoned
from idp.authorization.attempts import EVERY as TOLD_EVERY
from idp.authorization.attempts import Attempts
from idp.clients.unused import UnusedClients
from idp.credentials.recovery import Recovery
from idp.credentials.waiting_recovery import KEPT as RECOVERIES_KEPT
from idp.devices.sign_in_history import KEPT_FOR, SignInHistory
from idp.factors.push_approval import KEPT as APPROVALS_KEPT
from idp.grants import lapsing
from idp.grants.asking import Asking
from idp.roles_told import KEPT as ROLES_KEPT
from idp.roles_told import RolesTold
from idp.rollout.daily import SETTLED
from idp.rollout.feedback import KEPT as FEEDBACK_KEPT
from idp.sessions.delivery import KEPT
from idp.sessions.machine_sessions import MachineSessions
from idp.sessions.not_me import NotMe
from idp.sessions.one_session import OneSession
from idp.sessions.received.security_event import KEPT as SIGNALS_KEPT
from idp.sessions.relying_parties import RelyingParties
from idp.sessions.session import SessionTimes
from idp.storage import (
    approval_requests,
    assisted_resets,
    attempts,
    client_register,
    deliveries,
    devices,
    directory,
    factors,
    feedback,
    machine_sessions,
    not_me_links,
    pending_grants,
    preferences,
    protocol_sweep,
    received_signals,
    recovery_links,
    role_news,
    sessions,
    sign_in_days,
    sign_in_history,
    waiting_recoveries,
)
from idp.waiting_recoveries import RecoveriesMoved
from notifications import queue
from notifications.queue import Queue

BATCH = 200
EVERY = 1.0
"""Seconds; an expired session is refused by every gateway at once, its end is told this much later at most."""
FORGET_EVERY = timedelta(minutes=1)
BATCHES = 25
"""Of sessions and of devices at once: 5000 a minute are forgotten, which is more than ever begin."""
UNUSED_KEPT = timedelta(days=1)
"""So long a device is kept on which nobody has signed in."""

_log = structlog.get_logger(__name__)

Batch = Callable[[Transaction], Awaitable[int]]


class Sweeper:
    """Sweeps; each batch is a transaction of its own."""

    def __init__(
        self,
        database: Database,
        valkey: Valkey,
        one_session: OneSession,
        machines: MachineSessions,
        abandoned: Abandoned,
        asking: Asking,
        unused: UnusedClients,
        roles: RolesTold,
        recoveries: RecoveriesMoved,
        clock: Clock,
    ) -> None:
        self._database = database
        self._valkey = valkey
        self._one_session = one_session
        self._machines = machines
        self._abandoned = abandoned
        self._asking = asking
        self._unused = unused
        self._roles = roles
        self._recoveries = recoveries
        self._clock = clock
        self._forgot_at: datetime | None = None

    async def step(self) -> int:
        """Sweep once. Returns how many sessions ended."""
        ended = await self._all(lambda tx: self._one_session.sweep(tx, sessions, limit=BATCH))
        ended += await self._all(lambda tx: self._machines.sweep(tx, limit=BATCH))
        told = await self._all(lambda tx: self._abandoned.sweep(tx, self._clock.now(), BATCH))
        told += await self._all(lambda tx: self._asking.tell(tx, self._clock.now(), BATCH))
        told += await self._all(lambda tx: self._roles.tell(tx, self._clock.now(), BATCH))
        told += await self._all(lambda tx: self._recoveries.step(tx, self._clock.now(), BATCH))
        if ended or told:
            await outbox.poke(self._valkey)
            await queue.poke(self._valkey)
        now = self._clock.now()
        if self._forgot_at is None or now - self._forgot_at >= FORGET_EVERY:
            self._forgot_at = now
            await self._forget(now)
        return ended

    async def _all(self, batch: Batch) -> int:
        total, swept = 0, BATCH
        while swept == BATCH:
            async with self._database.begin() as tx:
                swept = await batch(tx)
            total += swept
        return total

    async def _some(self, batch: Batch) -> None:
        """What may be much the first time: a bounded part of it, so that ends are not kept waiting."""
        for _ in range(BATCHES):
            async with self._database.begin() as tx:
                if await batch(tx) < BATCH:
                    return

    async def _measure(self, now: datetime) -> None:
        """Count days that are over, before the history forgets them."""
        for _ in range(BATCHES):
            async with self._database.begin() as tx:
                if not await sign_in_days.measure_next(tx, (now - SETTLED).date()):
                    return

    async def _forget(self, now: datetime) -> None:
        await self._some(lambda tx: lapsing.sweep(tx, pending_grants, now, BATCH))
        await self._some(lambda tx: self._recoveries.lapse(tx, now, BATCH))
        await self._some(lambda tx: assisted_resets.lapse(tx, now, BATCH))
        forgetting: tuple[Batch, ...] = (
            lambda tx: factors.sweep_challenges(tx, now),
            lambda tx: approval_requests.sweep(tx, now - APPROVALS_KEPT),
            lambda tx: protocol_sweep.sweep(tx, now),
            lambda tx: deliveries.sweep(tx, now - KEPT),
            lambda tx: received_signals.sweep(tx, now - SIGNALS_KEPT),
            lambda tx: not_me_links.sweep(tx, now),
            lambda tx: sign_in_history.sweep(tx, now),
            lambda tx: attempts.sweep(tx, now - TOLD_EVERY),
            lambda tx: role_news.sweep(tx, now - ROLES_KEPT),
            lambda tx: waiting_recoveries.sweep(tx, now - RECOVERIES_KEPT),
            lambda tx: sign_in_days.sweep(tx, now),
            lambda tx: feedback.sweep(tx, now - FEEDBACK_KEPT),
        )
        for batch in forgetting:
            async with self._database.begin() as tx:
                await batch(tx)
        await self._measure(now)
        await self._some(lambda tx: sessions.forget_ended(tx, now - KEPT_FOR, BATCH))
        await self._some(lambda tx: machine_sessions.forget_ended(tx, now - KEPT_FOR, BATCH))
        await self._some(lambda tx: devices.forget_unused(tx, now - UNUSED_KEPT, BATCH))
        await self._some(lambda tx: self._unused.sweep(tx, now, BATCH))
        await outbox.poke(self._valkey)


async def serve(settings: Settings, ready: Callable[[], None], stop: asyncio.Event) -> None:
    """Run `sweeper` until `stop`."""
    database, valkey = open_database(settings, "worker"), open_valkey(settings)
    try:
        sweeper = build_sweeper(settings, database, valkey, SystemClock())
        while not stop.is_set():
            try:
                await sweeper.step()
                ready()
            except (RedisError, SQLAlchemyError, OSError) as error:
                _log.warning("sweeping is held up", error=type(error).__name__)
            await pause(stop, EVERY)
    finally:
        await valkey.aclose()
        await database.dispose()


def build_sweeper(settings: Settings, database: Database, valkey: Valkey, clock: Clock) -> Sweeper:
    """Everything it is made of. A person is mailed of no end by time, so only relying parties and subscribers are."""
    entropy = SystemEntropy()
    times = SessionTimes(
        idle_timeout=timedelta(seconds=settings.session.idle_timeout),
        absolute_lifetime=timedelta(seconds=settings.session.absolute_lifetime),
    )
    notices = Queue(Envelope.load(settings), clock, entropy)
    not_me = NotMe(not_me_links, entropy, settings.idp.issuer)
    return Sweeper(
        database,
        valkey,
        OneSession(sessions, times, clock, entropy, (RelyingParties(deliveries, entropy),)),
        MachineSessions(machine_sessions, clock, entropy, absolute_lifetime=times.absolute_lifetime),
        Abandoned(
            attempts,
            Attempts(attempts, preferences, not_me, notices),
            SignInHistory(sign_in_history, clock, entropy),
        ),
        Asking(requests=pending_grants, clocks=preferences, queue=notices, issuer=settings.idp.issuer),
        UnusedClients(
            client_register,
            kept=timedelta(days=settings.idp.unused_clients_kept),
            longest_session=times.absolute_lifetime,
        ),
        RolesTold(news=role_news, clocks=preferences, queue=notices, page=settings.roles_page),
        RecoveriesMoved(
            recoveries=waiting_recoveries,
            recovery=Recovery(recovery_links, entropy, settings.idp.issuer),
            directory=directory,
            clocks=preferences,
            queue=notices,
        ),
        clock,
    )
