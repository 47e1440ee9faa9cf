"""Becoming a seller, and what a seller settles for itself: its people, how it delivers, what that costs."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from config.clock import Clock
from config.connections import Database, Transaction
from config.entropy import Entropy
from config.problem import Problem
from upstreams.commerce.catalogue import Texts
from upstreams.commerce.sellers.application import (
    DEFAULT_COMMISSION,
    NO_SUCH_APPLICATION,
    NOT_A_SELLER,
    Application,
    Contact,
    approved,
    refused,
)
from upstreams.commerce.shipping.rates import Method, checked
from upstreams.door.person import Person
from upstreams.trade.idempotency import IdempotencyKeys, digest_of


@dataclass(frozen=True, slots=True)
class Seller:
    """Who sells."""

    id: UUID
    code: str
    kind: str
    name: Texts
    active: bool


class Sellers(Protocol):
    """Applications, sellers, and who acts for them."""

    async def apply(self, tx: Transaction, application: Application) -> None:
        """Write it. Raises `APPLIED_ALREADY`."""

    async def application(self, tx: Transaction, ident: UUID, *, locked: bool = False) -> Application | None:
        """One of them."""

    async def applications(
        self, tx: Transaction, *, person: UUID | None = None, after: UUID | None = None, limit: int = 50
    ) -> Sequence[Application]:
        """Of one person or of all, the oldest first, those that wait before others."""

    async def decide(self, tx: Transaction, before: Application, after: Application) -> None:
        """Write the answer; with an approval the seller, its warehouse, and whoever applied as its first person.

        Raises `DECIDED_ALREADY`.
        """

    async def of_person(self, tx: Transaction, person: UUID) -> Sequence[Seller]:
        """For whom a person acts."""

    async def members(self, tx: Transaction, seller: UUID) -> Sequence[UUID]:
        """Who acts for a seller."""

    async def add_member(self, tx: Transaction, seller: UUID, person: UUID) -> bool:
        """Let somebody act for a seller; False where there is no such seller."""

    async def set_commission(self, tx: Transaction, seller: UUID, basis_points: int) -> bool:
        """From the next order on; False where there is no such seller."""

    async def regions(self, tx: Transaction) -> Collection[str]:
        """The regions that a rule may be for."""

    async def set_methods(self, tx: Transaction, seller: UUID, methods: Sequence[Method]) -> None:
        """How it delivers from now on, in this order."""


class SellerDesk:
    """Applications and terms."""

    def __init__(
        self, database: Database, sellers: Sellers, keys: IdempotencyKeys, clock: Clock, entropy: Entropy
    ) -> None:
        self._database = database
        self._sellers = sellers
        self._keys = keys
        self._clock = clock
        self._entropy = entropy

    async def apply(self, person: Person, code: str, name: Texts, contact: Contact, key: str) -> Application:
        """Once for each key. Raises `APPLIED_ALREADY`, `KEY_REUSED`."""
        now, ident = self._clock.now(), self._entropy.uuid()
        async with self._database.begin() as tx:
            digest = digest_of("seller", [code, dict(name)])
            earlier = await self._keys.claim(tx, person.id, key, digest, now, result=ident)
            if earlier is not None:
                assert earlier.result is not None
                return await self._found(tx, earlier.result)
            made = Application(ident, person.id, person.organisation, code, name, contact, "applied", now)
            await self._sellers.apply(tx, made)
        return made

    async def decide(self, by: UUID, ident: UUID, *, approve: bool, reason: str, commission: int | None) -> Application:
        """The house's answer. Raises `NO_SUCH_APPLICATION`, `DECIDED_ALREADY`."""
        now = self._clock.now()
        async with self._database.begin() as tx:
            found = await self._found(tx, ident, locked=True)
            after = approved(found, self._entropy.uuid(), by, now) if approve else refused(found, by, reason, now)
            await self._sellers.decide(tx, found, after)
            if after.seller is not None:
                await self._sellers.set_commission(
                    tx, after.seller, DEFAULT_COMMISSION if commission is None else commission
                )
        return after

    async def list(
        self, *, person: UUID | None = None, after: UUID | None = None, limit: int = 50
    ) -> Sequence[Application]:
        """Applications."""
        async with self._database.connect() as tx:
            return await self._sellers.applications(tx, person=person, after=after, limit=limit)

    async def seller_of(self, person: Person, code: str | None = None) -> Seller:
        """For whom a person acts: the one that is named, or the first. Raises `NOT_A_SELLER`."""
        async with self._database.connect() as tx:
            for one in await self._sellers.of_person(tx, person.id):
                if code in (None, one.code):
                    return one
        raise Problem(NOT_A_SELLER)

    async def deliver_by(self, seller: UUID, methods: Sequence[Method]) -> None:
        """How a seller delivers from now on. Raises `ValueError` for rules that leave a parcel without a fee."""
        for method in methods:
            checked(method.rules)
        if len({method.code for method in methods}) != len(methods):
            raise ValueError("each way of delivery is named once")
        async with self._database.begin() as tx:
            known = await self._sellers.regions(tx)
            if unknown := {rule.region for method in methods for rule in method.rules} - {None, *known}:
                raise ValueError(f"there is no region {', '.join(sorted(map(str, unknown)))}")
            await self._sellers.set_methods(tx, seller, methods)

    async def let_act(self, seller: UUID, person: UUID) -> bool:
        """Let somebody act for a seller; False where there is no such seller."""
        async with self._database.begin() as tx:
            return await self._sellers.add_member(tx, seller, person)

    async def commission(self, seller: UUID, basis_points: int) -> bool:
        """From the next order on; False where there is no such seller."""
        async with self._database.begin() as tx:
            return await self._sellers.set_commission(tx, seller, basis_points)

    async def _found(self, tx: Transaction, ident: UUID, *, locked: bool = False) -> Application:
        found = await self._sellers.application(tx, ident, locked=locked)
        if found is None:
            raise Problem(NO_SUCH_APPLICATION)
        return found
