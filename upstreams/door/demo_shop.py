"""The demo shop as it ships, read by both services: each loads what is its own."""

from __future__ import annotations

import tomllib
from datetime import datetime
from pathlib import Path
from uuid import NAMESPACE_URL, UUID, uuid5

import msgspec

import config

FILE = Path(config.__file__).parent / "shipped" / "demo_shop.toml"
CAUSE = "demo"
"""The cause of the stock that the demo brings."""


class Warehouse(msgspec.Struct, forbid_unknown_fields=True):
    code: str
    name: dict[str, str]


class Rule(msgspec.Struct, forbid_unknown_fields=True):
    fee: int
    region: str | None = None
    from_grams: int = 0
    free_from: int | None = None


class Way(msgspec.Struct, forbid_unknown_fields=True):
    """How a seller delivers."""

    code: str
    name: dict[str, str]
    days: list[int]
    rules: list[Rule]


class Seller(msgspec.Struct, forbid_unknown_fields=True):
    code: str
    kind: str
    name: dict[str, str]
    warehouse: Warehouse
    commission: int = 0
    """Basis points of the goods."""
    people: list[UUID] = []
    """Who acts for it."""
    delivery: list[Way] = []


class Category(msgspec.Struct, forbid_unknown_fields=True):
    code: str
    name: dict[str, str]
    parent: str | None = None


class Product(msgspec.Struct, forbid_unknown_fields=True):
    code: str
    type: str
    category: str
    seller: str
    picture: str
    price: int
    sku: str
    stock: int
    name: dict[str, str]
    description: dict[str, str]
    grams: int | None = None
    payment: str = "on_site"
    """Of what is reserved: `before`, or on the spot."""
    deadlines: list[dict[str, int]] = []
    """Of what is reserved: hours before the beginning, and the fee until then in basis points."""
    starts_at: datetime | None = None
    ends_at: datetime | None = None


class Place(msgspec.Struct, forbid_unknown_fields=True):
    """What is reserved by the seat, or for a time."""

    sku: str
    seller: str
    price: int
    name: dict[str, str]
    rows: list[str] = []
    """Rows of seats; none: it is had for a time."""
    seats: int = 0
    """Seats in each row."""
    unit_minutes: int | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None

    @property
    def labels(self) -> list[str]:
        """The seats by their names, the best first."""
        return [f"{row}{number}" for row in self.rows for number in range(1, self.seats + 1)]


class DemoShop(msgspec.Struct, forbid_unknown_fields=True):
    """What stands in `config/shipped/demo_shop.toml`."""

    sellers: list[Seller]
    categories: list[Category]
    products: list[Product]
    places: list[Place]


def demo_shop() -> DemoShop:
    """Read the file."""
    return msgspec.convert(tomllib.loads(FILE.read_text(encoding="utf-8")), DemoShop)


def ident(kind: str, code: str) -> UUID:
    """The same id for the same thing, in every service and on every load."""
    return uuid5(NAMESPACE_URL, f"urn:munjigi:demo:{kind}:{code}")
