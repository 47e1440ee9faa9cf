"""What programs and forms ask of carts, orders, sellers and money, and who may."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from starlette.requests import Request

from config.problem import Problem
from jose.assertion_middleware import assertion_of
from upstreams.commerce.ordering.purchase import MAX_LINES, MAX_QUANTITY, Destination, PayingMethod
from upstreams.door.answers import NOT_UNDERSTOOD
from upstreams.door.person import Person, person_of

PHONE = r"^(\+[1-9][0-9]{7,14})?$"
Quantity = Annotated[int, msgspec.Meta(ge=1, le=MAX_QUANTITY)]
LINE = r"^[^\x00-\x1f\x7f]*$"
"""Text of one line; PostgreSQL keeps no NUL."""
TEXT = r"^[^\x00]*$"
Reason = Annotated[str, msgspec.Meta(max_length=500, pattern=TEXT)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=100, pattern=LINE)]
Texts = dict[Literal["ko", "en"], Name]
MOST = 100
"""Rows of one page of a list."""


class AskedLine(msgspec.Struct, forbid_unknown_fields=True):
    """So many of one offer."""

    offer: UUID
    quantity: Quantity


class AskedDestination(msgspec.Struct, forbid_unknown_fields=True):
    """To whom and where it is delivered."""

    recipient: Annotated[str, msgspec.Meta(min_length=1, max_length=60, pattern=LINE)]
    postcode: Annotated[str, msgspec.Meta(pattern="^[0-9]{5}$")]
    address: Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=LINE)]
    detail: Annotated[str, msgspec.Meta(max_length=100, pattern=LINE)] = ""
    phone: Annotated[str, msgspec.Meta(pattern=PHONE)] = ""

    def destination(self) -> Destination:
        return Destination(self.recipient, self.phone, self.postcode, self.address, self.detail)


class AskedOrder(msgspec.Struct, forbid_unknown_fields=True):
    """The body of an order. Without a destination everything is collected at its seller's."""

    lines: Annotated[list[AskedLine], msgspec.Meta(min_length=1, max_length=MAX_LINES)]
    destination: AskedDestination | None = None
    methods: dict[UUID, str] = {}
    """By seller, how it delivers; its first choice where it is not named."""
    paying: PayingMethod = "card"
    agreed: int | None = None
    """The total that the person saw; another one is refused."""


class AskedItem(msgspec.Struct, forbid_unknown_fields=True):
    """So many more of one offer."""

    offer: UUID
    quantity: Quantity = 1


class AskedQuantity(msgspec.Struct, forbid_unknown_fields=True):
    """Exactly so many; 0 takes it out."""

    quantity: Annotated[int, msgspec.Meta(ge=0, le=MAX_QUANTITY)]


class AskedThing(msgspec.Struct, forbid_unknown_fields=True):
    """So many of one thing of an order."""

    sku: str
    quantity: Quantity


class AskedWithdrawal(msgspec.Struct, forbid_unknown_fields=True):
    """What is cancelled or sent back; no lines: all that can be."""

    lines: Annotated[list[AskedThing], msgspec.Meta(max_length=MAX_LINES)] = []
    reason: Reason = ""


class AskedFeedback(msgspec.Struct, forbid_unknown_fields=True):
    """What somebody thinks of an order."""

    stars: Annotated[int, msgspec.Meta(ge=1, le=5)]
    words: Annotated[str, msgspec.Meta(max_length=1000, pattern=TEXT)] = ""


class AskedParcel(msgspec.Struct, forbid_unknown_fields=True):
    """What goes out; no lines: all that is left."""

    carrier: Annotated[str, msgspec.Meta(min_length=1, max_length=40, pattern=LINE)]
    tracking: Annotated[str, msgspec.Meta(max_length=40, pattern=LINE)] = ""
    lines: Annotated[list[AskedThing], msgspec.Meta(max_length=MAX_LINES)] = []


class AskedTracking(msgspec.Struct, forbid_unknown_fields=True):
    """Where a parcel is."""

    state: Literal["in_transit", "delivered", "lost"]
    note: Reason = ""


class AskedAnswer(msgspec.Struct, forbid_unknown_fields=True):
    """What a seller says of a return; `done` once the goods are back."""

    state: Literal["accepted", "refused", "done"]
    note: Reason = ""


class AskedRule(msgspec.Struct, forbid_unknown_fields=True):
    """What a parcel costs: in a region or everywhere else, from so many grams on, free from a sum on."""

    fee: Annotated[int, msgspec.Meta(ge=0, le=10_000_000)]
    region: Annotated[str, msgspec.Meta(pattern="^[a-z][a-z_]{0,31}$")] | None = None
    from_grams: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] = 0
    free_from: Annotated[int, msgspec.Meta(ge=1, le=10**12)] | None = None


class AskedMethod(msgspec.Struct, forbid_unknown_fields=True):
    """One way of delivery."""

    code: Annotated[str, msgspec.Meta(pattern="^[a-z][a-z_]{0,31}$")]
    name: Texts
    days_min: Annotated[int, msgspec.Meta(ge=0, le=90)]
    days_max: Annotated[int, msgspec.Meta(ge=0, le=90)]
    rules: Annotated[list[AskedRule], msgspec.Meta(min_length=1, max_length=50)]


class AskedMethods(msgspec.Struct, forbid_unknown_fields=True):
    """How a seller delivers from now on, its first choice first."""

    methods: Annotated[list[AskedMethod], msgspec.Meta(max_length=10)]


class AskedApplication(msgspec.Struct, forbid_unknown_fields=True):
    """Somebody wants to sell here."""

    code: Annotated[str, msgspec.Meta(pattern="^[a-z0-9][a-z0-9-]{1,39}$")]
    name: Texts
    representative: Annotated[str, msgspec.Meta(min_length=1, max_length=60, pattern=LINE)]
    email: Annotated[str, msgspec.Meta(pattern=r"^[^@\s\x00-\x1f\x7f]{1,64}@[^@\s\x00-\x1f\x7f]{1,190}$")]
    phone: Annotated[str, msgspec.Meta(pattern=PHONE)]
    business_number: Annotated[str, msgspec.Meta(pattern="^[0-9]{10}$")]


class AskedDecision(msgspec.Struct, forbid_unknown_fields=True):
    """The house's answer."""

    approve: bool
    reason: Reason = ""
    commission: Annotated[int, msgspec.Meta(ge=0, le=10_000)] | None = None
    """Basis points of the goods."""


class AskedCommission(msgspec.Struct, forbid_unknown_fields=True):
    """From the next order on, in basis points of the goods."""

    commission: Annotated[int, msgspec.Meta(ge=0, le=10_000)]


class AskedMember(msgspec.Struct, forbid_unknown_fields=True):
    """Whoever may act for a seller."""

    person: UUID


class AskedDeposit(msgspec.Struct, forbid_unknown_fields=True):
    """Money that came by bank."""

    payment: UUID
    amount: Annotated[int, msgspec.Meta(ge=1, le=10**15)]
    reference: Annotated[str, msgspec.Meta(min_length=1, max_length=80, pattern=LINE)]


class AskedSent(msgspec.Struct, forbid_unknown_fields=True):
    """Money that went back by bank."""

    reference: Annotated[str, msgspec.Meta(min_length=1, max_length=80, pattern=LINE)]


class AskedSettlement(msgspec.Struct, forbid_unknown_fields=True):
    """Which month is settled: its first day."""

    period: date


def words_of(form: Mapping[str, str], name: str, most: int) -> str:
    """A field of a form as PostgreSQL can keep it, cut where it is too long."""
    return form.get(name, "").replace("\x00", "").strip()[:most]


def visitor_of(request: Request) -> Person | None:
    """Who is signed in, where somebody is."""
    return person_of(request) if assertion_of(request).subject.sub else None


def cursor(request: Request, name: str = "before") -> UUID | None:
    """Where a list goes on. Raises `NOT_UNDERSTOOD`."""
    sent = request.query_params.get(name)
    try:
        return UUID(sent) if sent else None
    except ValueError as error:
        raise Problem(NOT_UNDERSTOOD, f"{name} is an id.") from error


def limit_of(request: Request, most: int = 50) -> int:
    """How many rows a list has at most. Raises `NOT_UNDERSTOOD`."""
    sent = request.query_params.get("limit", str(most))
    if not sent.isascii() or not sent.isdecimal() or not 1 <= int(sent[:6]) <= MOST:
        raise Problem(NOT_UNDERSTOOD, f"limit is 1 to {MOST}.")
    return int(sent)
