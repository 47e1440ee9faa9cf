"""The API of carts, orders, sellers and their money described (OpenAPI 3.1)."""

from __future__ import annotations

from datetime import date, datetime
from http import HTTPStatus
from typing import Any, Literal
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from config.openapi import Api, Details, Header, Operation, document
from config.problem import ProblemType
from upstreams.commerce.cart.cart import CART_FULL
from upstreams.commerce.endpoints import asked
from upstreams.commerce.endpoints.carts import CHANGED_MEANWHILE
from upstreams.commerce.endpoints.selling import BASE
from upstreams.commerce.ledger.settlement import NOT_OVER
from upstreams.commerce.ordering.purchase import (
    NO_SUCH_ORDER,
    NOT_DELIVERED_SO,
    NOT_OFFERED,
    SOLD_OUT,
    TOTAL_CHANGED,
    Destination,
    PayingMethod,
)
from upstreams.commerce.ordering.states import (
    NOT_NOW,
    CancellationState,
    OrderState,
    PurchaseState,
    ShipmentState,
)
from upstreams.commerce.ordering.withdrawal import NO_SUCH_CANCELLATION, NOT_LEFT, TOO_LATE
from upstreams.commerce.paying.desk import NO_SUCH_PAYMENT, PROVIDER_AWAY, UNDER_WAY
from upstreams.commerce.sellers.application import (
    APPLIED_ALREADY,
    DECIDED_ALREADY,
    NO_SUCH_APPLICATION,
    NOT_A_SELLER,
)
from upstreams.commerce.shipping.shipment import NO_SUCH_SHIPMENT, NOT_TO_SHIP
from upstreams.door.answers import NOT_UNDERSTOOD
from upstreams.trade.idempotency import HEADER, KEY_MISSING, KEY_REUSED

Texts = dict[str, str]


class SellerName(msgspec.Struct):
    """Who sells."""

    id: UUID
    name: Texts
    kind: Literal["house", "vendor"] | None = None


class OrderLineDocument(msgspec.Struct):
    """So many of one thing, and what became of them."""

    offer: UUID
    sku: str
    name: Texts
    quantity: int
    unit_price: int
    shipped: int
    cancelled: int
    returned: int


class SellerOrderDocument(msgspec.Struct):
    """What one seller delivers."""

    id: UUID
    seller: SellerName
    state: OrderState
    goods: int
    shipping: int
    method: str
    due_from: date | None
    due_until: date | None
    lines: list[OrderLineDocument]


class OrderDocument(msgspec.Struct):
    """What one person bought at one moment."""

    id: UUID
    number: str
    state: PurchaseState
    placed_at: datetime
    currency: str
    goods: int
    shipping: int
    total: int
    paying: PayingMethod
    destination: Destination | None
    orders: list[SellerOrderDocument]


class OrderList(msgspec.Struct):
    """A person's orders, the newest first."""

    orders: list[OrderDocument]
    next: UUID | None


class CartItem(msgspec.Struct):
    """So many of one offer."""

    offer: UUID
    quantity: int


class Short(msgspec.Struct):
    """There is less of it than is wanted."""

    offer: UUID
    available: int


class Way(msgspec.Struct):
    """One way of delivery."""

    code: str
    name: Texts
    fee: int
    due_from: date
    due_until: date


class SellerItem(msgspec.Struct):
    """So many of one thing at the price of this moment."""

    offer: UUID
    sku: str
    name: Texts
    quantity: int
    unit_price: int
    available: int | None


class SellerPart(msgspec.Struct):
    """What one seller would deliver."""

    seller: SellerName
    goods: int
    shipping: int
    method: str
    methods: list[Way]
    items: list[SellerItem]


class CartDocument(msgspec.Struct):
    """A cart with what it would cost, seller by seller."""

    items: list[CartItem]
    gone: list[UUID]
    short: list[Short]
    currency: str | None
    goods: int
    shipping: int
    total: int
    sellers: list[SellerPart]


class ThingDocument(msgspec.Struct):
    """So many of one thing."""

    sku: str
    quantity: int


class ShipmentDocument(msgspec.Struct):
    """A parcel."""

    id: UUID
    order: UUID
    state: ShipmentState
    carrier: str
    tracking: str
    page: str | None
    shipped_at: datetime
    delivered_at: datetime | None
    lines: list[ThingDocument]


class ShipmentList(msgspec.Struct):
    """Parcels, the oldest first."""

    shipments: list[ShipmentDocument]


class EventDocument(msgspec.Struct):
    """A change of state of an order, a parcel, or something that is sent back."""

    order: UUID
    kind: Literal["order", "shipment", "cancellation"]
    subject: UUID | None
    to: str
    at: datetime
    note: str


class EventList(msgspec.Struct):
    """What happened, the oldest first; `from` names the state before."""

    events: list[EventDocument]


class InvoiceDocument(msgspec.Struct):
    """What a seller invoices; negative sums take back."""

    id: UUID
    order: UUID
    seller: UUID
    number: int
    supply: int
    vat: int
    total: int
    currency: str
    issued_at: datetime


class InvoiceList(msgspec.Struct):
    """Invoices of an order."""

    invoices: list[InvoiceDocument]


class WithdrawalDocument(msgspec.Struct):
    """What is cancelled or sent back."""

    id: UUID
    order: UUID
    kind: Literal["cancel", "return"]
    state: CancellationState
    reason: str
    goods: int
    shipping: int
    refund: int
    requested_at: datetime
    done_at: datetime | None
    lines: list[ThingDocument]


class CancellationList(msgspec.Struct):
    """What was cancelled or sent back, the oldest first."""

    cancellations: list[WithdrawalDocument]


class ReturnList(msgspec.Struct):
    """The same, of one seller's order."""

    returns: list[WithdrawalDocument]


class PaymentDocument(msgspec.Struct):
    """A payment."""

    id: UUID
    state: str
    amount: int
    captured: int
    provider: str
    failure: str | None


class RefundDocument(msgspec.Struct):
    """A refund."""

    id: UUID
    state: str
    amount: int
    cancellation: UUID | None


class StandingDocument(msgspec.Struct):
    """How an order is paid."""

    held_until: datetime | None
    payment: PaymentDocument | None
    refunds: list[RefundDocument]


class CheckoutDocument(msgspec.Struct):
    """The way to the provider's page."""

    url: str | None
    script: dict[str, str | float] | None


class BegunDocument(msgspec.Struct):
    """A payment that its person may now authorise."""

    id: UUID
    state: str
    amount: int
    currency: str
    provider: str
    expires_at: datetime
    checkout: CheckoutDocument


class Fresh(msgspec.Struct):
    """Whether it was new."""

    new: bool


class VendorOrder(SellerOrderDocument, kw_only=True):
    """An order as its seller reads it."""

    number: str
    placed_at: datetime
    currency: str
    commission: int
    destination: Destination | None
    shipments: list[ShipmentDocument]


class VendorOrderList(msgspec.Struct):
    """A seller's orders, the newest first."""

    orders: list[VendorOrder]
    next: UUID | None


class PayoutDocument(msgspec.Struct):
    """What one seller gets for one month."""

    id: UUID
    period: date
    amount: int
    made_at: datetime
    seller: UUID | None = None
    currency: str = "KRW"


class BalanceDocument(msgspec.Struct):
    """What a seller has earned: of orders on their way, and what it may be paid."""

    pending: int
    payable: int
    payouts: list[PayoutDocument]


class PayoutList(msgspec.Struct):
    """Payouts."""

    payouts: list[PayoutDocument]


class RuleDocument(msgspec.Struct):
    """What a parcel costs."""

    region: str | None
    from_grams: int
    fee: int
    free_from: int | None


class MethodDocument(msgspec.Struct):
    """One way of delivery with its fees."""

    code: str
    name: Texts
    days_min: int
    days_max: int
    rules: list[RuleDocument]


class MethodList(msgspec.Struct):
    """How a seller delivers, its first choice first."""

    methods: list[MethodDocument]


class ContactDocument(msgspec.Struct):
    """How an applicant is reached."""

    representative: str
    email: str
    phone: str
    business_number: str


class ApplicationDocument(msgspec.Struct):
    """Somebody wants to sell here; administrators see how they are reached."""

    id: UUID
    code: str
    name: Texts
    state: Literal["applied", "approved", "refused"]
    applied_at: datetime
    decided_at: datetime | None
    reason: str
    seller: UUID | None
    contact: ContactDocument | None = None
    person: UUID | None = None


class ApplicationList(msgspec.Struct):
    """Applications."""

    applications: list[ApplicationDocument]
    next: UUID | None = None


class CommissionDocument(msgspec.Struct):
    """Basis points of the goods."""

    commission: int


class MemberDocument(msgspec.Struct):
    """Whoever may act for a seller."""

    person: UUID


class BankRefundDocument(msgspec.Struct):
    """Money that is to go back by bank."""

    id: UUID
    payment: UUID
    amount: int
    asked_at: datetime


class BankRefundList(msgspec.Struct):
    """The oldest first."""

    bank_refunds: list[BankRefundDocument]


class SentDocument(msgspec.Struct):
    """It went back."""

    reference: str


class AccountDocument(msgspec.Struct):
    """What stands on one account: debit positive, credit negative."""

    account: str
    seller: UUID | None
    balance: int
    currency: str


class LedgerDocument(msgspec.Struct):
    """The accounts, their sum (0), and what does not agree (nothing)."""

    accounts: list[AccountDocument]
    sum: int
    odd: list[str]


class StuckPaymentDocument(msgspec.Struct):
    """A payment of which nobody knows what became of it."""

    id: UUID
    order: UUID
    amount: int
    state: str


class StuckRefundDocument(msgspec.Struct):
    """A refund that was refused, or that nobody answers for."""

    id: UUID
    payment: UUID
    amount: int
    state: str
    failure: str | None


class StuckMoneyDocument(msgspec.Struct):
    """What a person has to look at."""

    payments: list[StuckPaymentDocument]
    refunds: list[StuckRefundDocument]


class Nothing(msgspec.Struct):
    """It is taken up."""


_ONE, _PART, _VENDOR = "/api/orders/{id}", "/api/orders/{id}/parts/{part}", "/api/vendor/orders/{id}"
_PAGE = (("before", "The id of one of them: they go on after it"), ("limit", "1 to 100"))
_NEW = HTTPStatus.CREATED
OPERATIONS = (
    Operation("GET", "/api/cart", "One's own cart", CartDocument, query=(("postcode", "Where to"),)),
    Operation("POST", "/api/cart/items", "Put something in", CartDocument, asked.AskedItem, _NEW),
    Operation("PUT", "/api/cart/items/{offer}", "So many of it", CartDocument, asked.AskedQuantity),
    Operation("POST", "/api/orders", "Order, all or nothing", OrderDocument, asked.AskedOrder, _NEW),
    Operation("GET", "/api/orders", "One's own orders", OrderList, query=_PAGE),
    Operation("GET", _ONE, "One of one's own", OrderDocument),
    Operation("GET", _ONE + "/events", "What happened to it", EventList),
    Operation("GET", _ONE + "/shipments", "Where its parcels are", ShipmentList),
    Operation("GET", _ONE + "/invoices", "Its invoices", InvoiceList),
    Operation("POST", _ONE + "/abandon", "Give it up unpaid", OrderDocument),
    Operation("POST", _ONE + "/payments", "Begin its payment", BegunDocument, status=_NEW),
    Operation("GET", _ONE + "/payments", "How it is paid", StandingDocument),
    Operation("GET", _ONE + "/cancellations", "What was cancelled or sent back", CancellationList),
    Operation("POST", _PART + "/cancellations", "Cancel", WithdrawalDocument, asked.AskedWithdrawal, _NEW),
    Operation("POST", _PART + "/returns", "Send back", WithdrawalDocument, asked.AskedWithdrawal, _NEW),
    Operation("POST", _PART + "/feedback", "Say how it was", Fresh, asked.AskedFeedback, _NEW),
    Operation("GET", "/api/vendor/orders", "A seller's orders", VendorOrderList, query=(("state", "One"), *_PAGE)),
    Operation("GET", _VENDOR, "One of them", VendorOrder),
    Operation("POST", _VENDOR + "/prepare", "It is being prepared", VendorOrder),
    Operation("POST", _VENDOR + "/shipments", "Send a parcel", ShipmentDocument, asked.AskedParcel, _NEW),
    Operation(
        "POST", _VENDOR + "/shipments/{shipment}/tracking", "Where a parcel is", VendorOrder, asked.AskedTracking
    ),
    Operation("GET", _VENDOR + "/returns", "What is sent back", ReturnList),
    Operation(
        "POST", _VENDOR + "/returns/{withdrawal}/answer", "Answer a return", WithdrawalDocument, asked.AskedAnswer
    ),
    Operation("GET", "/api/vendor/balance", "What a seller has earned", BalanceDocument),
    Operation("GET", "/api/vendor/shipping-methods", "How a seller delivers", MethodList),
    Operation("PUT", "/api/vendor/shipping-methods", "Set how it delivers", MethodList, asked.AskedMethods),
    Operation(
        "POST", "/api/seller-applications", "Apply to sell here", ApplicationDocument, asked.AskedApplication, _NEW
    ),
    Operation("GET", "/api/seller-applications", "One's own applications", ApplicationList),
    Operation(
        "GET",
        BASE + "/applications",
        "Applications (administrators)",
        ApplicationList,
        query=(("after", "The id of one of them"), ("limit", "1 to 100")),
    ),
    Operation(
        "POST", BASE + "/applications/{id}/decision", "Decide one (administrators)", ApplicationDocument,
        asked.AskedDecision,
    ),
    Operation(
        "PUT", BASE + "/sellers/{id}/commission", "Set a commission (administrators)", CommissionDocument,
        asked.AskedCommission,
    ),
    Operation(
        "POST", BASE + "/sellers/{id}/members", "Let somebody act for it (administrators)", MemberDocument,
        asked.AskedMember, _NEW,
    ),
    Operation("POST", BASE + "/deposits", "Money came by bank (administrators)", Fresh, asked.AskedDeposit, _NEW),
    Operation("GET", BASE + "/bank-refunds", "Money to send back (administrators)", BankRefundList),
    Operation("POST", BASE + "/bank-refunds/{id}/sent", "It went (administrators)", SentDocument, asked.AskedSent),
    Operation(
        "POST", BASE + "/settlements", "Pay the sellers of a month (administrators)", PayoutList,
        asked.AskedSettlement, _NEW,
    ),
    Operation("GET", BASE + "/settlements", "Payouts (administrators)", PayoutList),
    Operation("GET", BASE + "/ledger", "The books (administrators)", LedgerDocument),
    Operation("GET", BASE + "/stuck-money", "What somebody has to look at (administrators)", StuckMoneyDocument),
    Operation(
        "POST", BASE + "/stuck-money/{id}/retry", "Try it again (administrators)", Nothing,
        status=HTTPStatus.ACCEPTED,
    ),
)  # fmt: skip
"""Every route of the API but what providers and their pages ask."""
_API = Api(
    title="Orders",
    description="Carts, orders of several sellers at once, their delivery and their money. Amounts are in minor units.",
    base="",
)
_KEY = Header(HEADER, "Fresh for each new request; the same one repeats it", required=True, example="2f1c7b9ad0e1")
_MATCH = Header("If-Match", "The ETag of the cart that it is a change of", example='"7"')
_TAG = Header("ETag", "Its version")
_KEYS = (KEY_MISSING, KEY_REUSED, NOT_UNDERSTOOD)
_VENDORS = (NOT_A_SELLER, NO_SUCH_ORDER)


def _details(
    *problems: ProblemType, key: bool = False, tag: bool = False, match: bool = False, place: bool = False
) -> Details:
    answers = (_TAG,) if tag else ()
    if place:
        answers = (Header("Location", "Where it is read"), *answers)
    asks = ((_KEY,) if key else ()) + ((_MATCH,) if match else ())
    return Details(asks=asks, answers=answers, problems=(*problems, *(_KEYS if key else ())))


_DETAILS = {
    ("GET", "/api/cart"): _details(tag=True),
    ("POST", "/api/cart/items"): _details(NOT_OFFERED, CART_FULL, key=True, tag=True),
    ("PUT", "/api/cart/items/{offer}"): _details(CART_FULL, CHANGED_MEANWHILE, NOT_UNDERSTOOD, tag=True, match=True),
    ("POST", "/api/orders"): _details(
        SOLD_OUT, NOT_OFFERED, NOT_DELIVERED_SO, TOTAL_CHANGED, key=True, tag=True, place=True
    ),
    ("GET", _ONE): _details(NO_SUCH_ORDER, tag=True),
    ("POST", _ONE + "/abandon"): _details(NO_SUCH_ORDER, NOT_NOW, UNDER_WAY),
    ("POST", _ONE + "/payments"): _details(NO_SUCH_ORDER, NOT_NOW, UNDER_WAY, PROVIDER_AWAY),
    ("POST", _PART + "/cancellations"): _details(NO_SUCH_ORDER, NOT_NOW, NOT_LEFT, key=True),
    ("POST", _PART + "/returns"): _details(NO_SUCH_ORDER, NOT_NOW, NOT_LEFT, TOO_LATE, key=True),
    ("POST", _PART + "/feedback"): _details(NO_SUCH_ORDER, NOT_NOW, NOT_UNDERSTOOD),
    ("GET", "/api/vendor/orders"): _details(NOT_A_SELLER),
    ("GET", _VENDOR): _details(*_VENDORS, tag=True),
    ("POST", _VENDOR + "/prepare"): _details(*_VENDORS, NOT_NOW),
    ("POST", _VENDOR + "/shipments"): _details(*_VENDORS, NOT_NOW, NOT_TO_SHIP, key=True),
    ("POST", _VENDOR + "/shipments/{shipment}/tracking"): _details(*_VENDORS, NO_SUCH_SHIPMENT, NOT_NOW),
    ("POST", _VENDOR + "/returns/{withdrawal}/answer"): _details(*_VENDORS, NO_SUCH_CANCELLATION, NOT_NOW),
    ("POST", "/api/seller-applications"): _details(APPLIED_ALREADY, key=True),
    ("POST", BASE + "/applications/{id}/decision"): _details(NO_SUCH_APPLICATION, DECIDED_ALREADY, tag=True),
    ("POST", BASE + "/deposits"): _details(NO_SUCH_PAYMENT),
    ("POST", BASE + "/bank-refunds/{id}/sent"): _details(NO_SUCH_PAYMENT),
    ("POST", BASE + "/settlements"): _details(NOT_OVER, NOT_UNDERSTOOD),
}


def described() -> dict[str, Any]:
    """The document."""
    return document(_API, OPERATIONS, lambda one: _DETAILS.get((one.method, one.path), Details()))


class OrderDescription:
    """The endpoint of the document."""

    def __init__(self) -> None:
        self._document = msgspec.json.encode(described())

    def routes(self) -> list[BaseRoute]:
        return [Route("/api/orders/openapi.json", self.show, methods=["GET"])]

    async def show(self, _request: Request) -> Response:
        """GET /api/orders/openapi.json."""
        return Response(self._document, media_type="application/json")
