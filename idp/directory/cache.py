"""How organisations meet people, in the memory of a node: read once, forgotten when an event says that it changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol
from uuid import UUID

from config.clock import Clock
from config.connections import Database, Transaction
from config.recollection import Lease, Recollection
from idp.directory.account import ClientHome, Face

ORGANISATION_TOPIC: Final = "organisation"
"""Topic in the outbox, key = organisation id, payload `{"organisation_id"}`."""
CLIENT_TOPIC: Final = "client"


class Faces(Protocol):
    """Where faces and homes are kept."""

    async def face(self, tx: Transaction, organisation_id: UUID) -> Face | None:
        """How one organisation meets people."""

    async def client_home(self, tx: Transaction, client_id: str) -> ClientHome | None:
        """Where a client belongs."""


class FaceCache:
    """`of_client` and `of_organisation` for endpoints. Ask only for clients that exist."""

    def __init__(self, faces: Faces, database: Database, clock: Clock, lease: Lease) -> None:
        self._faces = faces
        self._database = database
        self._homes: Recollection[str, ClientHome | None] = Recollection(clock, lease=lease)
        self._of_organisations: Recollection[UUID, Face | None] = Recollection(clock, lease=lease)

    async def of_client(self, client_id: str) -> Face | None:
        """The face of the organisation that a client belongs to."""
        home = await self.home(client_id)
        if home is None or home.organisation_id is None:
            return None
        return await self.of_organisation(home.organisation_id)

    async def home(self, client_id: str) -> ClientHome | None:
        """Where a client belongs, and where its own sign-in begins."""

        async def read() -> ClientHome | None:
            async with self._database.connect() as tx:
                return await self._faces.client_home(tx, client_id)

        return await self._homes.of(client_id, read)

    async def home_within(self, tx: Transaction, client_id: str) -> ClientHome | None:
        """`home`, for whoever has a transaction open."""
        return await self._homes.of(client_id, lambda: self._faces.client_home(tx, client_id))

    async def of_organisation(self, organisation_id: UUID) -> Face | None:
        """The face of one organisation."""

        async def read() -> Face | None:
            async with self._database.connect() as tx:
                return await self._faces.face(tx, organisation_id)

        return await self._of_organisations.of(organisation_id, read)

    def on_event(self, topic: str, payload: Mapping[str, object]) -> None:
        """Forget what changed."""
        if topic in (ORGANISATION_TOPIC, CLIENT_TOPIC):
            self.on_reset()

    def on_reset(self) -> None:
        """Something changed, or events may have been lost: forget all. It is little, and changes seldom."""
        self._homes.forget_all()
        self._of_organisations.forget_all()
