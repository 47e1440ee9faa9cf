"""The published policy as a document, read once for each version."""

from __future__ import annotations

import asyncio

from config.connections import Transaction
from policy import artefact
from policy.artefact import Policy
from policy.versions import Versions

_NONE = Policy((), (), ())


class Published:
    """For whoever asks the policy what it says rather than what it decides."""

    def __init__(self, versions: Versions) -> None:
        self._versions = versions
        self._number = 0
        self._policy = _NONE

    async def policy(self, tx: Transaction) -> Policy:
        """The one in force at this moment; one that says nothing where none is published."""
        number = await self._versions.current_number(tx)
        if number is None:
            return _NONE
        if number != self._number:
            found = await self._versions.current(tx)
            if found is None:
                return _NONE
            # a large policy must not hold up the loop
            self._policy = await asyncio.to_thread(artefact.decode, found.artefact)
            self._number = found.number
        return self._policy
