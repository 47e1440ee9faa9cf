"""The worker `mail`: delivers what is queued. The root of `munjigi worker mail`; any number may run side by side."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog
from sqlalchemy.exc import SQLAlchemyError

from config import key_space
from config.clock import Clock, SystemClock
from config.connections import open_database, open_valkey
from config.envelope import Envelope
from config.pause import pause
from config.settings import Settings, WrongSettings
from events.bell import Bell, pokes
from notifications.courier import Courier, Weather
from notifications.mail import Mails, WrongAddress
from notifications.smtp import MailServer, Postman

LANES = 2
"""Mails that one worker sends at once."""
POLL = 5.0
"""Seconds between two looks where no poke is heard."""
TIDY = 60.0
"""Seconds between two rounds of tidying up."""
_BACKOFF = 1.0
_LEAST = 0.05
_log = structlog.get_logger(__name__)


async def serve(settings: Settings, ready: Callable[[], None], stop: asyncio.Event) -> None:
    """Deliver until `stop`. Raises `WrongSettings` where the mail settings cannot be used."""
    server = MailServer.of(settings)
    try:
        mails = Mails(settings.mail.sender, settings.support)
    except WrongAddress as error:
        raise WrongSettings("MUNJIGI_MAIL__SENDER: it must be a mail address, with a name before it or not.") from error
    clock, weather, bell, envelope = SystemClock(), Weather(), Bell(), Envelope.load(settings)
    database, valkey = open_database(settings, "notifications"), open_valkey(settings)
    couriers = [Courier(database, envelope, mails, Postman(server, mails.domain), clock, weather) for _ in range(LANES)]
    try:
        async with pokes(valkey, key_space.NOTIFICATIONS_POKE, bell.ring, backoff=_BACKOFF):
            ready()
            async with asyncio.TaskGroup() as lanes:
                lanes.create_task(bell.ring_at(stop))
                lanes.create_task(_tidy(couriers[0], stop))
                for courier in couriers:
                    lanes.create_task(_lane(courier, bell, clock, stop))
    finally:
        await valkey.aclose()
        await database.dispose()


async def _lane(courier: Courier, bell: Bell, clock: Clock, stop: asyncio.Event) -> None:
    while not stop.is_set():
        rung = bell.next()
        try:
            await courier.deliver_due(stop)
            due = await courier.next_due()
        except (SQLAlchemyError, OSError) as error:
            _log.warning("mail_not_delivered", error=type(error).__name__)
            await pause(stop, _BACKOFF)
            continue
        wait = POLL if due is None else min(POLL, (due - clock.now()).total_seconds())
        if not stop.is_set():
            await pause(rung, max(wait, _LEAST))


async def _tidy(courier: Courier, stop: asyncio.Event) -> None:
    while not stop.is_set():
        try:
            await courier.tidy()
        except (SQLAlchemyError, OSError) as error:
            _log.warning("mails_not_tidied", error=type(error).__name__)
        await pause(stop, TIDY)
