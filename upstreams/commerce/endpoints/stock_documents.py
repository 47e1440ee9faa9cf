"""Stock as its API asks for it and shows it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec

from upstreams.commerce.endpoints.product_documents import Code

Quantity = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]


Reason = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class AskedReceipt(msgspec.Struct, forbid_unknown_fields=True):
    """Goods that arrived."""

    quantity: Quantity
    reason: Reason


class AskedCount(msgspec.Struct, forbid_unknown_fields=True):
    """How many were counted in one place."""

    on_hand: Annotated[int, msgspec.Meta(ge=0, le=1_000_000_000)]
    reason: Reason


class AskedTransfer(msgspec.Struct, forbid_unknown_fields=True, rename={"source": "from"}):
    """Some that are carried from one warehouse to another."""

    source: Code
    to: Code
    quantity: Quantity
    reason: Reason


class AskedRule(msgspec.Struct, forbid_unknown_fields=True):
    """When a thing is low."""

    threshold: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]
    lead_days: Annotated[int, msgspec.Meta(ge=0, le=365)]


class ShelfDocument(msgspec.Struct):
    """One thing in one place. `per_day`: how it sells; `days_left`: how long it lasts, where it sells."""

    sku: str
    warehouse: str
    on_hand: int
    held: int
    allocated: int
    available: int
    version: int
    per_day: float | None = None
    days_left: float | None = None
    low: bool | None = None


class ShelfList(msgspec.Struct):
    """One thing in every place."""

    shelves: list[ShelfDocument]


class LowDocument(msgspec.Struct):
    """What runs low, as it was when that was seen."""

    sku: str
    warehouse: str
    available: int
    per_day: float
    days_left: float | None
    raised_at: datetime


class LowList(msgspec.Struct):
    """What runs low, the shortest first."""

    warnings: list[LowDocument]


class MovementDocument(msgspec.Struct):
    """How a count came about."""

    id: int
    kind: str
    cause: str
    sku: str
    warehouse: str
    on_hand: int
    held: int
    allocated: int
    at: datetime


class MovementPage(msgspec.Struct):
    """Movements, the newest first."""

    movements: list[MovementDocument]
    next: int | None


class ProofDocument(msgspec.Struct):
    """A proof: how much was looked at, and what was wrong."""

    id: int
    at: datetime
    rows: int
    movements: int
    wrong: list[dict[str, Any]]


class ProofList(msgspec.Struct):
    """Proofs, the newest first."""

    proofs: list[ProofDocument]
