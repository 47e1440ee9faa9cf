"""A request and what became of it, as its person sees it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any, Protocol
from uuid import UUID

import msgspec

from config.connections import Transaction
from config.problem import ProblemType
from upstreams.reservation.life import State
from upstreams.trade.allocation import Window
from upstreams.trade.money import Money

MAX_LINES = 20

SOLD_OUT = ProblemType(
    "MJ-RSV-001", HTTPStatus.CONFLICT, "There are not that many left", "Ask for fewer, or look again later."
)
NOT_RESERVABLE = ProblemType(
    "MJ-RSV-002",
    HTTPStatus.UNPROCESSABLE_ENTITY,
    "This cannot be reserved",
    "Load what is available again and ask for that, within the limit of each request.",
)
NO_SUCH_RESERVATION = ProblemType(
    "MJ-RSV-003", HTTPStatus.NOT_FOUND, "There is no such reservation", "Check the number of the reservation."
)
NOT_DECIDED = ProblemType(
    "MJ-RSV-004",
    HTTPStatus.CONFLICT,
    "The reservation is not decided yet",
    "Wait for its result; it comes within moments.",
)
ALREADY_CANCELLED = ProblemType(
    "MJ-RSV-005",
    HTTPStatus.CONFLICT,
    "The reservation is cancelled already",
    "Nothing more needs to be done.",
)
NOT_NOW = ProblemType(
    "MJ-RSV-006",
    HTTPStatus.CONFLICT,
    "The reservation is not in a state that allows this",
    "Read the reservation again; its state says what is possible.",
)

PAUSED = ProblemType(
    "MJ-RSV-007",
    HTTPStatus.SERVICE_UNAVAILABLE,
    "Reservations pause for a moment",
    "Send the same request again, with the same key, after a few seconds.",
)
TOO_FAST = ProblemType(
    "MJ-RSV-008",
    HTTPStatus.TOO_MANY_REQUESTS,
    "Too many requests in a short time",
    "Wait ten seconds and ask again. From a device that is known more is possible.",
)

TOO_MANY_PAGES = ProblemType(
    "MJ-RSV-009",
    HTTPStatus.TOO_MANY_REQUESTS,
    "Too many pages listen at once",
    "Close other windows of this account, or read the reservation itself.",
)
IF_MATCH_MISSING = ProblemType(
    "MJ-RSV-010",
    HTTPStatus.PRECONDITION_REQUIRED,
    "The change does not say what it is a change of",
    "Read it, and send its ETag as If-Match.",
)
CHANGED_MEANWHILE = ProblemType(
    "MJ-RSV-011",
    HTTPStatus.PRECONDITION_FAILED,
    "Somebody changed it meanwhile",
    "Read it again, and decide by what is there now.",
)


NOTHING_CHOSEN = ProblemType(
    "MJ-RSV-012",
    HTTPStatus.UNPROCESSABLE_ENTITY,
    "Nothing is chosen yet",
    "Choose something first.",
)


@dataclass(frozen=True, slots=True)
class RecordLine:
    """So many of one thing, at the price of the moment of asking."""

    sku: str
    name: Mapping[str, str]
    quantity: int
    unit_price: Money
    seats: Sequence[str] = ()
    """Those that were given, or asked for."""
    during: Window | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """One request, with its result where there is one."""

    id: UUID
    person: UUID
    state: State
    refusal: str | None
    lines: Sequence[RecordLine]
    requested_at: datetime
    decided_at: datetime | None
    expires_at: datetime | None
    """Until when it is held, while it is PENDING."""

    @property
    def total(self) -> Money:
        return Money(
            sum(line.unit_price.minor * line.quantity for line in self.lines), self.lines[0].unit_price.currency
        )

    def document(self) -> dict[str, Any]:
        """As programs read it; amounts are minor units."""
        return {
            "id": self.id,
            "state": self.state,
            "refusal": self.refusal,
            "lines": [
                {
                    "sku": line.sku,
                    "name": line.name,
                    "quantity": line.quantity,
                    "unit_price": line.unit_price.minor,
                    **({"seats": list(line.seats)} if line.seats else {}),
                    **({"starts_at": line.during.start, "ends_at": line.during.end} if line.during else {}),
                }
                for line in self.lines
            ],
            "currency": self.total.currency,
            "total": self.total.minor,
            "requested_at": self.requested_at,
            "decided_at": self.decided_at,
            "expires_at": self.expires_at,
        }

    def json(self) -> bytes:
        return msgspec.json.encode(self.document())


@dataclass(frozen=True, slots=True)
class Step:
    """One state that it came to."""

    state: State
    at: datetime
    reason: str = ""
    own: bool = False
    """Whether its person wanted it so."""


class Records(Protocol):
    """Requests with their results, read only. What belongs to somebody else is not found."""

    async def find(self, tx: Transaction, ident: UUID, person: UUID) -> Record | None:
        """One of this person's."""

    async def of(
        self,
        tx: Transaction,
        person: UUID,
        *,
        states: Collection[State] | None = None,
        before: UUID | None = None,
        limit: int = 50,
    ) -> Sequence[Record]:
        """A person's, the newest first: in some states alone, and those that were asked for before one of theirs."""

    async def history(self, tx: Transaction, record: Record) -> Sequence[Step]:
        """What became of it from its decision on, the oldest first."""

    async def to_tell(self, tx: Transaction, person: UUID, since: datetime, *, limit: int = 100) -> Sequence[Record]:
        """Results that a person's page has not acknowledged, and those decided since a moment; the newest first."""

    async def results(self, tx: Transaction, idents: Collection[UUID]) -> Sequence[Record]:
        """Whatever is decided of these, whoever's they are: for the worker that tells them."""
