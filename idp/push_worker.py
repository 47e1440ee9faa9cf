"""The worker `push`: carries questions to people's devices. Any number may run; they share the work by leases."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog
from sqlalchemy.exc import SQLAlchemyError

from config import key_space
from config.clock import SystemClock
from config.connections import open_database, open_valkey
from config.entropy import SystemEntropy
from config.envelope import Envelope
from config.outbound import Outbound
from config.pause import pause
from config.settings import Settings
from events.bell import Bell, pokes
from idp.factors.push_courier import PushCourier
from idp.storage import approval_pushes, secrets
from notifications.web_push.vapid import Vapid

POLL = 1.0
"""Seconds between two looks where no poke is heard: a question is worth two minutes."""
_BACKOFF = 1.0

_log = structlog.get_logger(__name__)


async def serve(settings: Settings, ready: Callable[[], None], stop: asyncio.Event) -> None:
    """Run `push` until `stop`; what is under way then is finished first."""
    database, valkey = open_database(settings, "idp"), open_valkey(settings)
    envelope, clock, bell = Envelope.load(settings), SystemClock(), Bell()
    try:
        async with database.begin() as tx:
            vapid = Vapid.of(settings, await secrets.ensure(tx, "vapid", envelope, SystemEntropy(), clock.now()))
        courier = PushCourier(
            pushes=approval_pushes,
            database=database,
            envelope=envelope,
            vapid=vapid,
            outbound=Outbound.of(settings),
            clock=clock,
        )
        async with pokes(valkey, key_space.APPROVALS_POKE, bell.ring, backoff=_BACKOFF):
            ready()
            ringing = asyncio.create_task(bell.ring_at(stop))
            await _run(courier, bell, stop)
            await courier.drain()
            await ringing
    finally:
        await valkey.aclose()
        await database.dispose()


async def _run(courier: PushCourier, bell: Bell, stop: asyncio.Event) -> None:
    while not stop.is_set():
        rung = bell.next()
        try:
            busy = await courier.step()
        except (SQLAlchemyError, OSError) as error:
            _log.warning("pushes are held up", error=type(error).__name__)
            await pause(stop, _BACKOFF)
            continue
        if not busy and not stop.is_set():
            await pause(rung, POLL)
