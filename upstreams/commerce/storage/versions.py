"""Versions of products and teams in PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError

from config.connections import Transaction
from config.envelope import Envelope
from upstreams.commerce.lifecycle.teams import Assignment, Member
from upstreams.commerce.lifecycle.versions import Version
from upstreams.commerce.storage.product_tables import product_team, product_version, team_member

_CONTACT = "commerce.team"


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
