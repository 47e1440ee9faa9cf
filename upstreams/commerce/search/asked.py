"""What is searched for: words, filters, an order, and where the last page ended."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from http import HTTPStatus
from uuid import UUID

import msgspec

from config.problem import Problem, ProblemType
from upstreams.commerce.catalogue.offers import Texts
from upstreams.commerce.search.letters import words_of
from upstreams.trade.money import EXPONENTS

MAX_QUERY = 100
"""Characters; more is no search."""
MAX_WORDS = 8
MAX_FILTERS = 20

NOT_A_SEARCH = ProblemType(
    "MJ-COM-106",
    HTTPStatus.UNPROCESSABLE_ENTITY,
    "The search could not be understood",
    "Search by q, category, seller, price, available, attributes (a.NAME=VALUE) and options (o.NAME=VALUE).",
)
CURSOR_STALE = ProblemType(
    "MJ-COM-107",
    HTTPStatus.UNPROCESSABLE_ENTITY,
    "The place to go on from belongs to another search",
    "Search again from the beginning.",
)
BANDS = (10_000, 30_000, 100_000, 300_000)
"""Bounds of the price bands, in won; a tenth of it in the minor unit of a currency that has two digits for it."""


class Order(StrEnum):
    """In which order results come."""

    BEST = "best"
    NEW = "new"
    CHEAP = "cheap"
    DEAR = "dear"


class Place(msgspec.Struct, frozen=True, array_like=True):
    """Where a page ended: what it was ordered by, and the product."""

    search: str
    """Which search it belongs to."""
    rank: float
    """Lower comes first."""
    product: UUID
    broad: bool
    """Whether so much was found that it is not ranked by its words."""


@dataclass(frozen=True, slots=True)
class Search:
    """One search. Filters of one group are alternatives, groups narrow each other."""

    words: tuple[str, ...] = ()
    filters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By group (`category`, `seller`, `price`, `available`, `a.material`, `o.color`) the facets that are taken."""
    order: Order = Order.BEST
    limit: int = 24
    after: Place | None = None

    @property
    def facets(self) -> list[list[str]]:
        """The groups of facets: one of each must hold."""
        return [[f"{group}:{value}" for value in values] for group, values in sorted(self.filters.items())]

    @property
    def name(self) -> str:
        """What tells this search from another, whichever page of it."""
        return msgspec.json.encode([self.words, self.facets, self.order]).decode()


_GROUPS = ("category", "seller", "price", "available")


def read(sent: Iterable[tuple[str, str]]) -> Search:
    """A search from the query of an address. Raises the problems `NOT_A_SEARCH` and `CURSOR_STALE`."""
    filters: dict[str, list[str]] = {}
    rest: dict[str, str] = {}
    for name, value in sent:
        if name in _GROUPS or (name[:2] in ("a.", "o.") and len(name) > 2):
            if value and value not in filters.setdefault(name, []):
                filters[name].append(value)
        else:
            rest[name] = value
    if sum(map(len, filters.values())) > MAX_FILTERS or any(len(v) > 100 for vs in filters.values() for v in vs):
        raise Problem(NOT_A_SEARCH, f"There are at most {MAX_FILTERS} filters of 100 characters.")
    text = rest.get("q", "")
    if len(text) > MAX_QUERY or "\0" in text:
        raise Problem(NOT_A_SEARCH, f"A search has at most {MAX_QUERY} characters.")
    if any("\0" in part for name, values in filters.items() for part in (name, *values)):
        raise Problem(NOT_A_SEARCH)
    try:
        order = Order(rest.get("order") or "best")
        limit = int(rest.get("limit") or 24)
    except ValueError as error:
        raise Problem(NOT_A_SEARCH, str(error)) from error
    if not 1 <= limit <= 100:
        raise Problem(NOT_A_SEARCH, "A page has 1 to 100 results.")
    kept = {name: tuple(sorted(values)) for name, values in filters.items() if values}
    search = Search(tuple(dict.fromkeys(words_of(text)))[:MAX_WORDS], kept, order, limit)
    after = rest.get("after")
    return Search(search.words, kept, order, limit, place_of(after, search)) if after else search


def cursor_of(search: Search, rank: float, product: UUID, *, broad: bool) -> str:
    """A place, as it stands in an address."""
    packed = msgspec.msgpack.encode(Place(_digest(search), rank, product, broad))
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def place_of(sent: str, search: Search) -> Place:
    """The place that was sent. Raises `CURSOR_STALE` for one of another search."""
    try:
        packed = base64.urlsafe_b64decode(sent + "=" * (-len(sent) % 4))
        place = msgspec.msgpack.decode(packed, type=Place)
    except (binascii.Error, ValueError, msgspec.MsgspecError) as error:
        raise Problem(CURSOR_STALE) from error
    if place.search != _digest(search) or place.rank != place.rank:
        raise Problem(CURSOR_STALE)
    return place


def _digest(search: Search) -> str:
    return hashlib.sha256(search.name.encode()).hexdigest()[:12]


def band_of(minor: int, currency: str) -> int:
    """The price band of an amount: 0 below the first bound."""
    scale = 1.0 if EXPONENTS[currency] == 0 else 10.0
    return sum(minor * scale >= bound for bound in BANDS)


def bounds_of(band: int) -> tuple[int | None, int | None]:
    """From and until (not included) of a price band, in won."""
    return (BANDS[band - 1] if band else None), (BANDS[band] if band < len(BANDS) else None)


@dataclass(frozen=True, slots=True)
class Count:
    """How many results one value of a facet would leave."""

    value: str
    label: Texts
    count: int
    taken: bool


@dataclass(frozen=True, slots=True)
class Facet:
    """What can be filtered by, and what of it there is."""

    group: str
    label: Texts
    counts: Sequence[Count]


def facets_of(
    counted: Mapping[str, int], filters: Mapping[str, Sequence[str]], labels: Mapping[str, Texts]
) -> list[Facet]:
    """Facets by their groups; values in the order of their counts, those that are taken even where they count 0."""
    groups: dict[str, dict[str, int]] = {group: dict.fromkeys(values, 0) for group, values in filters.items()}
    for facet, count in counted.items():
        group, _, value = facet.partition(":")
        groups.setdefault(group, {})[value] = count
    places = {group: place for place, group in enumerate(_GROUPS)}
    return [
        Facet(
            group,
            labels.get(group, {}),
            [
                Count(value, labels.get(f"{group}:{value}", {}), count, value in filters.get(group, ()))
                for value, count in sorted(values.items(), key=lambda one: (-one[1], one[0]))
            ],
        )
        for group, values in sorted(groups.items(), key=lambda one: (places.get(one[0], len(places)), one[0]))
    ]
