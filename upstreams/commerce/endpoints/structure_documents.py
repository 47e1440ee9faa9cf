"""Categories, types, states and members of teams as the API asks for them and shows them."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec

from upstreams.commerce.endpoints.product_documents import Code, Said, SaidAtLength

StateCode = Annotated[str, msgspec.Meta(pattern="^[a-z][a-z_]{0,31}$")]


class AskedShopCategory(msgspec.Struct, forbid_unknown_fields=True):
    """A category as it is to be."""

    name: Said
    parent: Code | None = None
    position: Annotated[int, msgspec.Meta(ge=0, le=10_000)] = 0


class AskedKind(msgspec.Struct, forbid_unknown_fields=True):
    """A type as it is to be. `attributes`: a schema of what its products say of themselves."""

    strategy: StateCode
    name: Said
    attributes: dict[str, Any] = {}


class AskedState(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A state as it is to be."""

    name: Said
    description: SaidAtLength
    sellable: bool
    position: Annotated[int, msgspec.Meta(ge=1, le=1000)]
    on_entry: Literal["nothing", "version", "launch", "end"] = "nothing"
    follows: Annotated[list[StateCode], msgspec.Meta(max_length=50)] = []
    """The states that can be gone to from it."""
    follows_on: Annotated[list[StateCode], msgspec.Meta(max_length=50)] = []
    """The states from which it can be gone to."""


class AskedMember(msgspec.Struct, forbid_unknown_fields=True):
    """Somebody who works on products."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=80)]
    role: Annotated[str, msgspec.Meta(min_length=1, max_length=60)]
    contact: Annotated[str, msgspec.Meta(max_length=200)] = ""
    person: UUID | None = None
    active: bool = True


class CategoryDocument(msgspec.Struct):
    """A category."""

    code: str
    parent: str | None
    name: dict[str, str]
    position: int
    version: int


class CategoryList(msgspec.Struct):
    """The tree, those of one parent in their order."""

    categories: list[CategoryDocument]


class KindDocument(msgspec.Struct):
    """A type."""

    code: str
    strategy: str
    name: dict[str, str]
    attributes: dict[str, Any]


class StrategyDocument(msgspec.Struct):
    """A way of selling that a type can name."""

    code: str
    name: dict[str, str]
    act: str
    counted: str
    attributes: dict[str, Any]


class KindList(msgspec.Struct):
    """The types, and the ways of selling that are registered."""

    types: list[KindDocument]
    strategies: list[StrategyDocument]


class StateDocument(msgspec.Struct):
    """A state."""

    code: str
    name: dict[str, str]
    description: dict[str, str]
    sellable: bool
    position: int
    on_entry: str
    shipped: bool
    follows: list[str]


class StateList(msgspec.Struct):
    """The states in their places."""

    states: list[StateDocument]


class MemberDocument(msgspec.Struct):
    """A member of teams."""

    id: UUID
    person: UUID | None
    name: str
    role: str
    contact: str
    active: bool


class MemberList(msgspec.Struct):
    """The members of teams, by their names."""

    members: list[MemberDocument]
