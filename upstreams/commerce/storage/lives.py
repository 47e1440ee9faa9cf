"""The lives of products in PostgreSQL: states, events, versions, teams."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError

from config.connections import Transaction
from config.envelope import Envelope
from upstreams.commerce.lifecycle.states import Event, Life, State
from upstreams.commerce.lifecycle.teams import Assignment, Member
from upstreams.commerce.lifecycle.versions import Version
from upstreams.commerce.storage.product_tables import product_team, product_version, team_member
from upstreams.commerce.storage.tables import (
    offer,
    product,
    product_event,
    product_state,
    product_state_transition,
    seller,
    sku,
)

_CONTACT = "commerce.team"
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


class StoredVersions:
    """`commerce.lifecycle.versions.Versions` in schema `commerce`."""

    async def record(self, tx: Transaction, product_: UUID, version: Version) -> bool:
        """Write a version; False where the number is taken."""
        values = {
            "id": version.id,
            "product": product_,
            "number": version.number,
            "description": version.description,
            "snapshot": version.snapshot,
            "created_at": version.created_at,
            "created_by": version.created_by,
        }
        made = insert(product_version).values(values).on_conflict_do_nothing().returning(product_version.c.id)
        return await tx.scalar(made) is not None

    async def all(self, tx: Transaction, product_: UUID) -> Sequence[Version]:
        """Every version, the newest first."""
        one = product_version.c
        query = (
            sa.select(
                one.id, one.number, one.description, one.snapshot, one.created_at, one.created_by, one.released_at
            )
            .where(one.product == product_)
            .order_by(one.created_at.desc(), one.id)
        )
        return [Version(*row) for row in await tx.execute(query)]

    async def release(self, tx: Transaction, version: UUID, now: datetime) -> bool:
        """Write when it was released; False where that is written."""
        one = product_version.c
        done = await tx.execute(
            sa.update(product_version).values(released_at=now).where(one.id == version, one.released_at.is_(None))
        )
        return bool(done.rowcount)


class StoredTeams:
    """`commerce.lifecycle.teams.Teams` in schema `commerce`; how somebody is reached is sealed."""

    def __init__(self, envelope: Envelope) -> None:
        self._envelope = envelope

    async def put_member(self, tx: Transaction, member: Member, now: datetime) -> bool:
        """Make a member, or change one; False where the person is a member by another id."""
        values: dict[str, Any] = {
            "person": member.person,
            "name": member.name,
            "role": member.role,
            "contact": self._envelope.seal(member.contact.encode(), _CONTACT) if member.contact else None,
            "active": member.active,
        }
        written = insert(team_member).values(id=member.id, created_at=now, **values)
        try:
            async with tx.begin_nested():
                await tx.execute(written.on_conflict_do_update(index_elements=["id"], set_=values))
        except IntegrityError:
            return False
        return True

    async def members(self, tx: Transaction) -> Sequence[Member]:
        """Everybody, by their names."""
        one = team_member.c
        query = sa.select(one.id, one.person, one.name, one.role, one.contact, one.active).order_by(one.name, one.id)
        return [
            Member(
                row.id,
                row.person,
                row.name,
                row.role,
                self._envelope.open(row.contact, _CONTACT).decode() if row.contact else "",
                row.active,
            )
            for row in await tx.execute(query)
        ]

    async def assign(self, tx: Transaction, product_: UUID, assignment: Assignment) -> bool:
        """Put somebody to work; False where they have that role already, or there is no such active member."""
        known = sa.select(team_member.c.id).where(team_member.c.id == assignment.member, team_member.c.active)
        if await tx.scalar(known) is None:
            return False
        made = (
            insert(product_team)
            .values(
                id=assignment.id,
                product=product_,
                member=assignment.member,
                role=assignment.role,
                assigned_on=assignment.assigned_on,
                until=assignment.until,
            )
            .on_conflict_do_nothing()
            .returning(product_team.c.id)
        )
        return await tx.scalar(made) is not None

    async def end(self, tx: Transaction, product_: UUID, assignment: UUID, until: date) -> bool:
        """Write the last day; False where there is no such assignment, or it has ended, or began later."""
        one = product_team.c
        done = await tx.execute(
            sa.update(product_team)
            .values(until=until)
            .where(one.id == assignment, one.product == product_, one.until.is_(None), one.assigned_on <= until)
        )
        return bool(done.rowcount)

    async def team(self, tx: Transaction, product_: UUID) -> Sequence[Assignment]:
        """Who works on it and who did, in the order in which they began."""
        one = product_team.c
        query = (
            sa.select(one.id, one.member, team_member.c.name, one.role, one.assigned_on, one.until)
            .join(team_member, team_member.c.id == one.member)
            .where(one.product == product_)
            .order_by(one.assigned_on, one.id)
        )
        return [Assignment(*row) for row in await tx.execute(query)]
