"""What a person asks of reservations: submit, confirm. Each is one transaction, then it is told."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from typing import TypeVar
from uuid import UUID

import structlog
from redis.exceptions import RedisError

from config.clock import Clock
from config.connections import Database, Transaction
from config.entropy import Entropy
from config.problem import Problem
from upstreams.door.person import Person
from upstreams.reservation.changes import Changes
from upstreams.reservation.gate import Gate
from upstreams.reservation.life import NotInThatState
from upstreams.reservation.queue import RequestQueue, shard_of
from upstreams.reservation.record import (
    NO_SUCH_RESERVATION,
    NOT_DECIDED,
    NOT_NOW,
    NOT_RESERVABLE,
    SOLD_OUT,
    Record,
)
from upstreams.reservation.request import Request, Reservable
from upstreams.reservation.reservation import Reservation
from upstreams.reservation.results import Teller
from upstreams.reservation.stores import Stores
from upstreams.trade.allocation import Basket, Line, basket_of
from upstreams.trade.idempotency import digest_of

T = TypeVar("T")
_log = structlog.get_logger(__name__)


class Desk:
    """Takes requests, and changes what was granted."""

    def __init__(
        self,
        database: Database,
        stores: Stores,
        queue: RequestQueue,
        gate: Gate,
        teller: Teller,
        clock: Clock,
        entropy: Entropy,
        *,
        shards: int,
    ) -> None:
        self._database = database
        self._queue = queue
        self._gate = gate
        self._teller = teller
        self._changes = Changes(stores)
        self._clock = clock
        self._entropy = entropy
        self._shards = shards
        self._stores = stores

    async def submit(self, person: Person, lines: Sequence[Line], key: str) -> Record:
        """The request, durable.

        Raises `SOLD_OUT`, `NOT_RESERVABLE`, `KEY_REUSED`; `ValueError` for impossible lines.
        """
        basket = basket_of(self._entropy.uuid(), lines)
        digest = digest_of("reservation", {line.sku: line.quantity for line in basket.lines})
        refused = await self._gate.refuses(basket)
        shard = shard_of(basket, self._shards)
        now = self._clock.now()
        async with self._database.begin() as tx:
            earlier = (
                await self._stores.keys.earlier(tx, person.id, key, digest)
                if refused
                else await self._stores.keys.claim(tx, person.id, key, digest, now)
            )
            if earlier is not None:
                assert earlier.result is not None
                return await self._found(tx, earlier.result, person)
            if refused:
                raise Problem(SOLD_OUT, private="the gate")
            things = await self._stores.requests.reservable(tx, {line.sku for line in basket.lines})
            _require_reservable(basket, things)
            asked = Request(basket, person.id, person.organisation, shard)
            await self._stores.requests.submit(tx, asked, things, now)
            await self._stores.keys.settle(tx, person.id, key, result=basket.id)
            record = await self._found(tx, basket.id, person)
        try:
            await self._queue.put([(basket.id, shard)])
        except (RedisError, OSError) as error:
            # the request is durable: the reconciler puts it in once Valkey is back
            _log.warning("not_enqueued", request=str(basket.id), error=type(error).__name__)
        return record

    async def confirm(self, person: Person, ident: UUID) -> Record:
        """Keep for good what is held. Raises `NO_SUCH_RESERVATION`, `NOT_DECIDED`, `NOT_NOW`."""
        now = self._clock.now()
        async with self._database.begin() as tx:
            found = await self._locked(tx, ident, person)
            changed = await _possible(self._changes.confirm(tx, found, now, actor=person.id))
            record = await self._found(tx, ident, person)
        await self._teller.tell(changed.events)
        return record

    async def expire(self, *, limit: int) -> int:
        """Give back what was held too long. Answers how many reservations."""
        now = self._clock.now()
        async with self._database.begin() as tx:
            due = await self._stores.reservations.due(tx, now, limit=limit)
            if not due:
                return 0
            changed = await self._changes.expire(tx, due, now)
            levels = await self._stores.stock.levels(tx, {taken.sku for taken in changed.given_back})
        await self._gate.show(levels)
        await self._teller.tell(changed.events)
        return len(due)

    async def _locked(self, tx: Transaction, ident: UUID, person: Person) -> Reservation:
        found = await self._stores.reservations.lock(tx, ident, person.id)
        if found is not None:
            return found
        record = await self._found(tx, ident, person)
        raise Problem(NOT_DECIDED if record.state == "QUEUED" else NOT_NOW, f"It is {record.state}.")

    async def _found(self, tx: Transaction, ident: UUID, person: Person) -> Record:
        record = await self._stores.records.find(tx, ident, person.id)
        if record is None:
            raise Problem(NO_SUCH_RESERVATION)
        return record


def _require_reservable(basket: Basket, things: Mapping[str, Reservable]) -> None:
    for line in basket.lines:
        thing = things.get(line.sku)
        if thing is None:
            raise Problem(NOT_RESERVABLE, f"{line.sku} cannot be reserved.")
        if line.quantity > thing.limit:
            raise Problem(NOT_RESERVABLE, f"At most {thing.limit} of {line.sku} at once.")
    if len({thing.price.currency for thing in things.values()}) != 1:
        raise Problem(NOT_RESERVABLE, "What is reserved together is priced in one currency.")


async def _possible(change: Awaitable[T]) -> T:
    try:
        return await change
    except NotInThatState as error:
        raise Problem(NOT_NOW, f"It is {error.state}.") from error
