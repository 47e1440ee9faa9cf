"""One transaction decides hundreds: claim, lock, allocate, write, commit.

Whatever happens before the commit leaves everything as it was; after it, the same requests are found decided. So a
batch may be given any number of times, by any number of workers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import structlog
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from config.clock import Clock
from config.connections import Database
from config.entropy import Entropy
from upstreams.reservation.record import Record
from upstreams.reservation.stores import Stores
from upstreams.trade.allocation import allocate
from upstreams.trade.holds import Hold
from upstreams.trade.stock import Level

POISON = "cannot_be_decided"
"""The refusal of a request that fails whenever it is tried, alone too."""
_PASSING = ("40", "53", "55", "57", "08", "25006")
"""SQLSTATE classes that say nothing of the request: rollback, resources, in use, operator, connection, read-only."""
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Decided:
    """What a batch came to: the results to tell, and what is left of the things it touched."""

    results: Sequence[Record]
    levels: Mapping[str, Level]


class Batches:
    """Decides requests."""

    def __init__(
        self, database: Database, stores: Stores, clock: Clock, entropy: Entropy, *, hold_lifetime: float
    ) -> None:
        self._database = database
        self._clock = clock
        self._entropy = entropy
        self._hold_lifetime = timedelta(seconds=hold_lifetime)
        self._stores = stores

    async def decide(self, idents: Sequence[UUID]) -> Decided:
        """Decide those that are not decided, and answer with the results of all.

        A batch that fails for a reason of its own is split until the request at fault stands alone; that one is buried.
        Raises `DBAPIError` or `OSError` when the database is at fault: give the batch again later.
        """
        try:
            return await self._decide(idents)
        except DBAPIError as error:
            if is_passing(error):
                raise
            if len(idents) == 1:
                return await self._bury(idents[0], error)
        middle = len(idents) // 2
        first, second = await self.decide(idents[:middle]), await self.decide(idents[middle:])
        return Decided([*first.results, *second.results], {**first.levels, **second.levels})

    async def _decide(self, idents: Sequence[UUID]) -> Decided:
        now = self._clock.now()
        async with self._database.begin() as tx:
            claimed = await self._stores.requests.claim(tx, idents)
            levels: Mapping[str, Level] = {}
            if claimed:
                things = {line.sku for basket, _ in claimed for line in basket.lines}
                shelves = await self._stores.stock.lock(tx, things)
                outcomes = allocate([basket for basket, _ in claimed], shelves)
                persons = {basket.id: person for basket, person in claimed}
                granted = [
                    Hold(self._entropy.uuid(), persons[outcome.basket], outcome.taken, now + self._hold_lifetime)
                    for outcome in outcomes
                    if outcome.refusal is None
                ]
                baskets = [outcome.basket for outcome in outcomes if outcome.refusal is None]
                await self._stores.holds.open(tx, granted, now)
                await self._stores.requests.decide(tx, outcomes, now)
                await self._stores.reservations.open(
                    tx,
                    [(ident, hold.person, hold.id) for ident, hold in zip(baskets, granted, strict=True)],
                    now,
                )
                levels = await self._stores.stock.levels(tx, things)
            results = await self._stores.records.results(tx, idents)
        return Decided(results, levels)

    async def _bury(self, ident: UUID, error: DBAPIError) -> Decided:
        _log.error("request_buried", request=str(ident), error=type(error.orig).__name__)
        async with self._database.begin() as tx:
            await self._stores.requests.bury(tx, ident, POISON, self._clock.now())
            return Decided(await self._stores.records.results(tx, [ident]), {})


def is_passing(error: DBAPIError) -> bool:
    """Whether the same may go well later, with nothing changed about what was asked."""
    state = getattr(error.orig, "sqlstate", None)
    if state is None:
        return error.connection_invalidated or isinstance(error, OperationalError | InterfaceError)
    return str(state).startswith(_PASSING)
