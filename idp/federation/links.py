"""Links: which account of an upstream is which person's, and who may have one.

A link is to an account of one provider of one organisation, whose administrators answer for it. So only people who
belong to that organisation alone may have one: its administrators sign in nobody who is also somebody elsewhere.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from config.connections import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One account of an upstream, and whose it is."""

    provider_id: UUID
    subject: str
    """The upstream's `sub`; with the provider's issuer, the only name of an account that never changes."""
    user_id: UUID
    shown: str
    """What the person knows that account by, as the upstream told it when they were linked."""
    linked_at: datetime
    last_used_at: datetime | None = None

    @property
    def key(self) -> str:
        """What stands for it in addresses."""
        return hashlib.sha256(self.provider_id.bytes + self.subject.encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class WaysIn:
    """By what a person can begin to sign in."""

    password: bool
    passkeys: int
    links: int
    """Those of enabled providers."""

    @property
    def only_one(self) -> bool:
        """Whether nothing is left without one of them."""
        return self.password + self.passkeys + self.links <= 1


class Links(Protocol):
    """Where links are kept."""

    async def find(self, tx: Transaction, provider_id: UUID, subject: str) -> Link | None:
        """Whose an account is."""

    async def of(self, tx: Transaction, user_id: UUID) -> list[Link]:
        """A person's, the oldest first."""

    async def add(self, tx: Transaction, link: Link) -> bool:
        """Keep one. False: the account is somebody's already."""

    async def used(self, tx: Transaction, link: Link, now: datetime) -> None:
        """It led somebody in."""

    async def remove(self, tx: Transaction, user_id: UUID, provider_id: UUID, subject: str) -> bool:
        """Forget one of a person's. False: there is none."""

    async def ways_in(self, tx: Transaction, user_id: UUID) -> WaysIn:
        """By what a person can begin to sign in."""

    async def organisations_of(self, tx: Transaction, user_id: UUID) -> Collection[UUID]:
        """To which organisations a person belongs."""


def may_be_linked(organisations: Collection[UUID], organisation_id: UUID) -> bool:
    """Whether a person of these organisations may be signed in by the provider of this one."""
    return set(organisations) == {organisation_id}
