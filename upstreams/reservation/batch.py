"""One transaction decides hundreds: claim, lock, allocate, write, commit.

Whatever happens before the commit leaves everything as it was; after it, the same requests are found decided. So a
batch may be given any number of times, by any number of workers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import perf_counter
from uuid import UUID

import asyncpg
import structlog
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from config.clock import Clock
from config.connections import Database, Transaction, is_away
from config.direct import hold, sharing
from config.entropy import Entropy
from upstreams.reservation.deciding import Decision, Placed, Shares, Wish, decide
from upstreams.reservation.faults import NONE, Faults
from upstreams.reservation.happening import Event, News, decided
from upstreams.reservation.lag import LAG
from upstreams.reservation.metrics import BATCH, BATCH_TIME, BURIED, DECIDED, GUARD, Heat
from upstreams.reservation.stores import Stores
from upstreams.trade.allocation import Window
from upstreams.trade.holds import Hold

POISON = "cannot_be_decided"
"""The refusal of a request that fails whenever it is tried, alone too."""
_PASSING = ("40", "53", "55", "57", "08", "25006")
"""SQLSTATE classes that say nothing of the request: rollback, resources, in use, operator, connection, read-only."""
REFUSALS = (DBAPIError, asyncpg.PostgresError, asyncpg.InterfaceError)
"""What the database says, through SQLAlchemy or past it."""
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Decided:
    """What a batch came to: the results to tell, and how many of each thing the gate let in for nothing."""

    events: Sequence[Event]
    refused: Mapping[str, int]


class Batches:
    """Decides requests."""

    def __init__(
        self,
        database: Database,
        stores: Stores,
        clock: Clock,
        entropy: Entropy,
        *,
        hold_lifetime: float,
        heat: Heat,
        faults: Faults = NONE,
    ) -> None:
        self._database = database
        self._clock = clock
        self._entropy = entropy
        self._hold_lifetime = timedelta(seconds=hold_lifetime)
        self._stores = stores
        self._heat = heat
        self._faults = faults

    async def decide(self, idents: Sequence[UUID]) -> Decided:
        """Decide those that are not decided, and answer with the results of all.

        A batch that fails for a reason of its own is split until the request at fault stands alone; that one is buried.
        Raises one of `REFUSALS`, or `OSError`, when the database is at fault: give the batch again later.
        """
        try:
            return await self._decide(idents)
        except REFUSALS as error:
            if is_passing(error):
                raise
            said = cause_of(error)
            if str(getattr(said, "sqlstate", "")).startswith("23"):
                GUARD.labels(str(getattr(said, "constraint_name", "") or "unnamed")).inc()
            if len(idents) == 1:
                return await self._bury(idents[0], said)
        middle = len(idents) // 2
        first, second = await self.decide(idents[:middle]), await self.decide(idents[middle:])
        return Decided([*first.events, *second.events], Counter(first.refused) + Counter(second.refused))

    async def _decide(self, idents: Sequence[UUID]) -> Decided:
        now, began = self._clock.now(), perf_counter()
        async with sharing(self._database) as tx:
            await hold(tx)
            wishes = await self._stores.waiting.claim(tx, idents)
            decisions = await self._serve(tx, wishes) if wishes else []
            events = await self._write(tx, decisions, now) if wishes else []
            if len(wishes) < len(idents):
                mine = {wish.basket.id for wish in wishes}
                earlier = [ident for ident in idents if ident not in mine]
                events = [*events, *await self._stores.happenings.latest(tx, earlier)]
            await self._faults.at("decided")
        self._measure(wishes, decisions, perf_counter() - began)
        return Decided(events, refused_units(wishes, decisions))

    def _measure(self, wishes: Sequence[Wish], decisions: Sequence[Decision], seconds: float) -> None:
        BATCH.observe(len(wishes))
        BATCH_TIME.observe(seconds)
        for outcome, count in Counter(one.refusal or "granted" for one in decisions).items():
            DECIDED.labels(str(outcome)).inc(count)
        now = self._clock.timestamp()
        LAG.note(now - wish.asked_at.timestamp() for wish in wishes if wish.asked_at is not None)
        self._heat.warm(line.sku for wish in wishes for line in wish.basket.lines)

    async def _serve(self, tx: Transaction, wishes: Sequence[Wish]) -> list[Decision]:
        """Lock what the requests are about, in the one order, and decide."""
        lines = {line for wish in wishes for line in wish.basket.lines}
        shapes = await self._stores.requests.shapes(tx, {line.sku for line in lines})
        resources = {code for code, shape in shapes.items() if shape.kind == "resource"}
        shelves = await self._stores.stock.lock(tx, shapes.keys() - resources)
        await self._stores.places.lock(tx, resources)
        seated = {code for code, shape in shapes.items() if shape.kind == "seated"}
        windows: dict[str, list[Window]] = {code: [] for code in resources}
        for line in lines:
            if line.during is not None and line.sku in windows:
                windows[line.sku].append(line.during)
        places = await self._stores.places.shown(tx, seated, windows) if seated or windows else None
        limits = {code: shape.limit_per_person for code, shape in shapes.items() if shape.limit_per_person}
        shares = None
        if limits:
            persons = {wish.person for wish in wishes}
            shares = Shares(limits, await self._stores.requests.had(tx, persons, limits.keys()))
        return decide(wishes, shelves, places, shares)

    async def _write(self, tx: Transaction, decisions: Sequence[Decision], now: datetime) -> Sequence[Event]:
        granted = [one for one in decisions if one.refusal is None]
        until = now + self._hold_lifetime
        # a reservation's hold bears its id: one is made for each, and a second one cannot be
        holds = [Hold(one.request, one.person, one.taken, until) for one in granted]
        await self._stores.holds.open(tx, holds, now, cause=f"batch:{self._entropy.uuid()}")
        await self._stores.places.take(
            tx, [Placed(one.request, one.seats, one.booked) for one in granted if one.seats or one.booked]
        )
        await self._stores.reservations.open(tx, [(one.request, one.person) for one in granted], now)
        # told by whoever has the entries of the stream: they are taken over until somebody did
        numbers = await self._stores.requests.decide(tx, decisions, now)
        return [Event(number, news) for number, news in zip(numbers, _news(decisions, until), strict=True)]

    async def _bury(self, ident: UUID, said: object) -> Decided:
        BURIED.inc()
        name, state = type(said).__name__, getattr(said, "sqlstate", None)
        _log.error("request_buried", request=str(ident), error=name)
        now = self._clock.now()
        async with self._database.begin() as tx:
            wishes = await self._stores.waiting.claim(tx, [ident])
            events: Sequence[Event] = []
            if wishes:
                await self._stores.requests.bury(tx, ident, POISON, now, error=name, sqlstate=state)
                body = {"state": "FAILED", "refusal": POISON}
                news = [News(wishes[0].person, ident, "failed", body)]
                events = await self._stores.happenings.write(tx, news, now, told=True)
        return Decided(events, _units(wishes))


def refused_units(wishes: Sequence[Wish], decisions: Sequence[Decision]) -> Mapping[str, int]:
    """How many of each thing were let in by the gate and not granted."""
    return _units(wish for wish, one in zip(wishes, decisions, strict=True) if one.refusal is not None)


def _units(wishes: Iterable[Wish]) -> Mapping[str, int]:
    units: dict[str, int] = {}
    for wish in wishes:
        for line in wish.basket.lines:
            units[line.sku] = units.get(line.sku, 0) + line.quantity
    return units


def _news(decisions: Sequence[Decision], until: datetime) -> list[News]:
    alike: dict[str | None, News] = {}
    """Those that differ in nothing but whom they are about share what is said."""
    news = []
    for one in decisions:
        if one.seats:
            news.append(decided(one.person, one.request, None, until, one.seats))
            continue
        like = alike.get(one.refusal)
        if like is None:
            like = alike[one.refusal] = decided(one.person, one.request, one.refusal, until)
        news.append(News(one.person, one.request, like.kind, like.body))
    return news


def cause_of(error: Exception) -> object:
    """What the driver said, where a layer above it tells."""
    return error.driver_exception if isinstance(error, DBAPIError) else error


def is_passing(error: Exception) -> bool:
    """Whether the same may go well later, with nothing changed about what was asked."""
    state = getattr(cause_of(error), "sqlstate", None)
    if state is None:
        broken = isinstance(error, DBAPIError) and error.connection_invalidated
        return broken or isinstance(error, OperationalError | InterfaceError) or is_away(error)
    return str(state).startswith(_PASSING)
