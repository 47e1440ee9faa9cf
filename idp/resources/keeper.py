"""What may be done to APIs, the same by the admin API and by the command line; each keeps its own record of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from config.clock import Clock
from config.connections import Transaction
from config.entropy import Entropy
from idp.resources.resource_server import ResourceScope, ResourceServer, ResourceServers, faults


class InvalidResource(Exception):
    """An API that cannot be described so; the message names the member."""


class ResourceTaken(Exception):
    """Its identifier, or a scope of it, is another's already; the message names the member."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceKeeper:
    """Reads what is asked for, and does it."""

    resources: ResourceServers
    clock: Clock
    entropy: Entropy
    longest: int
    """Seconds that any access token lives at most."""

    def new(self, identifier: str, organisation_id: UUID | None) -> ResourceServer:
        """One of which nothing is said yet."""
        now = self.clock.now()
        return ResourceServer(
            id=self.entropy.uuid(),
            identifier=identifier,
            name={},
            organisation_id=organisation_id,
            created_at=now,
            updated_at=now,
        )

    def described(
        self,
        server: ResourceServer,
        *,
        name: Mapping[str, str],
        scopes: Sequence[ResourceScope],
        access_token_lifetime: int | None,
    ) -> ResourceServer:
        """One as it is to be; what is left out is said no longer. Raises `InvalidResource`."""
        trimmed = (replace(one, words=_trimmed(one.words)) for one in scopes)
        wanted = replace(
            server,
            name=_trimmed(name),
            scopes=tuple(sorted(trimmed, key=lambda one: one.name)),
            access_token_lifetime=access_token_lifetime,
            updated_at=self.clock.now(),
        )
        if found := faults(wanted, longest=self.longest):
            raise InvalidResource(found[0])
        return wanted

    async def add(self, tx: Transaction, server: ResourceServer) -> None:
        """Keep a new one. Raises `ResourceTaken`."""
        if not await self.resources.add(tx, server):
            raise ResourceTaken("identifier: there is an API of it already")
        await self._put_scopes(tx, server)

    async def change(self, tx: Transaction, server: ResourceServer) -> ResourceServer:
        """Keep what `described` made of one that was claimed. Raises `ResourceTaken`."""
        await self._put_scopes(tx, server)
        return await self.resources.change(tx, server)

    async def remove(self, tx: Transaction, server: ResourceServer) -> None:
        """Forget a claimed one, and what is said of its scopes."""
        await self.resources.remove(tx, server)

    async def _put_scopes(self, tx: Transaction, server: ResourceServer) -> None:
        if taken := sorted(await self.resources.put_scopes(tx, server)):
            raise ResourceTaken(f"scopes: {', '.join(taken)} is of another API")


def on_record(server: ResourceServer, act: str, why: str) -> dict[str, object]:
    """What a record says of an act."""
    organisation = {"organisation_id": str(server.organisation_id)} if server.organisation_id is not None else {}
    return {**({"why": why} if why else {}), "act": act, "identifier": server.identifier, **organisation}


def _trimmed(words: Mapping[str, str]) -> dict[str, str]:
    return {locale: text.strip() for locale, text in words.items()}
