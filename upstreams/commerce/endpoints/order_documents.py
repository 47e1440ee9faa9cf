"""What the API of carts, orders and their payments answers with. Amounts are minor units of their currency."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal
from uuid import UUID

import msgspec

from upstreams.commerce.ordering.purchase import Destination, PayingMethod
from upstreams.commerce.ordering.states import CancellationState, OrderState, PurchaseState, ShipmentState

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


class Nothing(msgspec.Struct):
    """It is taken up."""
