"""How a type of product is sold: strategies that are registered, and rows of types that name one.

A new type is a row (code, strategy, schema of its attributes); a new way of selling is one more strategy, handed to the
composition root. Neither is a migration.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Literal, Protocol

from config.connections import Transaction
from config.problem import Problem, ProblemType
from upstreams.commerce.catalogue.attributes import Schema, check, check_schema
from upstreams.commerce.catalogue.offers import Texts

NO_SUCH_STRATEGY = ProblemType(
    "MJ-COM-101",
    HTTPStatus.UNPROCESSABLE_ENTITY,
    "There is no such way of selling",
    "Name one of the strategies that GET /api/administration/types lists.",
)


@dataclass(frozen=True, slots=True)
class Strategy:
    """A way of selling."""

    code: str
    name: Texts
    act: Literal["order", "reserve"]
    """What a person does with it on the page of a product."""
    counted: Literal["here", "elsewhere", "nowhere"]
    """Who keeps its stock: commerce, another service, or nobody, since there is always one more."""
    attributes: Schema = field(default_factory=dict)
    """What every type of this strategy asks of its products, besides what its own schema does."""

    @property
    def orderable(self) -> bool:
        """Whether it is ordered here, from commerce's own stock."""
        return self.act == "order" and self.counted == "here"


REAL_TIME_SALE = Strategy("real_time_sale", {"ko": "실시간 판매", "en": "Real-time sale"}, act="order", counted="here")
RESERVATION = Strategy("reservation", {"ko": "예약", "en": "Reservation"}, act="reserve", counted="elsewhere")


@dataclass(frozen=True, slots=True)
class ProductKind:
    """A type of product, as its row says."""

    code: str
    strategy: str
    name: Texts
    attributes: Schema


class Strategies:
    """The strategies that are registered."""

    def __init__(self, registered: Iterable[Strategy] = (REAL_TIME_SALE, RESERVATION)) -> None:
        self._by_code: dict[str, Strategy] = {}
        for strategy in registered:
            if strategy.code in self._by_code:
                raise ValueError(f"{strategy.code} is registered twice")
            check_schema(strategy.attributes)
            self._by_code[strategy.code] = strategy

    def __iter__(self) -> Iterator[Strategy]:
        return iter(self._by_code.values())

    @property
    def codes(self) -> Sequence[str]:
        """The codes of all."""
        return list(self._by_code)

    def of(self, code: str) -> Strategy:
        """One of them. Raises the problem `NO_SUCH_STRATEGY`."""
        try:
            return self._by_code[code]
        except KeyError:
            raise Problem(NO_SUCH_STRATEGY) from None

    def wrong(self, kind: ProductKind, attributes: Mapping[str, Any]) -> list[str]:
        """What is wrong with the attributes of a product of this type; nothing where they fit."""
        own, demanded = kind.attributes, self.of(kind.strategy).attributes
        merged: Schema = {
            "type": "object",
            "properties": {**own.get("properties", {}), **demanded.get("properties", {})},
            "required": sorted({*own.get("required", ()), *demanded.get("required", ())}),
        }
        return check(merged, attributes)


class ProductKinds(Protocol):
    """The types that there are."""

    async def all(self, tx: Transaction) -> Sequence[ProductKind]:
        """Every type, in the order of their codes."""

    async def put(self, tx: Transaction, kind: ProductKind) -> None:
        """Make a type, or change one."""

    async def attributes_of(self, tx: Transaction, kind: str) -> Sequence[tuple[str, Mapping[str, Any]]]:
        """The code and the attributes of each of its products."""
