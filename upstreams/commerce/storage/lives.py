"""The lives of products in PostgreSQL: states and events."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError

from config.connections import Transaction
from upstreams.commerce.lifecycle.states import Event, Life, State
from upstreams.commerce.storage.tables import (
    offer,
    product,
    product_event,
    product_state,
    product_state_transition,
    seller,
    sku,
)

_LIFE = (
    product.c.id,
    product.c.state,
    product.c.version,
    product.c.created_at,
    product.c.planned_launch_at,
    product.c.launch_due_at,
    product.c.launched_at,
    product.c.ended_at,
)


class StoredLives:
    """`commerce.lifecycle.states.Lives` in schema `commerce`."""

    async def states(self, tx: Transaction, *, lock: bool = False) -> Sequence[State]:
        """Every state, in its place; locked, nobody else changes them meanwhile."""
        if lock:
            await tx.execute(sa.text("LOCK TABLE commerce.product_state IN SHARE ROW EXCLUSIVE MODE"))
        one, way = product_state.c, product_state_transition.c
        ways: dict[str, list[str]] = {}
        for row in await tx.execute(sa.select(way.from_state, way.to_state).order_by(way.from_state, way.to_state)):
            ways.setdefault(row.from_state, []).append(row.to_state)
        query = sa.select(
            one.code, one.name, one.description, one.sellable, one.position, one.on_entry, one.shipped
        ).order_by(one.position)
        return [State(*row, follows=ways.get(row.code, [])) for row in await tx.execute(query)]

    async def put_state(self, tx: Transaction, state: State, before: Collection[str]) -> None:
        """Make a state or change one; `before`: states from which it can be gone to."""
        values = {
            "name": dict(state.name),
            "description": dict(state.description),
            "sellable": state.sellable,
            "position": state.position,
            "on_entry": state.on_entry,
        }
        await tx.execute(
            insert(product_state)
            .values(code=state.code, shipped=False, **values)
            .on_conflict_do_update(index_elements=["code"], set_=values)
        )
        way = product_state_transition.c
        await tx.execute(
            sa.delete(product_state_transition).where(sa.or_(way.from_state == state.code, way.to_state == state.code))
        )
        ways = [(state.code, there) for there in state.follows] + [(here, state.code) for here in before]
        if ways:
            await tx.execute(
                sa.insert(product_state_transition), [{"from_state": a, "to_state": b} for a, b in sorted(set(ways))]
            )

    async def remove_state(self, tx: Transaction, code: str) -> bool:
        """Remove a state that did not ship, and in which no product is or was; False for any other."""
        way = product_state_transition.c
        try:
            async with tx.begin_nested():
                await tx.execute(
                    sa.delete(product_state_transition).where(
                        sa.or_(way.from_state == code, way.to_state == code),
                        sa.exists().where(product_state.c.code == code, ~product_state.c.shipped),
                    )
                )
                done = await tx.execute(
                    sa.delete(product_state).where(product_state.c.code == code, ~product_state.c.shipped)
                )
        except IntegrityError:
            return False
        return bool(done.rowcount)

    async def find(self, tx: Transaction, product_: UUID, *, lock: bool = False) -> Life | None:
        """One life; locked, until the transaction ends."""
        query = sa.select(*_LIFE).where(product.c.id == product_)
        row = (await tx.execute(query.with_for_update(key_share=True) if lock else query)).one_or_none()
        return Life(*row) if row else None

    async def move(
        self, tx: Transaction, before: Life, after: Life, notes: str, actor: UUID | None, now: datetime
    ) -> bool:
        """Write a transition with its event, unless the product was changed meanwhile: False then."""
        changed = await tx.execute(
            sa.update(product)
            .values(
                state=after.state,
                launch_due_at=after.launch_due_at,
                launched_at=after.launched_at,
                ended_at=after.ended_at,
                version=product.c.version + 1,
            )
            .where(product.c.id == before.product, product.c.state == before.state, product.c.version == before.version)
        )
        if not changed.rowcount:
            return False
        await self._write(tx, before.product, before.state, after.state, notes, actor, now)
        return True

    async def plan(self, tx: Transaction, before: Life, after: Life) -> bool:
        """Write another plan, unless the product was changed meanwhile: False then."""
        changed = await tx.execute(
            sa.update(product)
            .values(
                planned_launch_at=after.planned_launch_at,
                launch_due_at=after.launch_due_at,
                version=product.c.version + 1,
            )
            .where(product.c.id == before.product, product.c.version == before.version)
        )
        return bool(changed.rowcount)

    async def note(self, tx: Transaction, life: Life, notes: str, actor: UUID | None, now: datetime) -> None:
        """Write an event that changes nothing."""
        await self._write(tx, life.product, life.state, life.state, notes, actor, now)

    async def _write(
        self, tx: Transaction, product_: UUID, here: str, there: str, notes: str, actor: UUID | None, now: datetime
    ) -> None:
        values = {"product": product_, "from_state": here, "to_state": there, "notes": notes, "actor": actor, "at": now}
        await tx.execute(sa.insert(product_event).values(values))

    async def events(self, tx: Transaction, product_: UUID, *, after: int = 0, limit: int = 200) -> Sequence[Event]:
        """What happened, the first first."""
        one = product_event.c
        query = (
            sa.select(one.id, one.from_state, one.to_state, one.notes, one.actor, one.at)
            .where(one.product == product_, one.id > after)
            .order_by(one.id)
            .limit(limit)
        )
        return [Event(*row) for row in await tx.execute(query)]

    async def offered(self, tx: Transaction, product_: UUID) -> bool:
        """Whether an active seller offers an active SKU of it."""
        stands = sa.exists().where(
            sku.c.product == product_,
            sku.c.active,
            offer.c.sku == sku.c.code,
            offer.c.active,
            seller.c.id == offer.c.seller,
            seller.c.active,
        )
        return bool(await tx.scalar(sa.select(stands)))

    async def due(self, tx: Transaction, now: datetime, *, limit: int) -> Sequence[UUID]:
        """Products whose launch is due, locked; what somebody else has locked is theirs to launch."""
        query = (
            sa.select(product.c.id)
            .where(product.c.launch_due_at <= now)
            .order_by(product.c.launch_due_at)
            .limit(limit)
            .with_for_update(skip_locked=True, key_share=True)
        )
        return (await tx.scalars(query)).all()
