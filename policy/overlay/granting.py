"""Asking for an elevation and deciding about one: each act in one transaction, on record, and told."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

import msgspec

from audit import trail
from config.connections import Transaction
from config.entropy import Entropy
from events import outbox
from policy.overlay import elevation as rules
from policy.overlay.elevation import Elevation, Ladder, NotForYou, State, Wish
from policy.overlay.page import Place

SPOKEN_OF_FOR = timedelta(seconds=120)
"""For how long after its end an assertion of the gateway may still name a role: longer than one is valid."""


class Store(Protocol):
    """Where elevations are kept; `policy.storage.elevations` is it. All within the caller's transaction."""

    async def hold(self, tx: Transaction) -> None:
        """Let nobody else ask or decide until the transaction is over."""

    async def add(self, tx: Transaction, made: Elevation) -> None:
        """Keep one that is asked for."""

    async def save(self, tx: Transaction, changed: Elevation) -> None:
        """Keep what became of it."""

    async def find(self, tx: Transaction, ident: UUID) -> Elevation | None:
        """One, whatever became of it."""

    async def of_person(self, tx: Transaction, sub: str, organisation: str, now: datetime) -> Sequence[Elevation]:
        """Those of a person that are in force, or asked for and stored as such."""

    async def lately_held(self, tx: Transaction, sub: str, organisation: str, since: datetime) -> frozenset[str]:
        """The roles of those of a person that were in force at any time since."""

    async def in_force(self, tx: Transaction, now: datetime) -> int:
        """How many are."""

    async def page(
        self,
        tx: Transaction,
        *,
        organisation: str | None,
        sub: str,
        roles: Collection[str] | None,
        state: State | None,
        now: datetime,
        after: Place | None,
        limit: int,
    ) -> Sequence[Elevation]:
        """The newest first: of one organisation or all, and of those one person's and those of some roles, or all."""


class Person(msgspec.Struct, frozen=True):
    """Who acts, as the gateway vouches for them."""

    sub: str
    organisation: str
    roles: frozenset[str]
    """Held by what they are, elevations left out."""
    sid: str
    correlation_id: str
    sees_all: bool = False
    """An administrator of the organisation that runs this installation."""
    administers: bool = False
    """An administrator of their own organisation."""
    name: str = ""
    """What they are called."""


class NoSuchElevation(Exception):
    """There is none, or none that this person may see."""


class Settled(Exception):
    """It was decided, or is over: this cannot be done to it any more."""


class AskedAlready(Exception):
    """The same person asks for, or holds, the same role already."""


class TooMany(Exception):
    """More are in force than every gateway can be asked to hold."""


class Granting:
    """The acts. Whoever calls commits, and pokes the outbox afterwards."""

    def __init__(self, store: Store, ladder: Callable[[Transaction], Awaitable[Ladder]], entropy: Entropy) -> None:
        """`ladder`: of the policy in force."""
        self._store = store
        self._ladder = ladder
        self._entropy = entropy

    async def own_roles(self, tx: Transaction, person: Person, now: datetime) -> frozenset[str]:
        """The roles that somebody holds without their elevations, which the gateway names beside them."""
        since = now - SPOKEN_OF_FOR
        return person.roles - await self._store.lately_held(tx, person.sub, person.organisation, since)

    async def ask(self, tx: Transaction, person: Person, wish: Wish, now: datetime) -> Elevation:
        """Ask for a role. Raises `HeldAlready`, `NotForYou`, `TooLong`, `AskedAlready`."""
        if not person.organisation:
            raise NotForYou(wish.role)
        await self._store.hold(tx)
        rules.may_ask(await self._ladder(tx), person.sub, person.organisation, person.roles, wish)
        for before in await self._store.of_person(tx, person.sub, person.organisation, now):
            if before.role != wish.role:
                continue
            stands = before.at(now)
            if stands.state is not State.EXPIRED:
                raise AskedAlready(before.id)
            await self._store.save(tx, stands)
        made = Elevation(
            id=str(self._entropy.uuid()),
            sub=person.sub,
            organisation=person.organisation,
            role=wish.role,
            reason=wish.reason,
            seconds=wish.seconds,
            state=State.ASKED,
            asked_at=now,
        )
        await self._store.add(tx, made)
        await self._tell(tx, made, person, trail.Kind.ELEVATION_ASKED, wish.reason)
        return made

    async def approve(self, tx: Transaction, person: Person, ident: UUID, why: str, now: datetime) -> Elevation:
        """Grant it, from now on. Raises `NoSuchElevation`, `NotForYou`, `Settled`, `TooMany`."""
        found = await self._to_decide(tx, person, ident, now)
        if await self._store.in_force(tx, now) >= rules.MOST:
            raise TooMany(rules.MOST)
        made = rules.approved(found, person.sub, person.name, why, now)
        return await self._kept(tx, made, person, trail.Kind.ELEVATION_APPROVED, why)

    async def refuse(self, tx: Transaction, person: Person, ident: UUID, why: str, now: datetime) -> Elevation:
        """Say no. Raises `NoSuchElevation`, `NotForYou`, `Settled`."""
        found = await self._to_decide(tx, person, ident, now)
        made = rules.refused(found, person.sub, person.name, why)
        return await self._kept(tx, made, person, trail.Kind.ELEVATION_REFUSED, why)

    async def withdraw(self, tx: Transaction, person: Person, ident: UUID, why: str, now: datetime) -> Elevation:
        """Take back what one asked for oneself. Raises `NoSuchElevation`, `NotForYou`, `Settled`."""
        found = await self._seen(tx, person, ident, now)
        if found.sub != person.sub:
            raise NotForYou(ident)
        if found.state is not State.ASKED:
            raise Settled(found.state)
        made = rules.withdrawn(found, person.sub, why)
        return await self._kept(tx, made, person, trail.Kind.ELEVATION_WITHDRAWN, why)

    async def end(self, tx: Transaction, person: Person, ident: UUID, why: str, now: datetime) -> Elevation:
        """End it before its time: whoever holds it, could have approved it, or administers. Raises
        `NoSuchElevation`, `NotForYou`, `Settled`."""
        found = await self._seen(tx, person, ident, now)
        if found.sub != person.sub and not (person.sees_all or person.administers):
            await self._decides(tx, person, found)
        if found.state is not State.APPROVED:
            raise Settled(found.state)
        made = rules.ended(found, person.sub, why, now)
        return await self._kept(tx, made, person, trail.Kind.ELEVATION_ENDED, why)

    async def give_back(self, tx: Transaction, person: Person, ident: UUID, why: str, now: datetime) -> Elevation:
        """Take back what one asked for oneself, or end what one holds. Raises `NoSuchElevation`, `Settled`."""
        found = await self.show(tx, person, ident, now)
        if found.sub != person.sub:
            raise NoSuchElevation(ident)
        doing = self.end if found.state is State.APPROVED else self.withdraw
        return await doing(tx, person, ident, why, now)

    async def show(self, tx: Transaction, person: Person, ident: UUID, now: datetime) -> Elevation:
        """One that this person may see: their own, one that they may decide about, or as an administrator. Raises
        `NoSuchElevation`."""
        found = await self._store.find(tx, ident)
        if found is None or not await self._may_see(tx, person, found):
            raise NoSuchElevation(ident)
        return found.at(now)

    async def list(
        self, tx: Transaction, person: Person, *, state: State | None, now: datetime, after: Place | None, limit: int
    ) -> Sequence[Elevation]:
        """Those that this person may see, the newest first."""
        roles = None
        if not (person.sees_all or person.administers):
            roles = (await self._ladder(tx)).approvable(person.sub, person.organisation, person.roles)
        found = await self._store.page(
            tx,
            organisation=None if person.sees_all else person.organisation,
            sub=person.sub,
            roles=roles,
            state=state,
            now=now,
            after=after,
            limit=limit,
        )
        return [one.at(now) for one in found]

    async def askable(self, tx: Transaction, person: Person) -> dict[str, int]:
        """The roles that this person may ask for, with the seconds for which at most."""
        return (await self._ladder(tx)).askable(person.sub, person.organisation, person.roles)

    async def time_zone(self, tx: Transaction, person: Person) -> str:
        """The clock of their organisation."""
        return (await self._ladder(tx)).time_zone(person.organisation)

    async def own(self, tx: Transaction, person: Person, now: datetime, limit: int) -> Sequence[Elevation]:
        """Those that this person asked for, the newest first."""
        found = await self._store.page(
            tx,
            organisation=person.organisation,
            sub=person.sub,
            roles=(),
            state=None,
            now=now,
            after=None,
            limit=limit,
        )
        return [one.at(now) for one in found]

    async def _may_see(self, tx: Transaction, person: Person, found: Elevation) -> bool:
        if person.sees_all:
            return True
        if found.organisation != person.organisation:
            return False
        if found.sub == person.sub or person.administers:
            return True
        return found.role in (await self._ladder(tx)).approvable(person.sub, person.organisation, person.roles)

    async def _seen(self, tx: Transaction, person: Person, ident: UUID, now: datetime) -> Elevation:
        await self._store.hold(tx)
        return await self.show(tx, person, ident, now)

    async def _to_decide(self, tx: Transaction, person: Person, ident: UUID, now: datetime) -> Elevation:
        found = await self._seen(tx, person, ident, now)
        await self._decides(tx, person, found)
        if found.state is not State.ASKED:
            raise Settled(found.state)
        return found

    async def _decides(self, tx: Transaction, person: Person, found: Elevation) -> None:
        ladder = await self._ladder(tx)
        if not rules.may_decide(ladder, found, person.sub, person.organisation, person.roles):
            raise NotForYou(found.id)

    async def _kept(self, tx: Transaction, made: Elevation, person: Person, kind: trail.Kind, why: str) -> Elevation:
        await self._store.save(tx, made)
        await self._tell(tx, made, person, kind, why)
        return made

    async def _tell(self, tx: Transaction, made: Elevation, person: Person, kind: trail.Kind, why: str) -> None:
        await outbox.append(tx, "elevation", made.id, {"elevation_id": made.id, "sub": made.sub, "state": made.state})
        details: dict[str, object] = {"why": why, "sub": made.sub, "role": made.role, "seconds": made.seconds}
        details["organisation"] = made.organisation
        if made.ends_at is not None:
            details["ends_at"] = made.ends_at.isoformat()
        await trail.record(
            tx,
            trail.AuditEvent(
                kind=kind,
                correlation_id=person.correlation_id,
                actor=person.sub,
                subject=f"elevation:{made.id}",
                sid=person.sid,
                details=details,
            ),
        )
