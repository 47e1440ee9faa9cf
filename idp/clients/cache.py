"""Clients in the memory of a node: read once, forgotten when an event says that one changed."""

from __future__ import annotations

from collections.abc import Mapping

from config.clock import Clock
from config.connections import Database, reading
from config.recollection import Lease, Recollection
from idp.clients.client import EVENT_TOPIC, Client, Clients

LONGEST_NAME = 256
"""Characters of a client id."""


class ClientCache:
    """`find` for endpoints. Only clients that exist are kept, so strangers' names do not fill it."""

    def __init__(self, clients: Clients, database: Database, clock: Clock, lease: Lease) -> None:
        self._clients = clients
        self._database = database
        self._known: Recollection[str, Client | None] = Recollection(clock, keeps_none=False, lease=lease)

    async def find(self, client_id: str) -> Client | None:
        """One client, from memory or from storage. What cannot be the name of one is nobody's."""
        if len(client_id) > LONGEST_NAME or "\0" in client_id:
            return None

        async def read() -> Client | None:
            async with reading(self._database) as tx:
                return await self._clients.find(tx, client_id)

        return await self._known.of(client_id, read)

    def on_event(self, topic: str, payload: Mapping[str, object]) -> None:
        """Forget a client that changed."""
        if topic == EVENT_TOPIC:
            self._known.forget(str(payload.get("client_id", "")))

    def on_reset(self) -> None:
        """Events may have been lost: forget all."""
        self._known.forget_all()
