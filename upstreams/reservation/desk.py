"""What a person asks of reservations: submit, confirm. Each is one transaction, then it is told."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

import msgspec
import structlog
from redis.exceptions import RedisError

from config.clock import Clock
from config.connections import Database, Transaction
from config.direct import hold, sharing
from config.entropy import Entropy
from config.problem import Problem
from upstreams.door.person import Person
from upstreams.reservation.admission import Admission, Answer, Key
from upstreams.reservation.changes import Changes
from upstreams.reservation.faults import NONE, Faults
from upstreams.reservation.gate import Gate
from upstreams.reservation.gatekeeping import Gatekeeper
from upstreams.reservation.happening import Event
from upstreams.reservation.life import NotInThatState
from upstreams.reservation.metrics import REFUSED_AT_THE_GATE
from upstreams.reservation.pace import TRUSTED, Pace
from upstreams.reservation.queue import RequestQueue, shard_of, shard_of_first
from upstreams.reservation.record import (
    NO_SUCH_RESERVATION,
    NOT_DECIDED,
    NOT_NOW,
    NOT_RESERVABLE,
    PAUSED,
    SOLD_OUT,
    TOO_FAST,
    Record,
    RecordLine,
)
from upstreams.reservation.request import Request, Reservable, ident_of
from upstreams.reservation.reservation import Reservation
from upstreams.reservation.results import Teller
from upstreams.reservation.stores import Stores
from upstreams.trade.allocation import Basket, Line, Taken, basket_of
from upstreams.trade.idempotency import digest_of

ON_ITS_WAY = (0.05, 0.1, 0.2, 0.4, 0.0)
"""Seconds between two looks for what the same key gives, where it was sent twice at the same moment."""
WRITING = 32
"""Requests that one process writes at the same time; more wait for their turn here, and not for a connection."""
AT_ONCE_AGAIN = {"Retry-After": "2"}
T = TypeVar("T")
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a person gets for asking: the record, and whose turn it is while it waits."""

    record: Record
    position: int | None

    def document(self) -> dict[str, Any]:
        """The record as programs read it, and while it waits whose turn it is: 1 is next."""
        return {**self.record.document(), "position": self.position}

    def json(self) -> bytes:
        return msgspec.json.encode(self.document())


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
        faults: Faults = NONE,
    ) -> None:
        self._database = database
        self._queue = queue
        self._gate = gate
        self._gatekeeper = Gatekeeper(database, stores, gate)
        self._teller = teller
        self._changes = Changes(stores)
        self._clock = clock
        self._entropy = entropy
        self._shards = shards
        self._stores = stores
        self._faults = faults
        self._writing = asyncio.Semaphore(WRITING)

    async def submit(self, person: Person, lines: Sequence[Line], key: str, pace: Pace = TRUSTED) -> Receipt:
        """The request, durable.

        Raises `SOLD_OUT`, `NOT_RESERVABLE`, `KEY_REUSED`, `TOO_FAST`, `PAUSED`; `ValueError` for impossible lines.
        """
        basket = basket_of(ident_of(self._clock.now(), self._entropy.uuid()), lines)
        digest = digest_of("reservation", {line.sku: _asked(line) for line in basket.lines})
        admission = await self._admit(basket, person, key, pace)
        if admission.answer is Answer.SOLD_OUT:
            if admission.key is not Key.NEW:
                found = await self._earlier(person, key, digest, on_its_way=admission.key is Key.ON_ITS_WAY)
                if found is not None:
                    return await self._receipt(found)
            REFUSED_AT_THE_GATE.labels("sold_out").inc()
            raise Problem(SOLD_OUT, private="the gate")
        async with self._writing:
            return await self._let_in(person, basket, key, digest)

    async def _let_in(self, person: Person, basket: Basket, key: str, digest: bytes) -> Receipt:
        await self._faults.at("gate_taken")
        shard = shard_of(basket, self._shards)
        written = False
        try:
            record, written = await self._write(person, basket, key, digest, shard)
        finally:
            if not written:
                await self._gate.give({line.sku: line.quantity for line in basket.lines})
        if not written:
            return await self._receipt(record)
        await self._faults.at("submitted")
        try:
            _, place = await asyncio.gather(
                self._gate.used([(person.id, key)]), self._queue.join(basket.id, shard, person.id)
            )
        except (RedisError, OSError) as error:
            # the request is durable: the reconciler puts it in once Valkey is back
            _log.warning("not_enqueued", request=str(basket.id), error=type(error).__name__)
            return Receipt(record, None)
        return Receipt(record, place)

    async def _earlier(self, person: Person, key: str, digest: bytes, *, on_its_way: bool) -> Record | None:
        """What this key gave; a moment is waited for one that is just being written."""
        for patience in ON_ITS_WAY if on_its_way else (0.0,):
            async with self._database.connect() as tx:
                earlier = await self._stores.keys.earlier(tx, person.id, key, digest)
                if earlier is not None and earlier.result is not None:
                    return await self._found(tx, earlier.result, person)
            await asyncio.sleep(patience)
        return None

    async def _admit(self, basket: Basket, person: Person, key: str, pace: Pace) -> Admission:
        try:
            admission = await self._gate.admit(basket, person.id, key, pace)
            if admission.answer is Answer.CLOSED and not admission.too_fast:
                await self._gatekeeper.count({line.sku for line in basket.lines})
                admission = await self._gate.admit(basket, person.id, key, pace)
        except (RedisError, OSError) as error:
            REFUSED_AT_THE_GATE.labels("closed").inc()
            raise Problem(PAUSED, private=type(error).__name__, headers=AT_ONCE_AGAIN) from error
        if admission.too_fast:
            REFUSED_AT_THE_GATE.labels("too_fast").inc()
            raise Problem(TOO_FAST, headers={"Retry-After": str(pace.seconds)})
        if admission.answer is Answer.CLOSED:
            raise Problem(NOT_RESERVABLE, private="no such thing")
        return admission

    async def _write(self, person: Person, basket: Basket, key: str, digest: bytes, shard: int) -> tuple[Record, bool]:
        """The request as it is, and whether it was written now; else it was before, under the same key."""
        now = self._clock.now()
        async with sharing(self._database) as tx:
            await hold(tx)
            earlier = await self._stores.keys.claim(tx, person.id, key, digest, now, result=basket.id)
            if earlier is not None:
                assert earlier.result is not None
                return await self._found(tx, earlier.result, person), False
            things = await self._stores.requests.reservable(tx, {line.sku for line in basket.lines})
            _require_reservable(basket, things)
            asked = Request(basket, person.id, person.organisation, shard)
            await self._stores.requests.submit(tx, asked, things, now)
        lines = [
            RecordLine(line.sku, things[line.sku].name, line.quantity, things[line.sku].price, line.seats, line.during)
            for line in basket.lines
        ]
        return Record(basket.id, person.id, "QUEUED", None, lines, now, None, None), True

    async def _receipt(self, record: Record) -> Receipt:
        return Receipt(record, await self.position(record) if record.state == "QUEUED" else None)

    async def position(self, record: Record) -> int | None:
        """Whose turn it is: 1 is next. None where it does not wait, or Valkey is away."""
        if record.state != "QUEUED":
            return None
        shard = shard_of_first(record.lines[0].sku, self._shards)
        try:
            return (await self._queue.positions(shard, [record.id])).get(record.id)
        except (RedisError, OSError):
            return None

    async def confirm(self, person: Person, ident: UUID) -> Record:
        """Keep for good what is held. Raises `NO_SUCH_RESERVATION`, `NOT_DECIDED`, `NOT_NOW`."""
        now = self._clock.now()
        async with self._database.begin() as tx:
            found = await self._locked(tx, ident, person)
            changed = await _possible(self._changes.confirm(tx, found, now, actor=person.id))
            record = await self._found(tx, ident, person)
        await self._tell(changed.events)
        return record

    async def expire(self, *, limit: int) -> int:
        """Give back what was held too long. Answers how many reservations."""
        now = self._clock.now()
        async with self._database.begin() as tx:
            due = await self._stores.reservations.due(tx, now, limit=limit)
            if not due:
                return 0
            changed = await self._changes.expire(tx, due, now)
        await self._tell(changed.events, changed.given_back)
        return len(due)

    async def _tell(self, events: Sequence[Event], given_back: Iterable[Taken] = ()) -> None:
        await self._faults.at("changed")
        await self._gate.give(units_of(given_back))
        await self._teller.tell(events)

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


def units_of(taken: Iterable[Taken]) -> Mapping[str, int]:
    """How many of each thing: what the gate may let in again."""
    units: Counter[str] = Counter()
    for one in taken:
        units[one.sku] += one.quantity
    return units


def _asked(line: Line) -> object:
    if not line.seats and line.during is None:
        return line.quantity
    return [line.quantity, sorted(line.seats), line.during and [line.during.start, line.during.end]]


def _require_reservable(basket: Basket, things: Mapping[str, Reservable]) -> None:
    for line in basket.lines:
        thing = things.get(line.sku)
        if thing is None:
            raise Problem(NOT_RESERVABLE, f"{line.sku} cannot be reserved.")
        if line.quantity > thing.limit:
            raise Problem(NOT_RESERVABLE, f"At most {thing.limit} of {line.sku} at once.")
        if (fault := thing.fault(line)) is not None:
            raise Problem(NOT_RESERVABLE, f"{line.sku}: {fault}")
    if len({thing.price.currency for thing in things.values()}) != 1:
        raise Problem(NOT_RESERVABLE, "What is reserved together is priced in one currency.")


async def _possible(change: Awaitable[T]) -> T:
    try:
        return await change
    except NotInThatState as error:
        raise Problem(NOT_NOW, f"It is {error.state}.") from error
