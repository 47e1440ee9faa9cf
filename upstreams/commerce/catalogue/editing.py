"""Products as those who look after them see them, whatever state they are in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any, Protocol
from uuid import UUID

from config.connections import Transaction
from config.problem import ProblemType
from upstreams.commerce.catalogue.offers import Texts

NO_SUCH_PRODUCT = ProblemType(
    "MJ-COM-119", HTTPStatus.NOT_FOUND, "There is no such product", "Check the code of the product."
)
CODE_TAKEN = ProblemType(
    "MJ-COM-120",
    HTTPStatus.CONFLICT,
    "There is a product of this code already",
    "Choose another code, or change the product that there is.",
)
CHANGED_MEANWHILE = ProblemType(
    "MJ-COM-121",
    HTTPStatus.PRECONDITION_FAILED,
    "Somebody else changed this meanwhile",
    "Read it again, and make the change of what it is now.",
)
IF_MATCH_MISSING = ProblemType(
    "MJ-COM-122",
    HTTPStatus.PRECONDITION_REQUIRED,
    "The request does not say what it is a change of",
    "Send the ETag that was read in If-Match.",
)
DOES_NOT_FIT = ProblemType(
    "MJ-COM-123",
    HTTPStatus.UNPROCESSABLE_ENTITY,
    "The attributes do not fit the product's type",
    "Compare them with the schema of the type; the detail names each that is wrong.",
)


@dataclass(frozen=True, slots=True)
class Editor:
    """Who changes products: an administrator any, a vendor its own."""

    person: UUID
    administrator: bool
    seller: UUID | None

    def may_edit(self, product: EditedProduct) -> bool:
        """Whether this product is theirs to change."""
        return self.administrator or (self.seller is not None and product.seller == self.seller)


@dataclass(frozen=True, slots=True)
class EditedProduct:
    """A product, without its life."""

    id: UUID
    code: str
    type: str
    state: str
    name: Texts
    description: Texts
    picture: str
    currency: str
    base_price: int
    attributes: Mapping[str, Any]
    category: str | None
    seller: UUID | None
    """Whose it is to look after; None: the house's."""
    version: int
    created_at: datetime

    def tag(self) -> str:
        """Its ETag (RFC 9110, section 8.8.3)."""
        return f'"{self.version}"'


@dataclass(frozen=True, slots=True)
class SellerOffer:
    """What a seller asks for an SKU, be it on sale or not."""

    id: UUID
    seller: UUID
    seller_name: Texts
    sku: str
    price: int | None
    """None: what the SKU costs by itself."""
    active: bool
    version: int


class Products(Protocol):
    """Products in every state."""

    async def find(self, tx: Transaction, code: str, *, lock: bool = False) -> EditedProduct | None:
        """One product; locked, until the transaction ends."""

    async def list(
        self, tx: Transaction, *, seller: UUID | None, state: str | None, after: str, limit: int
    ) -> Sequence[EditedProduct]:
        """Products in the order of their codes, those after one; of a seller, in a state, where that is said."""

    async def create(self, tx: Transaction, product: EditedProduct, actor: UUID, notes: str) -> bool:
        """Write a new product and the first event of its life; False where its code is taken."""

    async def save(self, tx: Transaction, product: EditedProduct) -> int:
        """Write a locked product as it is now. Answers its new version."""

    async def touch(self, tx: Transaction, product: UUID) -> int:
        """Note that something that belongs to a product changed. Answers its new version."""

    async def offers(self, tx: Transaction, product: UUID) -> Sequence[SellerOffer]:
        """Every offer of its SKUs."""

    async def put_offer(
        self, tx: Transaction, ident: UUID, seller: UUID, sku: str, price: int | None, active: bool
    ) -> SellerOffer:
        """Make a seller's offer of an SKU, or change it."""

    async def seller_of(self, tx: Transaction, organisation: UUID) -> UUID | None:
        """The seller that an organisation is, while it is active."""

    async def seller(self, tx: Transaction, code: str) -> UUID | None:
        """The seller of this code."""

    async def house(self, tx: Transaction) -> UUID | None:
        """The seller that the house itself is."""
