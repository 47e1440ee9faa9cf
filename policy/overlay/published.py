"""What the published policy says of elevations, read once for each version."""

from __future__ import annotations

import asyncio
from typing import Protocol

from config.connections import Transaction
from policy import artefact
from policy.artefact import Policy
from policy.overlay.elevation import Ladder
from policy.versions import Version


class Versions(Protocol):
    """Where versions are kept; `policy.storage.versions` is it."""

    async def current(self, tx: Transaction) -> Version | None:
        """The published one."""

    async def current_number(self, tx: Transaction) -> int | None:
        """Its number alone: policies are large, and most looks find the same."""


_NONE = Ladder(Policy((), (), ()))


class PublishedLadder:
    """Of whoever answers the API."""

    def __init__(self, versions: Versions) -> None:
        self._versions = versions
        self._number = 0
        self._ladder = _NONE

    async def ladder(self, tx: Transaction) -> Ladder:
        """Of the version in force at this moment; one that lets nobody ask where none is published."""
        number = await self._versions.current_number(tx)
        if number is None:
            return _NONE
        if number != self._number and (found := await self._versions.current(tx)) is not None:
            # a large policy must not hold up the loop
            self._ladder = await asyncio.to_thread(_read, found.artefact)
            self._number = found.number
        return self._ladder


def _read(content: bytes) -> Ladder:
    return Ladder(artefact.decode(content))
