"""What of a product is searched: its words with their weight, its facets, its price."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol
from uuid import UUID

from config.connections import Transaction
from upstreams.commerce.catalogue.attributes import Schema
from upstreams.commerce.catalogue.offers import Texts
from upstreams.commerce.search.asked import band_of
from upstreams.commerce.search.letters import words_of

Weight = Literal["A", "B", "C", "D"]
"""Of a word, as PostgreSQL has them: `A` counts most."""
MAX_WORDS = 400
"""Of one document; a description may be long."""


@dataclass(frozen=True, slots=True)
class Indexable:
    """A product on sale with everything that is searched of it."""

    product: UUID
    name: Texts
    description: Texts
    currency: str
    price: int
    """The lowest that somebody asks."""
    launched_at: datetime
    skus: Sequence[str]
    categories: Sequence[tuple[str, Texts]]
    """From the topmost down to its own."""
    sellers: Sequence[tuple[str, Texts]]
    """Of its offers, each once."""
    attributes: Mapping[str, Any]
    schema: Schema
    options: Sequence[tuple[str, Texts, str, Texts]]
    """Category and value of each option that an SKU on sale has, by code and name."""
    available: Literal["now", "elsewhere", "sold_out"]


@dataclass(frozen=True, slots=True)
class Document:
    """What stands in the index for one product."""

    product: UUID
    words: Mapping[str, Weight]
    facets: Sequence[str]
    labels: Mapping[str, Texts]
    """What people read for its facets and their groups."""
    currency: str
    price: int
    launched_at: datetime

    @property
    def vector(self) -> str:
        """Its words as PostgreSQL reads a tsvector."""
        return " ".join(f"'{word}':{place}{weight}" for place, (word, weight) in enumerate(self.words.items(), 1))


@dataclass(slots=True)
class _Gathered:
    words: dict[str, Weight] = field(default_factory=dict)
    facets: dict[str, None] = field(default_factory=dict)
    labels: dict[str, Texts] = field(default_factory=dict)

    def say(self, weight: Weight, texts: Iterable[str]) -> None:
        for text in texts:
            for word in words_of(text):
                if len(self.words) < MAX_WORDS:
                    self.words.setdefault(word, weight)  # what counts most is said first

    def file(self, group: str, value: str, label: Texts, group_label: Texts | None = None) -> None:
        facet = f"{group}:{value}"
        self.facets[facet] = None
        self.labels[facet] = label
        if group_label:
            self.labels[group] = group_label


def document_of(one: Indexable) -> Document:
    """The document of a product."""
    got = _Gathered()
    got.say("A", (*one.name.values(), *one.skus))
    for code, name in one.categories:
        got.say("B", name.values())
        got.file("category", code, name)
    for group, group_name, value, name in one.options:
        got.say("B", name.values())
        got.file(f"o.{group}", value, name, group_name)
    _attributes(one, got)
    for code, name in one.sellers:
        got.say("C", name.values())
        got.file("seller", code, name)
    got.say("D", one.description.values())
    got.facets[f"price:{band_of(one.price, one.currency)}"] = None
    if one.available != "sold_out":
        got.facets[f"available:{one.available}"] = None
    return Document(one.product, got.words, list(got.facets), got.labels, one.currency, one.price, one.launched_at)


def _attributes(one: Indexable, got: _Gathered) -> None:
    """Texts are searched; what takes one of few values can be filtered by too."""
    properties = one.schema.get("properties", {})
    for name, value in one.attributes.items():
        said = properties.get(name, {})
        title = {"ko": str(said.get("title", name)), "en": str(said.get("title", name))}
        values = value if isinstance(value, list) else [value]
        got.say("B", (each for each in values if isinstance(each, str)))
        each_said = said.get("items", {}) if isinstance(value, list) else said
        if "enum" in each_said or each_said.get("type") == "boolean":
            for each in values:
                text = str(each).lower() if isinstance(each, bool) else str(each)
                got.file(f"a.{name}", text, {"ko": text, "en": text}, title)


class Index(Protocol):
    """What is searched, kept near what there is."""

    async def changes(self, tx: Transaction, *, limit: int) -> Sequence[UUID]:
        """Take products that changed since they were read, each once; nobody else takes the same ones."""

    async def read(self, tx: Transaction, products: Sequence[UUID]) -> Sequence[Indexable]:
        """These products, as far as they are on sale."""

    async def write(self, tx: Transaction, products: Sequence[UUID], documents: Sequence[Document]) -> None:
        """These are the documents of these products; one without a document is found no more."""

    async def count(self, tx: Transaction, now: datetime) -> None:
        """Count every facet over the whole catalogue."""


async def bring_up_to_date(tx: Transaction, index: Index, *, limit: int) -> int:
    """Read products anew that changed. Answers how many: as many as `limit`, and there are more."""
    products = await index.changes(tx, limit=limit)
    if products:
        await index.write(tx, products, [document_of(one) for one in await index.read(tx, products)])
    return len(products)
