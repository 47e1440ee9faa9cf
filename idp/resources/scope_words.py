"""What people read of scopes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from idp.clients.client import Client
from idp.protocol.scopes import SCOPES, in_order
from idp.resources.described_servers import DescribedCache


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

    def __init__(self, described: DescribedCache) -> None:
        self._described = described

    async def lines(self, scope: Iterable[str], client: Client | None) -> list[ScopeLine]:
        """Every scope that is asked for or was granted, none left out.

        An organisation's words are believed of its own clients alone: nobody may put other words to what the app of
        somebody else asks for. The house's are believed of all.
        """
        asked = in_order(scope)
        believed = {None, client.organisation_id if client is not None else None}
        described = (await self._described.known()).scopes if set(asked) - set(SCOPES) else {}
        lines = []
        for name in asked:
            owner, found = described.get(name, (None, None))
            words = found.words if found is not None and owner in believed else {}
            lines.append(ScopeLine(name, name in SCOPES, words))
        return lines
