"""What can be done to a reservation, each within the caller's transaction: `confirm`, `release`, `give_back`, `expire`.

Whoever calls has locked the reservation (`Stores.reservations.lock`), commits, and then tells the events that came back
(`Teller.tell`) and lets the gate know what can be had again (`Gate.give`). No transaction stays open across a call to
a payment provider: what the provider says is done by a second transaction of this kind.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from config.connections import Transaction
from upstreams.reservation.happening import Event, News
from upstreams.reservation.life import NotInThatState, State
from upstreams.reservation.reservation import Reservation
from upstreams.reservation.stores import Stores
from upstreams.trade.allocation import Line, Taken
from upstreams.trade.holds import End
from upstreams.trade.stock import Kind


@dataclass(frozen=True, slots=True)
class Changed:
    """What a change came to: what to tell once it is committed, and what can be had again."""

    events: Sequence[Event]
    given_back: Sequence[Taken] = field(default=())


class Changes:
    """Changes of reservations that somebody has locked."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores

    async def confirm(self, tx: Transaction, found: Reservation, now: datetime, *, actor: UUID | None) -> Changed:
        """Keep for good what is held. Nothing changes where it is confirmed already.

        Raises `NotInThatState`, also where it was held until now at the latest: then whoever paid has to acquire again
        or be refunded.
        """
        if found.state == "CONFIRMED":
            return Changed([])
        if found.state == "PENDING" and found.expires_at <= now:
            raise NotInThatState("EXPIRED", "CONFIRMED")
        events = await self._move(tx, [found], "CONFIRMED", now, actor=actor)
        await self._stores.holds.end(tx, [found.hold], "confirmed", now)
        return Changed(events)

    async def release(
        self, tx: Transaction, found: Reservation, reason: str, now: datetime, *, actor: UUID | None = None
    ) -> Changed:
        """Give back the whole of what is held and was not confirmed, for a reason that the history keeps.

        Raises `NotInThatState`.
        """
        events = await self._move(tx, [found], "RELEASED", now, actor=actor, reason=reason)
        return Changed(events, await self._end(tx, [found], "released", now))

    async def expire(self, tx: Transaction, due: Sequence[Reservation], now: datetime) -> Changed:
        """Give back what nobody confirmed in time. Raises `NotInThatState`."""
        events = await self._move(tx, due, "EXPIRED", now, actor=None)
        return Changed(events, await self._end(tx, due, "expired", now))

    async def give_back(
        self, tx: Transaction, found: Reservation, lines: Sequence[Line], cause: UUID, now: datetime
    ) -> list[Taken]:
        """Let others have some of a PENDING or CONFIRMED reservation, exactly once for each cause.

        The cause is whatever made it so, a cancellation; it stands in the movements of the stock. The reservation's
        state is the caller's to `move`, since it knows whether this was the whole. Lines of a resource are given back
        whole. Raises `ValueError` for more than is kept, `NotInThatState` where nothing is kept any more.
        """
        if found.state not in ("PENDING", "CONFIRMED"):
            raise NotInThatState(found.state, "CANCELLED")
        kind: Kind = "release" if found.state == "PENDING" else "cancel"
        if await self._stores.stock.moved(tx, str(cause), kind):
            return []
        counted, booked = await self._stores.places.give_back(tx, found.hold, lines)
        return [*await self._stores.holds.give_back(tx, found.hold, counted, str(cause), now), *booked]

    async def kept(self, tx: Transaction, found: Reservation) -> list[Taken]:
        """What a reservation keeps at this moment, without what was given back."""
        counted = (await self._stores.holds.lines(tx, [found.hold]))[found.hold]
        return [*counted, *await self._stores.places.booked(tx, [found.hold])]

    async def move(
        self,
        tx: Transaction,
        found: Reservation,
        to: State,
        now: datetime,
        *,
        actor: UUID | None,
        reason: str | None = None,
        more: dict[str, Any] | None = None,
    ) -> Changed:
        """Change the state alone, with its event in the history and its news. `more` stands in the news beside it.

        Raises `NotInThatState`.
        """
        return Changed(await self._move(tx, [found], to, now, actor=actor, reason=reason, more=more))

    async def _move(
        self,
        tx: Transaction,
        before: Sequence[Reservation],
        to: State,
        now: datetime,
        *,
        actor: UUID | None,
        reason: str | None = None,
        more: dict[str, Any] | None = None,
    ) -> Sequence[Event]:
        await self._stores.reservations.change(tx, before, to, now, actor=actor, reason=reason)
        news = [News(one.person, one.id, to.lower(), {"state": to, "reason": reason, **(more or {})}) for one in before]
        return await self._stores.happenings.write(tx, news, now)

    async def _end(self, tx: Transaction, ended: Sequence[Reservation], state: End, now: datetime) -> list[Taken]:
        holds = [one.hold for one in ended]
        booked = await self._stores.places.free(tx, holds)
        kept = await self._stores.holds.end(tx, holds, state, now)
        return [*(taken for lines in kept.values() for taken in lines), *booked]
