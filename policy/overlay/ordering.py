"""Ordering a measure and lifting one, by hand or automatically: each on record, told, and never the last way in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

import msgspec

from audit import trail
from config.connections import Transaction
from config.entropy import Entropy
from events import outbox
from policy.overlay.measure import MOST, Kind, Measure, Ordered, Target, measure_of
from policy.overlay.page import Place
from policy.request import MeasureEffect

FOR_RESPONSES = MOST * 9 // 10
"""Measures beyond which none is taken automatically any more: what is left is for people."""


class Store(Protocol):
    """Where measures are kept; `policy.storage.measures` is it. All within the caller's transaction."""

    async def hold(self, tx: Transaction) -> None:
        """Let nobody else order one until the transaction is over."""

    async def add(self, tx: Transaction, made: Measure) -> None:
        """Keep one."""

    async def lift(self, tx: Transaction, ident: UUID, *, by: str, why: str, now: datetime) -> Measure | None:
        """End one that stands; None: there is none."""

    async def find(self, tx: Transaction, ident: UUID) -> Measure | None:
        """One, whether it stands or not."""

    async def standing(self, tx: Transaction, now: datetime) -> int:
        """How many stand."""

    async def stands(self, tx: Transaction, target: Target, effect: MeasureEffect, by: str, now: datetime) -> bool:
        """Whether the same stands already, ordered by the same."""

    async def leaves_an_administrator(self, tx: Transaction, organisation: str, sub: str, now: datetime) -> bool:
        """Whether somebody administers an organisation, under no measure of their own, once this person does not."""

    async def page(
        self, tx: Transaction, *, standing: bool | None, now: datetime, after: Place | None, limit: int
    ) -> Sequence[Measure]:
        """The newest first: those that stand, those that do not, or all."""


class LastAdministrator(Exception):
    """It would lock out the last one who can lift it."""


class TooManyMeasures(Exception):
    """More stand than every gateway can be asked to hold."""


class By(msgspec.Struct, frozen=True):
    """Who orders or lifts."""

    who: str
    """A person's `sub`, or `response:TRIGGER`."""
    correlation_id: str
    sid: str = ""
    most: int = MOST


class Orders:
    """The acts. Whoever calls commits, and pokes the outbox afterwards."""

    def __init__(self, store: Store, entropy: Entropy, *, operator: str) -> None:
        """`operator`: the organisation whose administrators lift measures."""
        self._store = store
        self._entropy = entropy
        self._operator = operator

    async def take(self, tx: Transaction, ordered: Ordered, by: By, now: datetime) -> Measure:
        """Take a measure, from now on. Raises `WrongMeasure`, `LastAdministrator`, `TooManyMeasures`."""
        made = measure_of(ordered, ident=str(self._entropy.uuid()), by=by.who, at=now)
        await self._store.hold(tx)
        if await self._store.standing(tx, now) >= by.most:
            raise TooManyMeasures(by.most)
        # who is asked for fresh factors can give them; of what is aimed at many `policy.overlay.overlay` spares those
        # who lift it
        if made.target.kind is Kind.PERSON and made.effect is not MeasureEffect.STEP_UP:
            target = made.target.value
            if not await self._store.leaves_an_administrator(tx, self._operator, target, now):
                raise LastAdministrator(target)
        await self._store.add(tx, made)
        await self._tell(tx, made, by, trail.Kind.MEASURE_TAKEN, made.why)
        return made

    async def take_once(self, tx: Transaction, ordered: Ordered, by: By, now: datetime) -> Measure | None:
        """The same, but nothing where the very same stands already. Raises what `take` does."""
        made = measure_of(ordered, ident="", by=by.who, at=now)
        await self._store.hold(tx)
        if await self._store.stands(tx, made.target, made.effect, by.who, now):
            return None
        return await self.take(tx, ordered, by, now)

    async def lift(self, tx: Transaction, ident: UUID, by: By, why: str, now: datetime) -> Measure | None:
        """End one before its time; None where none of this id stands."""
        lifted = await self._store.lift(tx, ident, by=by.who, why=why, now=now)
        if lifted is not None:
            await self._tell(tx, lifted, by, trail.Kind.MEASURE_LIFTED, why)
        return lifted

    async def _tell(self, tx: Transaction, made: Measure, by: By, kind: trail.Kind, why: str) -> None:
        state = "stands" if kind is trail.Kind.MEASURE_TAKEN else "lifted"
        await outbox.append(tx, "measure", made.id, {"measure_id": made.id, "state": state})
        details: dict[str, object] = {
            "measure": made.id,
            "effect": made.effect.value,
            "why": why,
            "until": made.until.isoformat(),
        }
        if made.points:
            details["points"] = made.points
        if made.obligations:
            details["obligations"] = made.obligations
        await trail.record(
            tx,
            trail.AuditEvent(
                kind=kind,
                correlation_id=by.correlation_id,
                actor=by.who,
                subject=f"{made.target.kind.value}:{made.target.value}",
                sid=by.sid,
                details=details,
            ),
        )
