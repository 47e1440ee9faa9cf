"""What whoever keeps a warehouse does: receive, put right, transfer; each with its cause, once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from config.clock import Clock
from config.connections import Database, Transaction
from config.problem import Problem, ProblemType
from upstreams.commerce.catalogue.editing import CHANGED_MEANWHILE
from upstreams.commerce.stocking.forecast import WINDOW, Forecast, Rule, forecast
from upstreams.trade.stock import Movement, Row, Stock

PROMISED = ProblemType(
    "MJ-COM-124",
    HTTPStatus.CONFLICT,
    "More is promised than would be left",
    "Leave as many as are held and allocated, or end those promises first.",
)
NO_SUCH_SHELF = ProblemType(
    "MJ-COM-125",
    HTTPStatus.NOT_FOUND,
    "There is no such SKU or warehouse",
    "Check both codes; a vendor sees its own warehouses alone.",
)


@dataclass(frozen=True, slots=True)
class Sold:
    """How one thing sold from one place, day by day, today first; and since when it has been there."""

    sku: str
    warehouse: str
    available: int
    by_day: Sequence[int]
    known_days: int


@dataclass(frozen=True, slots=True)
class Low:
    """A thing that runs low in one place."""

    sku: str
    warehouse: str
    available: int
    per_day: float
    days_left: float | None
    raised_at: datetime


@dataclass(frozen=True, slots=True)
class Moved:
    """One movement as it was written."""

    id: int
    kind: str
    cause: str
    sku: str
    warehouse: str
    on_hand: int
    held: int
    allocated: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Wrong:
    """A row whose counts its movements, or its holds, do not add up to."""

    sku: str
    warehouse: str
    field: str
    """`on_hand`, `held` or `allocated` against the movements; `holds`: `held` against the open holds."""
    counted: int
    proven: int


class Keeping(Protocol):
    """What is known of stock besides its counts."""

    async def warehouses(self, tx: Transaction, seller: UUID | None) -> Mapping[str, UUID]:
        """Warehouses and whose they are; of one seller, or all."""

    async def sold(
        self, tx: Transaction, since: datetime, *, sku: str | None, warehouses: Sequence[str] | None
    ) -> Sequence[Sold]:
        """How things sold since a moment, by days that end at the hour of that moment."""

    async def rules(self, tx: Transaction) -> Mapping[str, Rule]:
        """The rules of things that have one of their own."""

    async def put_rule(self, tx: Transaction, sku: str, rule: Rule) -> bool:
        """Set when a thing is low; False where there is no such thing."""

    async def warn(self, tx: Transaction, low: Sequence[tuple[str, str, Forecast]], now: datetime) -> tuple[int, int]:
        """These run low, and nothing else does: raise what is new, end what is over. Answers how many of each."""

    async def warnings(self, tx: Transaction, warehouses: Sequence[str] | None) -> Sequence[Low]:
        """What runs low now, the shortest first."""

    async def movements(
        self, tx: Transaction, sku: str, warehouses: Sequence[str], *, before: int | None, limit: int
    ) -> Sequence[Moved]:
        """How counts came about, the newest first."""

    async def wrong(self, tx: Transaction) -> Sequence[Wrong]:
        """Every count that is not what its movements and holds add up to."""

    async def prove(self, tx: Transaction, wrong: Sequence[Wrong], now: datetime) -> None:
        """Write down what a proof found, with how much it looked at."""

    async def proofs(self, tx: Transaction, *, limit: int) -> Sequence[Mapping[str, Any]]:
        """The last proofs, the newest first."""

    async def proven_at(self, tx: Transaction) -> datetime | None:
        """When the last proof was."""

    async def expired(self, tx: Transaction, now: datetime, *, limit: int) -> Sequence[UUID]:
        """Holds whose time is over and which no purchase has, locked; what others have locked is theirs to end."""


@dataclass(frozen=True, slots=True)
class Warehousing:
    """The acts of keeping stock."""

    stock: Stock
    keeping: Keeping
    clock: Clock

    async def receive(self, tx: Transaction, cause: str, sku: str, warehouse: str, quantity: int) -> Row:
        """Goods arrive; a cause brings them once. Raises `NO_SUCH_SHELF`."""
        try:
            async with tx.begin_nested():
                await self.stock.receive(tx, cause, [(sku, warehouse, quantity)], self.clock.now())
        except IntegrityError as error:
            raise Problem(NO_SUCH_SHELF) from error
        return await self.row(tx, sku, warehouse)

    async def correct(self, tx: Transaction, cause: str, seen: Row, on_hand: int) -> Row:
        """Set what stands there to what was counted. Raises `CHANGED_MEANWHILE` and `PROMISED`."""
        try:
            async with tx.begin_nested():
                done = await self.stock.adjust(tx, seen, on_hand, cause, self.clock.now())
        except IntegrityError as error:
            raise Problem(PROMISED, f"{seen.held + seen.allocated} are promised.") from error
        if not done:
            raise Problem(CHANGED_MEANWHILE)
        return await self.row(tx, seen.sku, seen.warehouse)

    async def transfer(
        self, tx: Transaction, cause: str, sku: str, source: str, target: str, quantity: int
    ) -> tuple[Row, Row]:
        """Carry some from one warehouse to another, in one step. Raises `PROMISED` and `NO_SUCH_SHELF`."""
        now = self.clock.now()
        try:
            async with tx.begin_nested():
                # a shelf for it, where there is none yet
                await self.stock.receive(tx, f"{cause}:shelf", [(sku, target, 0)], now)
                await self.stock.lock(tx, [sku])
                moves = [
                    Movement("transfer", cause, sku, source, on_hand=-quantity),
                    Movement("transfer", cause, sku, target, on_hand=quantity),
                ]
                await self.row(tx, sku, source)
                await self.stock.move(tx, moves, now)
        except IntegrityError as error:
            if "never_oversold" in str(error) or "on_hand" in str(error):
                raise Problem(PROMISED) from error
            raise Problem(NO_SUCH_SHELF) from error
        return await self.row(tx, sku, source), await self.row(tx, sku, target)

    async def row(self, tx: Transaction, sku: str, warehouse: str) -> Row:
        """The counts of one thing in one place. Raises `NO_SUCH_SHELF`."""
        for row in await self.stock.rows(tx, sku):
            if row.warehouse == warehouse:
                return row
        raise Problem(NO_SUCH_SHELF)

    async def forecasts(
        self, tx: Transaction, *, sku: str | None = None, warehouses: Sequence[str] | None = None
    ) -> list[tuple[str, str, Forecast]]:
        """How long things last, by place."""
        since = self.clock.now() - timedelta(days=WINDOW)
        sold = await self.keeping.sold(tx, since, sku=sku, warehouses=warehouses)
        return [(one.sku, one.warehouse, forecast(one.available, one.by_day, one.known_days)) for one in sold]

    async def look(self, tx: Transaction) -> tuple[int, int]:
        """Raise and end warnings. Answers how many of each."""
        rules = await self.keeping.rules(tx)
        low = [
            (sku, warehouse, one) for sku, warehouse, one in await self.forecasts(tx) if one.low(rules.get(sku, Rule()))
        ]
        return await self.keeping.warn(tx, low, self.clock.now())

    async def prove(self, database: Database) -> Sequence[Wrong]:
        """Hold every count against what its movements and holds add up to, as of one moment; write the proof down."""
        snapshot = database.execution_options(isolation_level="REPEATABLE READ")
        async with snapshot.begin() as tx:
            wrong = await self.keeping.wrong(tx)
            await self.keeping.prove(tx, wrong, self.clock.now())
        return wrong
