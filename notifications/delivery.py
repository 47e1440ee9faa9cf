"""The worker `mail`: delivers what is queued, mails and texts.

The root of `munjigi worker mail`; any number may run side by side.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog
from sqlalchemy.exc import SQLAlchemyError

from config import key_space
from config.clock import Clock, SystemClock
from config.connections import open_database, open_valkey
from config.entropy import SystemEntropy
from config.envelope import Envelope
from config.pause import pause
from config.settings import Settings, WrongSettings
from events.bell import Bell, pokes
from notifications.carriers import MailCarrier, TextCarrier
from notifications.courier import Carrier, Courier, Weather
from notifications.mail import Mails
from notifications.outcome import WrongAddress
from notifications.smtp import MailServer, Postman
from notifications.texts.chosen import provider_of

LANES = 2
"""Messages of each channel that one worker sends at once."""
POLL = 5.0
"""Seconds between two looks where no poke is heard."""
TIDY = 60.0
"""Seconds between two rounds of tidying up."""
_BACKOFF = 1.0
_LEAST = 0.05
_log = structlog.get_logger(__name__)


async def serve(settings: Settings, ready: Callable[[], None], stop: asyncio.Event) -> None:
    """Deliver until `stop`. Raises `WrongSettings` where the settings of mail or texts cannot be used."""
    server = MailServer.of(settings)
    try:
        mails = Mails(settings.mail.sender, settings.support)
    except WrongAddress as error:
        raise WrongSettings("MUNJIGI_MAIL__SENDER: it must be a mail address, with a name before it or not.") from error
    providers = [provider for _ in range(LANES) if (provider := provider_of(settings, SystemEntropy())) is not None]
    channels: list[list[Carrier]] = [
        [MailCarrier(mails, Postman(server, mails.domain)) for _ in range(LANES)],
        [TextCarrier(provider) for provider in providers],
    ]
    clock, bell, envelope = SystemClock(), Bell(), Envelope.load(settings)
    database, valkey = open_database(settings, "notifications"), open_valkey(settings)
    couriers = [
        [Courier(database, envelope, carrier, clock, weather) for carrier in carriers]
        for carriers, weather in ((carriers, Weather()) for carriers in channels if carriers)
    ]
    try:
        async with pokes(valkey, key_space.NOTIFICATIONS_POKE, bell.ring, backoff=_BACKOFF):
            ready()
            async with asyncio.TaskGroup() as lanes:
                lanes.create_task(bell.ring_at(stop))
                lanes.create_task(_tidy(couriers[0][0], stop))
                for of_channel in couriers:
                    for courier in of_channel:
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
