"""Whoever a change concerns is told: pages by websocket, the gate of what can be had, people by mail, and the event
stream, from which push goes out. What is told is written with the change, and sent after its commit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from config.connections import Transaction, Valkey
from events import outbox
from notifications import queue as mail
from notifications.notice import Notice, NoticeKind
from upstreams.reservation.desk import units_of
from upstreams.reservation.gate import Gate
from upstreams.reservation.happening import Event, News
from upstreams.reservation.results import Teller
from upstreams.reservation.stores import Stores
from upstreams.reservation.terms import TermLine, called
from upstreams.trade.allocation import Taken
from upstreams.trade.money import Money
from upstreams.trade.payments.driver import Afterwards


@dataclass(frozen=True, slots=True)
class Telling:
    """How people are told of their reservations."""

    valkey: Valkey
    stores: Stores
    teller: Teller
    gate: Gate
    mails: mail.Queue
    origin: str
    """The shop as browsers know it: mails lead there."""

    async def news(
        self, tx: Transaction, person: UUID, reservation: UUID, kind: str, body: Mapping[str, Any], now: datetime
    ) -> Sequence[Event]:
        """Write news for open pages, and the same for the event stream."""
        await self.happened(tx, person, reservation, kind, now)
        return await self.stores.happenings.write(tx, [News(person, reservation, kind, body)], now)

    async def happened(self, tx: Transaction, person: UUID, reservation: UUID, kind: str, now: datetime) -> None:
        """Write an event for the stream alone: what happened to whose reservation, and nothing more."""
        payload = {"reservation_id": str(reservation), "sub": str(person), "kind": kind, "at": now.timestamp()}
        await outbox.append(tx, "reservation", str(reservation), payload)

    async def mail(
        self,
        tx: Transaction,
        kind: NoticeKind,
        person: UUID,
        reservation: UUID,
        lines: Sequence[TermLine],
        now: datetime,
        *,
        quantities: Mapping[str, int] | None = None,
        more: Mapping[str, str] | None = None,
        **sums: Money,
    ) -> None:
        """Queue a mail to whoever's the reservation is. `sums`: `paid`, `fee`, `refund`; a 0 is not said."""
        facts = {
            "what_ko": called(lines, "ko", quantities),
            "what_en": called(lines, "en", quantities),
            "number": str(reservation),
            "at": now.isoformat(),
            "reservation": f"{self.origin}/reservations/{reservation}",
            **{name: f"{money.minor} {money.currency}" for name, money in sums.items() if money.minor},
            **(more or {}),
        }
        await self.mails.put(tx, Notice(kind=kind, user_id=person, to="", locale="ko", name="", facts=facts))

    def afterwards(self, events: Sequence[Event], given_back: Sequence[Taken] = ()) -> Afterwards:
        """What to do once the transaction is committed."""

        async def tell() -> None:
            await self.gate.give(units_of(given_back))
            await self.teller.tell(events)
            await outbox.poke(self.valkey)
            await mail.poke(self.valkey)

        return tell
