"""Answers incidents, within a second of their being on record. The root of `munjigi worker response`.

Any number may run; one works at a time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from prometheus_client import Counter
from sqlalchemy.exc import SQLAlchemyError

from config.clock import Clock, SystemClock
from config.connections import Database, Transaction, Valkey, open_database, open_valkey
from config.entropy import SystemEntropy
from config.pause import pause
from config.settings import Settings, WrongSettings
from config.web import new_correlation_id
from events import outbox
from policy.overlay.measure import WrongMeasure
from policy.overlay.ordering import FOR_RESPONSES, By, LastAdministrator, Orders, TooManyMeasures
from policy.response.responses import (
    SHIPPED,
    Incident,
    Response,
    WrongResponses,
    called_for,
    order_of,
    read_table,
    target_of,
)
from policy.storage.incidents import Incidents
from policy.storage.measures import Measures

LOOK_EVERY = 0.25
"""Seconds."""
WINDOW = timedelta(minutes=10)
"""What is older is answered no more: it was another situation."""
AT_A_TIME = 200

RESPONSES = Counter("munjigi_responses", "Incidents that a response was due for", ["trigger", "outcome"])
_log = structlog.get_logger(__name__)


async def serve(settings: Settings, ready: Callable[[], None], stop: asyncio.Event) -> None:
    """Answer until `stop`. Raises `WrongSettings` where the table of responses cannot be used."""
    try:
        responses = read_table(settings.policy.responses or SHIPPED)
    except WrongResponses as error:
        raise WrongSettings(f"MUNJIGI_POLICY__RESPONSES: {error}") from error
    database, valkey, clock = open_database(settings, "policy"), open_valkey(settings), SystemClock()
    orders = Orders(Measures(), SystemEntropy(), operator=str(settings.policy.operator))
    responder = Responder(responses, orders, Incidents(), database, valkey, clock)
    ready()
    try:
        while not stop.is_set():
            try:
                await responder.look()
            except (SQLAlchemyError, OSError, TimeoutError) as error:
                _log.warning("incidents_not_answered", error=type(error).__name__)
            await pause(stop, LOOK_EVERY)
    finally:
        await valkey.aclose()
        await database.dispose()


class Responder:
    """Takes the measures that incidents call for."""

    def __init__(
        self,
        responses: tuple[Response, ...],
        orders: Orders,
        incidents: Incidents,
        database: Database,
        valkey: Valkey,
        clock: Clock,
    ) -> None:
        self._responses = responses
        self._orders = orders
        self._incidents = incidents
        self._database = database
        self._valkey = valkey
        self._clock = clock

    async def look(self) -> int:
        """Answer what happened since the last look; says how many measures were taken."""
        now, taken = self._clock.now(), 0
        async with self._database.begin() as tx:
            if not await self._incidents.my_turn(tx):
                return 0
            for incident in await self._incidents.unanswered(tx, since=now - WINDOW, limit=AT_A_TIME):
                for response in called_for(self._responses, incident):
                    taken += await self._answer(tx, response, incident, now)
                await self._incidents.answered(tx, incident, now)
            await self._incidents.forget(tx, before=now - 2 * WINDOW)
        if taken:
            await outbox.poke(self._valkey)
        return taken

    async def _answer(self, tx: Transaction, response: Response, incident: Incident, now: datetime) -> bool:
        target = target_of(response, incident)
        if target is None or not await self._often_enough(tx, response, incident):
            return False
        trigger = response.on.value
        by = By(f"response:{trigger}", new_correlation_id(), most=FOR_RESPONSES)
        try:
            made = await self._orders.take_once(tx, order_of(response, target, incident), by, now)
        except (WrongMeasure, LastAdministrator, TooManyMeasures) as error:
            RESPONSES.labels(trigger, "refused").inc()
            _log.warning("response_not_taken", trigger=trigger, reason=type(error).__name__, record=incident.id)
            return False
        RESPONSES.labels(trigger, "stands_already" if made is None else "taken").inc()
        return made is not None

    async def _often_enough(self, tx: Transaction, response: Response, incident: Incident) -> bool:
        if response.after == 1:
            return True
        since = incident.at - timedelta(seconds=response.within)
        alike = [
            other
            for other in await self._incidents.of_kind(tx, incident.kind, since=since, until=incident)
            if called_for((response,), other) and target_of(response, other) == target_of(response, incident)
        ]
        return len(alike) >= response.after
