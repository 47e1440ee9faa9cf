"""What a client registers where only what is described may be had: nothing else is taken."""

from __future__ import annotations

from config.connections import Transaction
from idp.clients.client import Client
from idp.clients.invalid import InvalidRegistration
from idp.protocol.scopes import SCOPES
from idp.resources.described_servers import limits_of
from idp.resources.resource_server import DescribedServers


class OnlyDescribed:
    """Checks registrations."""

    def __init__(self, storage: DescribedServers) -> None:
        self._storage = storage

    async def check(self, tx: Transaction, client: Client) -> None:
        """Raises `InvalidRegistration` where a member names what nobody has described for this client."""
        described = limits_of(await self._storage.described(tx), client.organisation_id, strict=True)
        for member, named, known in (
            ("scope", client.scopes, {*SCOPES, *described.scopes}),
            ("resources", client.metadata.resources, described.lifetimes.keys()),
        ):
            if unknown := [one for one in named if one not in known]:
                raise InvalidRegistration("invalid_client_metadata", f"{member}: nobody has described {unknown[0]}")
