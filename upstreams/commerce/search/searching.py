"""From what somebody typed to products: words are made out, forgiven, and looked for.

Each word becomes alternatives: itself, what begins with it, what has it inside (`귤` in `감귤꽃`), what its first
consonants stand for, and, where nothing of that is known, the nearest words there are. Every word must be found.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol
from uuid import UUID

from config.connections import Transaction
from upstreams.commerce.catalogue.offers import Texts
from upstreams.commerce.search.asked import Facet, Search, cursor_of, facets_of
from upstreams.commerce.search.letters import (
    forgiven,
    grams_of,
    inner_grams_of,
    is_initials,
    letters_of,
    nearest,
    words_of,
)

CAP = 1000
"""So many results are ranked and counted one by one; of more it is said that there are more."""
ALTERNATIVES = 48
"""Words that one word may stand for."""
SUGGESTIONS = 8


@dataclass(frozen=True, slots=True)
class Meant:
    """What one typed word may mean."""

    typed: str
    words: Sequence[str]
    corrected: bool = False
    """Whether nobody knows the word as it was typed."""
    every: bool = False
    """Whether `words` are all that begin as it does: by their names they are found ten times as fast as by it."""

    @property
    def query(self) -> str:
        """As PostgreSQL reads a tsquery."""
        if self.every:
            return "(" + " | ".join(f"'{word}'" for word in self.words) + ")"
        others = (word for word in self.words if not word.startswith(self.typed))
        return "(" + " | ".join([f"'{self.typed}':*", *(f"'{word}'" for word in others)]) + ")"


@dataclass(frozen=True, slots=True)
class Found:
    """One result."""

    product: UUID
    rank: float


@dataclass(frozen=True, slots=True)
class Hits:
    """What the index found."""

    page: Sequence[Found]
    """One more than was asked for, where there are more."""
    total: int
    counted: Mapping[str, int]
    broad: bool


@dataclass(frozen=True, slots=True)
class Results:
    """A page of results."""

    products: Sequence[UUID]
    total: int
    more: bool
    """Whether there are more than `total`; counts of facets are then at least so many."""
    facets: Sequence[Facet]
    next: str | None
    """Where the next page begins; None: this is the last."""
    corrected: str | None
    """What was searched for instead, where nothing is called as it was typed."""


class Words(Protocol):
    """Words that stand in documents."""

    async def beginning(self, tx: Transaction, letters: str, *, limit: int) -> Sequence[str]:
        """Words that begin with these letters, those of the most documents first."""

    async def by_initials(self, tx: Transaction, initials: str, *, limit: int) -> Sequence[str]:
        """Words whose syllables begin with these consonants, from the first on."""

    async def containing(self, tx: Transaction, letters: str, grams: Sequence[str], *, limit: int) -> Sequence[str]:
        """Words that have these letters inside; `grams`: pieces of three that such a word has."""

    async def alike(self, tx: Transaction, grams: Sequence[str], *, limit: int) -> Sequence[tuple[str, str, int]]:
        """Words that share the most of these pieces, with their letters and in how many documents they stand."""


class Documents(Protocol):
    """Documents that are searched."""

    async def hits(self, tx: Transaction, search: Search, query: str | None, exact: str | None, *, cap: int) -> Hits:
        """Find. `query`: what must match, as a tsquery, None for everything; `exact`: the words as they were typed."""

    async def labels(self, tx: Transaction, facets: Sequence[str]) -> Mapping[str, Texts]:
        """What people read for facets and their groups."""


class Searching:
    """Searches."""

    def __init__(self, words: Words, documents: Documents) -> None:
        self._words = words
        self._documents = documents

    async def search(self, tx: Transaction, search: Search) -> Results:
        """A page of results with the facets of all of them."""
        meant = [await self._meant(tx, word) for word in search.words]
        query = " & ".join(one.query for one in meant) or None
        exact = " | ".join(f"'{one.typed}'" for one in meant) or None
        hits = await self._documents.hits(tx, search, query, exact, cap=CAP)
        page = hits.page[: search.limit]
        names = {*hits.counted, *(one for group in search.facets for one in group)}
        labels = await self._documents.labels(tx, sorted({*names, *(name.partition(":")[0] for name in names)}))
        more = len(hits.page) > len(page)
        corrected = any(one.corrected for one in meant) and hits.total
        return Results(
            products=[one.product for one in page],
            total=min(hits.total, CAP) if hits.broad and query else hits.total,
            more=hits.broad and hits.total > CAP and bool(query or search.filters),
            facets=facets_of(hits.counted, search.filters, labels),
            next=cursor_of(search, page[-1].rank, page[-1].product, broad=hits.broad) if more else None,
            corrected=" ".join((one.words or [one.typed])[0] if one.corrected else one.typed for one in meant)
            if corrected
            else None,
        )

    async def suggest(self, tx: Transaction, typed: str) -> list[str]:
        """How the text that somebody is typing may go on: its last word completed, or put right."""
        words = words_of(typed)
        if not words:
            return []
        meant = await self._meant(tx, words[-1])
        return [" ".join((*words[:-1], word)) for word in meant.words[:SUGGESTIONS]]

    async def _meant(self, tx: Transaction, typed: str) -> Meant:
        if is_initials(typed):
            words = await self._words.by_initials(tx, typed, limit=ALTERNATIVES)
            return Meant(typed, words, every=bool(words))
        letters = letters_of(typed)
        known = list(await self._words.beginning(tx, letters, limit=ALTERNATIVES))
        # a number is no word of the vocabulary (`Index.write`): it is found by its beginning alone
        every = 0 < len(known) < ALTERNATIVES and not typed[0].isdigit()
        if grams := inner_grams_of(letters):
            inside = await self._words.containing(tx, letters, grams, limit=ALTERNATIVES)
            known += [word for word in inside if word not in known]
        if known or not forgiven(letters) or typed.isdigit():
            return Meant(typed, known if every else known[:ALTERNATIVES], every=every)
        alike = await self._words.alike(tx, grams_of(letters), limit=200)
        near = nearest(letters, alike)
        return Meant(typed, near, corrected=True, every=bool(near))


def without(search: Search, group: str) -> Search:
    """The search without one group of its filters: what counts of that group are counted over."""
    filters = {name: values for name, values in search.filters.items() if name != group}
    return replace(search, filters=filters, after=None)
