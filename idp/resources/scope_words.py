"""What people read of scopes, in the memory of a node: forgotten by an event (A7)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from config.clock import Clock
from config.connections import Database, reading
from config.recollection import Recollection
from idp.clients.client import Client
from idp.protocol.scopes import SCOPES, in_order
from idp.resources.resource_server import EVENT_TOPIC, DescribedScopes

Described = Mapping[str, tuple[UUID | None, Mapping[str, str]]]


@dataclass(frozen=True, slots=True)
class ScopeLine:
    """A scope as a page shows it."""

    name: str
    standard: bool
    """Its words are the catalogue's."""
    words: Mapping[str, str]
    """By locale; empty: nobody described it, and its bare name is shown."""


class ScopeWords:
    """`lines` for pages."""

    def __init__(self, storage: DescribedScopes, database: Database, clock: Clock) -> None:
        self._storage = storage
        self._database = database
        self._known: Recollection[str, Described] = Recollection(clock)

    async def lines(self, scope: Iterable[str], client: Client | None) -> list[ScopeLine]:
        """Every scope that is asked for or was granted, none left out.

        An organisation's words are believed of its own clients alone: nobody may put other words to what the app of
        somebody else asks for. The house's are believed of all.
        """
        asked = in_order(scope)
        believed = {None, client.organisation_id if client is not None else None}
        described = await self._known.of("", self._read) if set(asked) - set(SCOPES) else {}
        lines = []
        for name in asked:
            owner, words = described.get(name, (None, {}))
            lines.append(ScopeLine(name, name in SCOPES, words if owner in believed else {}))
        return lines

    async def _read(self) -> Described:
        async with reading(self._database) as tx:
            return {one.name: (owner, one.words) for owner, one in await self._storage.described(tx)}

    def on_event(self, topic: str, payload: Mapping[str, object]) -> None:
        """Somebody described otherwise."""
        if topic == EVENT_TOPIC:
            self._known.forget_all()

    def on_reset(self) -> None:
        """Events may have been lost: forget all."""
        self._known.forget_all()
