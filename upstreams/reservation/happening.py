"""What became of a request, event by event: written with the change itself, told afterwards, told again on reconnect.

This is the way by which any part of the service lets a person know: in the transaction that changes something
`Happenings.write`, after its commit `Teller.tell`. What was written and not told (its process died in between) is found
and told by the workers.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

import msgspec

from config.connections import Transaction


class News(msgspec.Struct, frozen=True):
    """Something that a person is to know of one of their reservations."""

    person: UUID
    reservation: UUID
    kind: str
    """What happened, in small letters: `confirmed`; parts of the service put their name before: `payment.failed`."""
    body: Mapping[str, Any]
    """A JSON object. `state` of the reservation stands in it, so that a page need not know every kind."""


class Event(msgspec.Struct, frozen=True):
    """News as they are written: with their place in the order in which the person is told."""

    id: int
    news: News

    def json(self) -> bytes:
        """As pages read it: the body, with `event`, `kind` and the reservation's `id`."""
        news = self.news
        return msgspec.json.encode({"event": self.id, "kind": news.kind, "id": news.reservation, **news.body})


def decided(
    person: UUID, request: UUID, refusal: str | None, expires_at: datetime, seats: Sequence[tuple[str, str]] = ()
) -> News:
    """The news that a request is decided: refused for a reason, or held until a moment, with its seats."""
    if refusal is not None:
        return News(person, request, "refused", {"state": "REFUSED", "refusal": refusal})
    body: dict[str, Any] = {"state": "PENDING", "expires_at": expires_at}
    if seats:
        body["seats"] = [{"sku": sku, "seat": label} for sku, label in seats]
    return News(person, request, "held", body)


class Happenings(Protocol):
    """What happened, kept for those who were away."""

    async def write(
        self, tx: Transaction, news: Sequence[News], now: datetime, *, told: bool = False
    ) -> Sequence[Event]:
        """Write news down. `told`: something else sees to it that they are told, should this process die."""

    async def since(self, tx: Transaction, person: UUID, event: int, *, limit: int = 200) -> Sequence[Event]:
        """A person's events after one that they know, in order.

        Transactions end in another order than they number their events, so those shortly before it come again too.
        """

    async def newest(self, tx: Transaction, person: UUID) -> int:
        """The number of a person's last event; 0 where there is none."""

    async def latest(self, tx: Transaction, reservations: Collection[UUID]) -> Sequence[Event]:
        """The last event of each of these requests."""

    async def untold(self, tx: Transaction, before: datetime, *, limit: int) -> Sequence[Event]:
        """What was written before a moment and not told, locked; what somebody else has locked is theirs to tell."""

    async def mark_told(self, tx: Transaction, idents: Collection[int]) -> None:
        """These were published."""

    async def forget(self, tx: Transaction, before: datetime, *, limit: int) -> int:
        """Forget what was written before a moment, so many at a time. Answers how many."""
