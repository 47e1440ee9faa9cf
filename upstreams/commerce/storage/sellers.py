"""Sellers in PostgreSQL. How to reach an applicant is sealed in its own row."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict
from typing import Any
from uuid import UUID

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError

from config.connections import Transaction
from config.envelope import Envelope
from config.problem import Problem
from upstreams.commerce.sellers.application import APPLIED_ALREADY, DECIDED_ALREADY, Application, Contact
from upstreams.commerce.sellers.desk import Seller
from upstreams.commerce.shipping.rates import Method
from upstreams.commerce.storage.order_tables import (
    seller_application,
    seller_member,
    seller_terms,
    shipping_method,
    shipping_region,
    shipping_rule,
)
from upstreams.commerce.storage.tables import seller, trade


def sealing_context(ident: UUID) -> str:
    """The place that a contact is bound to."""
    return f"commerce.seller_application:{ident}"


class StoredSellers:
    """`commerce.sellers.desk.Sellers` in schema `commerce`."""

    def __init__(self, envelope: Envelope) -> None:
        self._envelope = envelope

    async def apply(self, tx: Transaction, application: Application) -> None:
        """Write it. Raises `APPLIED_ALREADY`."""
        taken = await tx.scalar(sa.select(seller.c.id).where(seller.c.code == application.code))
        made = await tx.scalar(
            insert(seller_application)
            .values(
                id=application.id,
                person=application.person,
                organisation=application.organisation,
                code=application.code,
                name=dict(application.name),
                contact=self._envelope.seal(
                    msgspec.json.encode(asdict(application.contact)), sealing_context(application.id)
                ),
                state=application.state,
                applied_at=application.applied_at,
                reason="",
                version=1,
            )
            .on_conflict_do_nothing()
            .returning(seller_application.c.id)
        )
        if made is None or taken is not None:
            raise Problem(APPLIED_ALREADY)

    async def application(self, tx: Transaction, ident: UUID, *, locked: bool = False) -> Application | None:
        """One of them."""
        query = sa.select(seller_application).where(seller_application.c.id == ident)
        row = (await tx.execute(query.with_for_update() if locked else query)).one_or_none()
        return None if row is None else self._read(row)

    async def applications(
        self, tx: Transaction, *, person: UUID | None = None, after: UUID | None = None, limit: int = 50
    ) -> Sequence[Application]:
        """Of one person or of all, the oldest first, those that wait before others."""
        one = seller_application.c
        order = sa.tuple_(one.state, one.applied_at, one.id)
        query = sa.select(seller_application).order_by(one.state, one.applied_at, one.id).limit(limit)
        if person is not None:
            query = query.where(one.person == person)
        if after is not None:
            row = (await tx.execute(sa.select(one.state, one.applied_at, one.id).where(one.id == after))).one_or_none()
            if row is not None:
                query = query.where(order > sa.tuple_(*(sa.literal(value) for value in row)))
        return [self._read(row) for row in await tx.execute(query)]

    async def decide(self, tx: Transaction, before: Application, after: Application) -> None:
        """Write the answer; with an approval the seller, its warehouse, and whoever applied as its first person.

        Raises `DECIDED_ALREADY`.
        """
        if after.seller is not None:
            try:
                async with tx.begin_nested():
                    await tx.execute(
                        sa.insert(seller).values(
                            id=after.seller,
                            code=after.code,
                            kind="vendor",
                            organisation=None,
                            name=dict(after.name),
                            active=True,
                            created_at=after.decided_at,
                        )
                    )
            except IntegrityError as error:
                raise Problem(APPLIED_ALREADY) from error
            await tx.execute(
                insert(trade.warehouse)
                .values(code=after.code, seller=after.seller, name=dict(after.name))
                .on_conflict_do_nothing()
            )
            await tx.execute(
                sa.insert(seller_member).values(seller=after.seller, person=after.person, since=after.decided_at)
            )
        done = await tx.execute(
            sa.update(seller_application)
            .values(
                state=after.state,
                decided_at=after.decided_at,
                decided_by=after.decided_by,
                reason=after.reason,
                seller=after.seller,
                version=seller_application.c.version + 1,
            )
            .where(seller_application.c.id == before.id, seller_application.c.state == before.state)
        )
        if not done.rowcount:
            raise Problem(DECIDED_ALREADY)

    async def of_person(self, tx: Transaction, person: UUID) -> Sequence[Seller]:
        """For whom a person acts."""
        query = (
            sa.select(seller.c.id, seller.c.code, seller.c.kind, seller.c.name, seller.c.active)
            .join(seller_member, seller_member.c.seller == seller.c.id)
            .where(seller_member.c.person == person)
            .order_by(seller_member.c.since, seller.c.code)
        )
        return [Seller(*row) for row in await tx.execute(query)]

    async def members(self, tx: Transaction, owner: UUID) -> Sequence[UUID]:
        """Who acts for a seller."""
        return list(await tx.scalars(sa.select(seller_member.c.person).where(seller_member.c.seller == owner)))

    async def add_member(self, tx: Transaction, owner: UUID, person: UUID) -> bool:
        """Let somebody act for a seller; False where there is no such seller."""
        known = sa.select(seller.c.id, sa.literal(person, sa.Uuid), sa.func.now()).where(seller.c.id == owner)
        await tx.execute(
            insert(seller_member).from_select(["seller", "person", "since"], known).on_conflict_do_nothing()
        )
        return await tx.scalar(sa.select(seller.c.id).where(seller.c.id == owner)) is not None

    async def set_commission(self, tx: Transaction, owner: UUID, basis_points: int) -> bool:
        """From the next order on; False where there is no such seller."""
        if await tx.scalar(sa.select(seller.c.id).where(seller.c.id == owner)) is None:
            return False
        values = insert(seller_terms).values(seller=owner, commission=basis_points, version=1)
        await tx.execute(
            values.on_conflict_do_update(
                index_elements=["seller"], set_={"commission": basis_points, "version": seller_terms.c.version + 1}
            )
        )
        return True

    async def regions(self, tx: Transaction) -> Collection[str]:
        """The regions that a rule may be for."""
        return list(await tx.scalars(sa.select(shipping_region.c.code)))

    async def set_methods(self, tx: Transaction, owner: UUID, methods: Sequence[Method]) -> None:
        """How it delivers from now on, in this order."""
        await tx.execute(sa.select(seller.c.id).where(seller.c.id == owner).with_for_update(key_share=True))
        await tx.execute(sa.delete(shipping_rule).where(shipping_rule.c.seller == owner))
        await tx.execute(sa.delete(shipping_method).where(shipping_method.c.seller == owner))
        if not methods:
            return
        await tx.execute(
            sa.insert(shipping_method),
            [
                {
                    "seller": owner,
                    "code": one.code,
                    "name": dict(one.name),
                    "days_min": one.days_min,
                    "days_max": one.days_max,
                    "position": place,
                    "active": True,
                }
                for place, one in enumerate(methods)
            ],
        )
        await tx.execute(
            sa.insert(shipping_rule),
            [
                {
                    "seller": owner,
                    "method": one.code,
                    "region": rule.region,
                    "from_grams": rule.from_grams,
                    "fee": rule.fee,
                    "free_from": rule.free_from,
                }
                for one in methods
                for rule in one.rules
            ],
        )

    def _read(self, row: sa.Row[Any]) -> Application:
        opened = self._envelope.open(row.contact, sealing_context(row.id))
        return Application(
            row.id,
            row.person,
            row.organisation,
            row.code,
            row.name,
            Contact(**msgspec.json.decode(opened)),
            row.state,
            row.applied_at,
            row.decided_at,
            row.decided_by,
            row.reason,
            row.seller,
            row.version,
        )
