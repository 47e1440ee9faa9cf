"""What the house says of hosts of ours, as the identity provider keeps it."""

from __future__ import annotations

from sqlalchemy import text

from config.connections import Transaction
from gateway.resource_metadata import DescribedHost

_FIND = text("SELECT name, scopes FROM idp.resource_of_house WHERE identifier = :identifier")


class DescribedHosts:
    """View `idp.resource_of_house`."""

    async def find(self, tx: Transaction, identifier: str) -> DescribedHost | None:
        """One, by its origin."""
        row = (await tx.execute(_FIND, {"identifier": identifier})).one_or_none()
        return None if row is None else DescribedHost(row.name, tuple(row.scopes))
