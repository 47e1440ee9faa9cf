"""The API of reservations described (OpenAPI 3.1): what is asked, what is answered, and what it is refused for."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from typing import Any
from uuid import UUID

import msgspec

from config.openapi import Api, Details, Header, Operation, document
from upstreams.door.answers import NOT_UNDERSTOOD
from upstreams.reservation import record as problems
from upstreams.reservation.deciding import Kind
from upstreams.reservation.endpoints.administration import BASE, AskedSeats, AskedSlots, AskedStock
from upstreams.reservation.endpoints.asked import Asked
from upstreams.reservation.endpoints.events import STREAM
from upstreams.reservation.endpoints.money_description import MONEY_DETAILS, MONEY_OPERATIONS
from upstreams.reservation.life import State
from upstreams.trade.idempotency import HEADER, KEY_MISSING, KEY_REUSED


class LineDocument(msgspec.Struct):
    """So many of one thing, at the price of the moment of asking, in minor units."""

    sku: str
    name: dict[str, str]
    quantity: int
    unit_price: int
    seats: list[str] = []
    starts_at: datetime | None = None
    ends_at: datetime | None = None


class ReservationDocument(msgspec.Struct):
    """A request and what became of it."""

    id: UUID
    state: State
    refusal: str | None
    """Why it got nothing: `sold_out`, `taken`, `limit_per_person`, `unknown_sku`, `cannot_be_decided`."""
    lines: list[LineDocument]
    currency: str
    total: int
    requested_at: datetime
    decided_at: datetime | None
    expires_at: datetime | None
    """Until when it is held, while it is PENDING."""
    position: int | None = None
    """Whose turn it is, while it is QUEUED: 1 is next."""


class ReservationList(msgspec.Struct):
    """A person's reservations, the newest first."""

    reservations: list[ReservationDocument]
    next: UUID | None = None
    """The last one here, where there are more: `before` it they go on."""


class Available(msgspec.Struct):
    """How many there are of one thing."""

    sku: str
    available: int


class Availabilities(msgspec.Struct):
    """How many there are of everything."""

    skus: list[Available]


class OfferDocument(msgspec.Struct):
    """One thing that can be reserved; a slot where it has a time."""

    sku: str
    product: UUID
    kind: Kind
    name: dict[str, str]
    starts_at: datetime | None
    ends_at: datetime | None
    currency: str
    price: int
    unit_minutes: int | None
    limit_per_request: int
    limit_per_person: int | None
    available: int | None


class OfferList(msgspec.Struct):
    """What can be reserved."""

    offers: list[OfferDocument]


class SeatDocument(msgspec.Struct):
    """One seat."""

    seat: str
    free: bool


class SeatList(msgspec.Struct):
    """The seats of a thing, the best first."""

    seats: list[SeatDocument]


class Span(msgspec.Struct):
    """From a moment until just before another."""

    starts_at: datetime
    ends_at: datetime


class Times(msgspec.Struct):
    """When a resource is taken, and the unit that it is let by."""

    unit_minutes: int
    taken: list[Span]


class EventText(msgspec.Struct):
    """An event stream; each event is JSON with `kind`, `id`, `state`, and `event`, the number to come back with."""


class StockDocument(msgspec.Struct):
    """The counts of one thing in one place."""

    sku: str
    warehouse: str
    on_hand: int
    held: int
    allocated: int
    version: int
    available: int


class SlotList(msgspec.Struct):
    """The slots that are new."""

    slots: list[str]


class NewSeats(msgspec.Struct):
    """How many seats are new."""

    new: int


class DeadLetterDocument(msgspec.Struct):
    """A request that could not be decided."""

    id: int
    request: UUID
    person: UUID
    error: str
    sqlstate: str | None
    buried_at: datetime
    retried_at: datetime | None
    retried_by: UUID | None


class DeadLetterList(msgspec.Struct):
    """Dead letters, the newest first."""

    dead_letters: list[DeadLetterDocument]


class Retried(msgspec.Struct):
    """It waits again."""

    request: UUID
    position: int


_ONE = "/reservations/{id}"
_SPAN = (("from", "A moment (RFC 3339)"), ("until", "A later moment, at most 92 days"))
_LIST = (("show", "`waiting`, `held`, `confirmed`, `cancelled` or `ended`"), ("before", "The id of one of them"))
OPERATIONS = (
    Operation("POST", "/reservations", "Ask, all or nothing", ReservationDocument, Asked, HTTPStatus.ACCEPTED),
    Operation("GET", "/reservations", "One's own reservations", ReservationList, query=_LIST),
    Operation("GET", _ONE, "One of one's own", ReservationDocument),
    Operation("POST", f"{_ONE}/confirm", "Keep for good what is held", ReservationDocument),
    Operation("GET", "/reservations/events", "Results as they come", EventText, media=STREAM),
    Operation("GET", "/reservations/availability", "What can be had", Availabilities),
    Operation("GET", "/reservations/offers", "What can be reserved", OfferList, query=(("product", "Its id"), *_SPAN)),
    Operation("GET", "/reservations/offers/{sku}/seats", "The seats of a thing", SeatList),
    Operation("GET", "/reservations/offers/{sku}/times", "When a resource is taken", Times, query=_SPAN),
    Operation("GET", BASE + "/stock/{sku}/{warehouse}", "Counts (administrators)", StockDocument),
    Operation("PUT", BASE + "/stock/{sku}/{warehouse}", "Set a count (administrators)", StockDocument, AskedStock),
    Operation("POST", BASE + "/slots", "Lay slots out (administrators)", SlotList, AskedSlots, HTTPStatus.CREATED),
    Operation(
        "POST", BASE + "/offers/{sku}/seats", "Put seats (administrators)", NewSeats, AskedSeats, HTTPStatus.CREATED
    ),
    Operation(
        "GET", BASE + "/dead-letters", "Dead letters (administrators)", DeadLetterList, query=(("before", "A number"),)
    ),
    Operation(
        "POST", BASE + "/dead-letters/{id}/retry", "Try one again (administrators)", Retried, status=HTTPStatus.ACCEPTED
    ),
    *MONEY_OPERATIONS,
)
"""Every route of the API but the websocket, which OpenAPI has no words for, and what providers and their pages ask."""
_API = Api(
    title="Reservations",
    description="Asked for by many at once, decided in order of arrival. Amounts are in minor units.",
    base="",
)
_KEY = Header(HEADER, "Fresh for each new request; the same one repeats it", required=True, example="2f1c7b9ad0e1")
_PREFER = Header("Prefer", "`wait`: the result at once, where nobody waits before (RFC 7240)", example="wait")
_LAST = Header("Last-Event-ID", "The number of the last event that is known")
_MATCH = Header("If-Match", "The ETag that it is a change of", required=True, example='"7"')
_TAG = Header("ETag", "The version, to name in If-Match")
_CHANGED = (problems.NO_SUCH_RESERVATION, problems.NOT_DECIDED, problems.NOT_NOW)
_DETAILS = {
    **MONEY_DETAILS,
    ("POST", "/reservations"): Details(
        asks=(_KEY, _PREFER),
        answers=(Header("Location", "Where the reservation is read"),),
        problems=(
            problems.SOLD_OUT,
            problems.NOT_RESERVABLE,
            problems.PAUSED,
            problems.TOO_FAST,
            KEY_MISSING,
            KEY_REUSED,
            NOT_UNDERSTOOD,
        ),
        example={"lines": [{"sku": "SEAT-MOON-CONCERT", "quantity": 2}]},
    ),
    ("GET", _ONE): Details(problems=(problems.NO_SUCH_RESERVATION,)),
    ("POST", f"{_ONE}/confirm"): Details(problems=_CHANGED),
    ("GET", "/reservations/events"): Details(asks=(_LAST,), problems=(problems.TOO_MANY_PAGES,)),
    ("GET", "/reservations/offers/{sku}/times"): Details(needed=frozenset({"from", "until"})),
    ("GET", BASE + "/stock/{sku}/{warehouse}"): Details(answers=(_TAG,)),
    ("PUT", BASE + "/stock/{sku}/{warehouse}"): Details(
        asks=(_MATCH,), answers=(_TAG,), problems=(problems.IF_MATCH_MISSING, problems.CHANGED_MEANWHILE)
    ),
}

ADDRESS = "/reservations/openapi.json"
"""Where it is shown."""


def described() -> dict[str, Any]:
    """The document."""
    return document(_API, OPERATIONS, lambda one: _DETAILS.get((one.method, one.path), Details()))
