"""Carts in PostgreSQL."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from config.connections import Transaction
from upstreams.commerce.cart.cart import Cart
from upstreams.commerce.storage.order_tables import cart, cart_item
from upstreams.trade.storage import bulk


class StoredCarts:
    """`commerce.cart.desk.Carts` in schema `commerce`."""

    async def of_person(self, tx: Transaction, person: UUID, fresh: UUID, now: datetime) -> Cart:
        """A person's cart, locked; an empty one with the id `fresh` where there was none."""
        await tx.execute(
            insert(cart).values(id=fresh, person=person, version=0, updated_at=now).on_conflict_do_nothing()
        )
        found = await self._read(tx, cart.c.person == person, locked=True)
        assert found is not None
        return found

    async def find(
        self, tx: Transaction, *, person: UUID | None = None, guest: UUID | None = None, locked: bool = False
    ) -> Cart | None:
        """A person's cart, or the one of a guest; a guest's that became a person's is nobody's."""
        if person is not None:
            return await self._read(tx, cart.c.person == person, locked=locked)
        return await self._read(tx, sa.and_(cart.c.id == guest, cart.c.person.is_(None)), locked=locked)

    async def save(self, tx: Transaction, after: Cart, now: datetime) -> Cart:
        """Write a locked cart, or a new one of a guest."""
        ident = await tx.scalar(
            insert(cart)
            .values(id=after.id, person=after.person, version=1, updated_at=now)
            .on_conflict_do_update(index_elements=["id"], set_={"version": cart.c.version + 1, "updated_at": now})
            .returning(cart.c.version)
        )
        mine = sa.select(cart_item.c.offer, cart_item.c.quantity).where(cart_item.c.cart == after.id)
        have = {row.offer: row.quantity for row in await tx.execute(mine)}
        gone = [offer for offer in have if offer not in after.items]
        if gone:
            await tx.execute(sa.delete(cart_item).where(cart_item.c.cart == after.id, cart_item.c.offer.in_(gone)))
        for offer, quantity in after.items.items():
            if offer in have and have[offer] != quantity:
                await tx.execute(
                    sa.update(cart_item)
                    .values(quantity=quantity)
                    .where(cart_item.c.cart == after.id, cart_item.c.offer == offer)
                )
        fresh = [
            {"cart": after.id, "offer": offer, "quantity": quantity, "added_at": now}
            for offer, quantity in after.items.items()
            if offer not in have
        ]
        await bulk.insert(tx, cart_item, fresh)
        return Cart(after.id, after.person, after.items, int(ident or 0))

    async def remove(self, tx: Transaction, ident: UUID) -> None:
        """A guest's cart that became a person's."""
        await tx.execute(sa.delete(cart).where(cart.c.id == ident, cart.c.person.is_(None)))

    async def bought(self, tx: Transaction, person: UUID, offers: Collection[UUID], now: datetime) -> None:
        """Take what was ordered out of a person's cart."""
        own = sa.select(cart.c.id).where(cart.c.person == person).scalar_subquery()
        gone = await tx.execute(
            sa.delete(cart_item).where(cart_item.c.cart == own, cart_item.c.offer.in_(list(offers)))
        )
        if gone.rowcount:
            await tx.execute(
                sa.update(cart).values(version=cart.c.version + 1, updated_at=now).where(cart.c.person == person)
            )

    async def forget(self, tx: Transaction, before: datetime) -> int:
        """Forget guests' carts that nobody touched since. Answers how many."""
        done = await tx.execute(sa.delete(cart).where(cart.c.person.is_(None), cart.c.updated_at < before))
        return int(done.rowcount)

    async def _read(self, tx: Transaction, where: sa.ColumnElement[bool], *, locked: bool) -> Cart | None:
        query = sa.select(cart.c.id, cart.c.person, cart.c.version).where(where)
        row = (await tx.execute(query.with_for_update(key_share=True) if locked else query)).one_or_none()
        if row is None:
            return None
        items = sa.select(cart_item.c.offer, cart_item.c.quantity).where(cart_item.c.cart == row.id)
        found = await tx.execute(items.order_by(cart_item.c.added_at, cart_item.c.offer))
        return Cart(row.id, row.person, {item.offer: item.quantity for item in found}, row.version)
