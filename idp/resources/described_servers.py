"""Everything that is described, in the memory of a node: forgotten by an event (A7)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from config.clock import Clock
from config.connections import Database, reading
from config.recollection import Lease, Recollection
from idp.protocol.described import Described, Party, ScopeLimits
from idp.resources.resource_server import EVENT_TOPIC, DescribedServers, ResourceScope, ResourceServer


class Owned(Protocol):
    """A client, as far as it matters here."""

    @property
    def organisation_id(self) -> UUID | None: ...


@dataclass(frozen=True, slots=True)
class Known:
    """What was read, made ready."""

    scopes: Mapping[str, tuple[UUID | None, ResourceScope]]
    """By name, with the organisation that describes it."""
    house: Described
    """What holds for all clients."""
    organisations: Mapping[UUID, Described]
    """What holds for those of an organisation that describes something itself."""


class DescribedCache:
    """What describes what, and limits whom."""

    def __init__(
        self, storage: DescribedServers, database: Database, clock: Clock, lease: Lease, *, strict: bool
    ) -> None:
        """`strict`: only what is described may be had."""
        self._storage = storage
        self._database = database
        self._strict = strict
        self._known: Recollection[str, Known] = Recollection(clock, lease=lease)

    async def known(self) -> Known:
        """All of it."""
        return await self._known.of("", self._read)

    async def of(self, client: Owned) -> Described:
        """What the requests of a client are held to."""
        known = await self.known()
        own = known.organisations.get(client.organisation_id) if client.organisation_id is not None else None
        return own if own is not None else known.house

    async def _read(self) -> Known:
        async with reading(self._database) as tx:
            servers = await self._storage.described(tx)
        owners = {one.organisation_id for one in servers if one.organisation_id is not None}
        return Known(
            {scope.name: (one.organisation_id, scope) for one in servers for scope in one.scopes},
            limits_of(servers, None, strict=self._strict),
            {owner: limits_of(servers, owner, strict=self._strict) for owner in owners},
        )

    def on_event(self, topic: str, payload: Mapping[str, object]) -> None:
        """Somebody described otherwise."""
        if topic == EVENT_TOPIC:
            self._known.forget_all()

    def on_reset(self) -> None:
        """Events may have been lost: forget all."""
        self._known.forget_all()


def limits_of(servers: Iterable[ResourceServer], organisation_id: UUID | None, *, strict: bool) -> Described:
    """What holds for the clients of an organisation, or for those of the house.

    What the house says holds for all, what an organisation says for its own alone: nobody describes the API of others
    to shut their clients out.
    """
    believed = [one for one in servers if one.organisation_id in (None, organisation_id)]
    return Described(
        lifetimes={one.identifier: one.access_token_lifetime for one in believed},
        scopes={
            scope.name: ScopeLimits(resource=one.identifier, parties=_parties(scope))
            for one in believed
            for scope in one.scopes
        },
        strict=strict,
    )


def _parties(scope: ResourceScope) -> frozenset[Party]:
    parties: list[Party] = []
    if scope.for_people:
        parties.append("people")
    if scope.for_programs:
        parties.append("programs")
    return frozenset(parties)
