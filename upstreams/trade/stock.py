"""Stock as the services see it: what is left, and how counts change."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from config.connections import Transaction
from upstreams.trade.allocation import Shelf

Kind = Literal[
    "receive",
    "adjust",
    "hold",
    "release",
    "expire",
    "confirm",
    "allocate",
    "cancel",
    "ship",
    "return",
    "transfer",
]


@dataclass(frozen=True, slots=True)
class Movement:
    """A change of one stock row, and what caused it. A cause moves one row at most once in each kind."""

    kind: Kind
    cause: str
    sku: str
    warehouse: str
    on_hand: int = 0
    held: int = 0
    allocated: int = 0


@dataclass(frozen=True, slots=True)
class Level:
    """What can be had of one thing, over its warehouses, and how often that has changed."""

    available: int
    version: int


@dataclass(frozen=True, slots=True)
class Row:
    """One stock row as an administrator sees it."""

    sku: str
    warehouse: str
    on_hand: int
    held: int
    allocated: int
    version: int


class Stock(Protocol):
    """The one place where counts change, each change with its movement."""

    async def lock(
        self, tx: Transaction, skus: Collection[str], *, warehouses: Collection[str] | None = None
    ) -> list[Shelf]:
        """The shelves of these things, locked until the transaction ends.

        Everybody locks in the order (sku, warehouse), so nobody waits in a circle. What has no shelf is left out.
        """

    async def move(self, tx: Transaction, movements: Sequence[Movement], now: datetime) -> None:
        """Change counts, each row once, and write down why. The rows must be locked already.

        Raises `IntegrityError` for a count below zero, for more promised than there is, and for a cause seen before.
        """

    async def rows(self, tx: Transaction, sku: str) -> Sequence[Row]:
        """The rows of one thing, unlocked: whoever changes one names the version that they saw."""

    async def adjust(self, tx: Transaction, seen: Row, on_hand: int, cause: str, now: datetime) -> bool:
        """Set what stands in one place, unless the row changed since it was seen: False then, and nothing is done.

        Raises `IntegrityError` for less than is promised.
        """

    async def receive(
        self, tx: Transaction, cause: str, quantities: Iterable[tuple[str, str, int]], now: datetime
    ) -> int:
        """Goods arrive: (sku, warehouse, quantity). Those that this cause brought before stay as they are.

        Answers how many rows were new.
        """

    async def moved(self, tx: Transaction, cause: str, kind: Kind) -> bool:
        """Whether this cause moved anything in this way before."""

    async def levels(self, tx: Transaction, skus: Collection[str] | None = None) -> Mapping[str, Level]:
        """What can be had now, by thing; of everything where `skus` is None."""
