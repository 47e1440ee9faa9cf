"""Clients in the memory of a node: read once, forgotten when an event says that one changed."""

from __future__ import annotations

from collections.abc import Mapping

from config.clock import Clock
from config.connections import Database, reading
from idp.clients.client import EVENT_TOPIC, Client, Clients

LONGEST_NAME = 256
"""Characters of a client id."""
LONGEST = 60.0
"""Seconds that a client is believed although no event came: the bound on what a lost event can cost."""


class ClientCache:
    """`find` for endpoints. Only clients that exist are kept, so strangers' names do not fill it."""

    def __init__(self, clients: Clients, database: Database, clock: Clock) -> None:
        self._clients = clients
        self._database = database
        self._clock = clock
        self._known: dict[str, tuple[Client, float]] = {}
        self._changes = 0

    async def find(self, client_id: str) -> Client | None:
        """One client, from memory or from storage. What cannot be the name of one is nobody's."""
        if len(client_id) > LONGEST_NAME or "\0" in client_id:
            return None
        now = self._clock.monotonic()
        known = self._known.get(client_id)
        if known is not None and now < known[1]:
            return known[0]
        changes = self._changes
        async with reading(self._database) as tx:
            client = await self._clients.find(tx, client_id)
        if client is None:
            self._known.pop(client_id, None)
        elif changes == self._changes:  # otherwise what was read may be older than the change
            self._known[client_id] = (client, now + LONGEST)
        return client

    def on_event(self, topic: str, payload: Mapping[str, object]) -> None:
        """Forget a client that changed."""
        if topic == EVENT_TOPIC:
            self._changes += 1
            self._known.pop(str(payload.get("client_id", "")), None)

    def on_reset(self) -> None:
        """Events may have been lost: forget all."""
        self._changes += 1
        self._known.clear()
