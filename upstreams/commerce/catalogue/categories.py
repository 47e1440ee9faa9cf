"""Categories: a tree, in which a product stands at one place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Protocol

from config.connections import Transaction
from config.problem import ProblemType
from upstreams.commerce.catalogue.offers import Texts

DEPTH = 6
"""Of the tree; a person loses their way below."""

NOT_A_PLACE = ProblemType(
    "MJ-COM-115",
    HTTPStatus.UNPROCESSABLE_ENTITY,
    "The category cannot stand there",
    "Name a parent that there is, that is not the category itself or below it, and not too deep.",
)
CATEGORY_IN_USE = ProblemType(
    "MJ-COM-116",
    HTTPStatus.CONFLICT,
    "Something stands in this category",
    "Move its products and the categories below it first.",
)


@dataclass(frozen=True, slots=True)
class ShopCategory:
    """One category."""

    code: str
    parent: str | None
    name: Texts
    position: int
    version: int = 0


def path_of(code: str | None, parents: Mapping[str, str | None]) -> list[str]:
    """A category and those above it, the topmost first; a circle, which nobody can make, ends it."""
    path: list[str] = []
    while code is not None and code in parents and code not in path:
        path.append(code)
        code = parents[code]
    return path[::-1]


def may_stand(category: ShopCategory, others: Sequence[ShopCategory]) -> bool:
    """Whether it may stand below its parent, with all that stands below it."""
    parents = {one.code: one.parent for one in others} | {category.code: category.parent}
    if category.parent is not None and (
        category.parent not in parents or category.code in path_of(category.parent, {**parents, category.code: None})
    ):
        return False
    return all(len(path_of(code, parents)) <= DEPTH for code in parents)


class Categories(Protocol):
    """The tree."""

    async def all(self, tx: Transaction, *, lock: bool = False) -> Sequence[ShopCategory]:
        """Every category, those of one parent in their order; locked, nobody else changes the tree meanwhile."""

    async def put(self, tx: Transaction, category: ShopCategory) -> None:
        """Make a category, or change one. The tree must be locked already."""

    async def remove(self, tx: Transaction, code: str) -> bool:
        """Remove one in which nothing stands; False for any other."""
