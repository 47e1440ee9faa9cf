"""What the API of sellers and of the house's money answers with. Amounts are minor units of their currency."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal
from uuid import UUID

import msgspec

from upstreams.commerce.endpoints.order_documents import SellerOrderDocument, ShipmentDocument, Texts
from upstreams.commerce.ordering.purchase import Destination


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
