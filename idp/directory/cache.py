"""How organisations meet people, in the memory of a node: read once, forgotten when an event says that it changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol
from uuid import UUID

from config.clock import Clock
from config.connections import Database, Transaction
from idp.directory.account import ClientHome, Face

ORGANISATION_TOPIC: Final = "organisation"
"""Topic in the outbox, key = organisation id, payload `{"organisation_id"}`."""
CLIENT_TOPIC: Final = "client"
LONGEST = 60.0
"""Seconds that something is believed although no event came: the bound on what a lost event can cost."""
MOST = 4096
"""Entries; with more, all are forgotten."""


class Faces(Protocol):
    """Where faces and homes are kept."""

    async def face(self, tx: Transaction, organisation_id: UUID) -> Face | None:
        """How one organisation meets people."""

    async def client_home(self, tx: Transaction, client_id: str) -> ClientHome | None:
        """Where a client belongs."""


class FaceCache:
    """`of_client` and `of_organisation` for endpoints. Ask only for clients that exist."""

    def __init__(self, faces: Faces, database: Database, clock: Clock) -> None:
        self._faces = faces
        self._database = database
        self._clock = clock
        self._known: dict[UUID | str, tuple[Face | ClientHome | None, float]] = {}
        self._changes = 0

    async def of_client(self, client_id: str) -> Face | None:
        """The face of the organisation that a client belongs to."""
        home = await self.home(client_id)
        if home is None or home.organisation_id is None:
            return None
        return await self.of_organisation(home.organisation_id)

    async def home(self, client_id: str) -> ClientHome | None:
        """Where a client belongs, and where its own sign-in begins."""
        found = await self._find(client_id)
        return found if isinstance(found, ClientHome) else None

    async def of_organisation(self, organisation_id: UUID) -> Face | None:
        """The face of one organisation."""
        found = await self._find(organisation_id)
        return found if isinstance(found, Face) else None

    def on_event(self, topic: str, payload: Mapping[str, object]) -> None:
        """Forget what changed."""
        if topic in (ORGANISATION_TOPIC, CLIENT_TOPIC):
            self.on_reset()

    def on_reset(self) -> None:
        """Something changed, or events may have been lost: forget all. It is little, and changes seldom."""
        self._changes += 1
        self._known.clear()

    async def _find(self, key: UUID | str) -> Face | ClientHome | None:
        now = self._clock.monotonic()
        known = self._known.get(key)
        if known is not None and now < known[1]:
            return known[0]
        changes = self._changes
        async with self._database.connect() as tx:
            if isinstance(key, UUID):
                found: Face | ClientHome | None = await self._faces.face(tx, key)
            else:
                found = await self._faces.client_home(tx, key)
        if changes == self._changes:  # otherwise what was read may be older than the change
            if len(self._known) >= MOST:
                self._known.clear()
            self._known[key] = (found, now + LONGEST)
        return found
