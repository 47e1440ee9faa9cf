"""The part of the composition root that takes shared signals of others, pushed or polled, and the worker `signals`.

Any number of workers may run; they share the work by leases. They have the identity provider's database role, because
what they take ends sessions, and what they show at a poll is sealed with its key.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

import structlog
from sqlalchemy.exc import SQLAlchemyError

from config.clock import Clock, SystemClock
from config.connections import Database, Valkey, open_database, open_valkey
from config.entropy import Entropy, SystemEntropy
from config.envelope import Envelope
from config.outbound import Outbound
from config.pause import pause
from config.settings import Settings
from idp.person_told import PersonTold
from idp.sessions.not_me import NotMe
from idp.sessions.one_session import OneSession
from idp.sessions.received.intake import Intake
from idp.sessions.received.poller import Poller
from idp.sessions.received.reception import Reception
from idp.sessions.relying_parties import RelyingParties
from idp.sessions.session import SessionTimes
from idp.storage import (
    deliveries,
    directory,
    logins,
    not_me_links,
    preferences,
    received_signals,
    remembered,
    sessions,
    signal_transmitters,
)
from jose.published_keys import PublishedKeys
from notifications.queue import Queue

EVERY = 1.0
"""Seconds between two looks at who is due."""

_log = structlog.get_logger(__name__)


def intake(
    settings: Settings, database: Database, valkey: Valkey, clock: Clock, one_session: OneSession, keys: PublishedKeys
) -> Intake:
    """Everything between a token and what follows from it."""
    return Intake(
        keys=keys,
        reception=Reception(
            log=received_signals,
            subjects=received_signals.StoredSubjects(settings.idp.issuer),
            sessions=sessions,
            one_session=one_session,
            logins=logins,
            remembered=remembered,
            clock=clock,
        ),
        transmitters=signal_transmitters,
        database=database,
        valkey=valkey,
        clock=clock,
    )


def poller(
    settings: Settings, database: Database, valkey: Valkey, clock: Clock, entropy: Entropy, asks: Outbound
) -> Poller:
    """Everything that a poll is made of. People are told by mail of the ends that follow."""
    envelope = Envelope.load(settings)
    times = SessionTimes(
        idle_timeout=timedelta(seconds=settings.session.idle_timeout),
        absolute_lifetime=timedelta(seconds=settings.session.absolute_lifetime),
    )
    not_me = NotMe(not_me_links, entropy, settings.idp.issuer)
    told = PersonTold(
        directory=directory, preferences=preferences, not_me=not_me, queue=Queue(envelope, clock, entropy)
    )
    one_session = OneSession(sessions, times, clock, entropy, (RelyingParties(deliveries, entropy), told))
    return Poller(
        transmitters=signal_transmitters,
        intake=intake(settings, database, valkey, clock, one_session, PublishedKeys(asks.fetch, clock)),
        outbound=asks,
        envelope=envelope,
        database=database,
        clock=clock,
    )


async def serve(settings: Settings, ready: Callable[[], None], stop: asyncio.Event) -> None:
    """Run `signals` until `stop`."""
    database, valkey = open_database(settings, "idp"), open_valkey(settings)
    asks = Outbound.of(settings)
    try:
        polls = poller(settings, database, valkey, SystemClock(), SystemEntropy(), asks)
        while not stop.is_set():
            try:
                seconds = 0.0 if await polls.step() else EVERY
                ready()
            except (SQLAlchemyError, OSError) as error:
                _log.warning("polling is held up", error=type(error).__name__)
                seconds = EVERY
            await pause(stop, seconds)
    finally:
        await valkey.aclose()
        await database.dispose()
