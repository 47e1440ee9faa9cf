"""Who works on a product, as what, and from when until when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from http import HTTPStatus
from typing import Protocol
from uuid import UUID

from config.connections import Transaction
from config.problem import ProblemType

ALREADY_ASSIGNED = ProblemType(
    "MJ-COM-114",
    HTTPStatus.CONFLICT,
    "This assignment cannot be made",
    "Name an active member who does not have that role on the product already.",
)


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody who works on products."""

    id: UUID
    person: UUID | None
    """Who it is in the directory, where they are in it."""
    name: str
    role: str
    """What they are, whatever they work on."""
    contact: str
    active: bool


@dataclass(frozen=True, slots=True)
class Assignment:
    """A member at work on a product."""

    id: UUID
    member: UUID
    name: str
    role: str
    """What they do on this product: product manager, developer, designer."""
    assigned_on: date
    until: date | None
    """The last day; None: it goes on."""


class Teams(Protocol):
    """Members, and what they work on."""

    async def put_member(self, tx: Transaction, member: Member, now: datetime) -> bool:
        """Make a member, or change one; False where the person is a member by another id."""

    async def members(self, tx: Transaction) -> Sequence[Member]:
        """Everybody, by their names."""

    async def assign(self, tx: Transaction, product: UUID, assignment: Assignment) -> bool:
        """Put somebody to work; False where they have that role already, or there is no such active member."""

    async def end(self, tx: Transaction, product: UUID, assignment: UUID, until: date) -> bool:
        """Write the last day; False where there is no such assignment, or it has ended, or began later."""

    async def team(self, tx: Transaction, product: UUID) -> Sequence[Assignment]:
        """Who works on it and who did, in the order in which they began."""
