"""The API of carts, orders, sellers and their money described (OpenAPI 3.1)."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from config.openapi import Api, Details, Header, Operation, document
from config.problem import ProblemType
from upstreams.commerce.cart.cart import CART_FULL
from upstreams.commerce.endpoints import asked
from upstreams.commerce.endpoints.carts import CHANGED_MEANWHILE
from upstreams.commerce.endpoints.order_documents import (
    BegunDocument,
    CancellationList,
    CartDocument,
    EventList,
    Fresh,
    InvoiceList,
    Nothing,
    OrderDocument,
    OrderList,
    ReturnList,
    ShipmentDocument,
    ShipmentList,
    StandingDocument,
    WithdrawalDocument,
)
from upstreams.commerce.endpoints.selling import BASE
from upstreams.commerce.endpoints.selling_documents import (
    ApplicationDocument,
    ApplicationList,
    BalanceDocument,
    BankRefundList,
    CommissionDocument,
    LedgerDocument,
    MemberDocument,
    MethodList,
    PayoutList,
    SentDocument,
    StuckMoneyDocument,
    VendorOrder,
    VendorOrderList,
)
from upstreams.commerce.ledger.settlement import NOT_OVER
from upstreams.commerce.ordering.purchase import (
    NO_SUCH_ORDER,
    NOT_DELIVERED_SO,
    NOT_OFFERED,
    SOLD_OUT,
    TOTAL_CHANGED,
)
from upstreams.commerce.ordering.states import (
    NOT_NOW,
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

ADDRESS = "/api/orders/openapi.json"
"""Where it is shown."""


def described() -> dict[str, Any]:
    """The document."""
    return document(_API, OPERATIONS, lambda one: _DETAILS.get((one.method, one.path), Details()))
