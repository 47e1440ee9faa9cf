"""Documents of versions, read once and kept: whoever pages through a large one does not have each page decode it."""

from __future__ import annotations

import asyncio
from collections import OrderedDict

from policy import artefact
from policy.artefact import Policy
from policy.versions import Version

KEPT = 4
LARGEST = artefact.LARGEST
"""Bytes of documents that are kept, all together; the newest one is, whatever its size."""


class Decoded:
    """The policies of the versions that were asked for last, by what they say."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, tuple[Policy, int]] = OrderedDict()
        self._one_by_one = asyncio.Lock()

    async def of(self, version: Version) -> Policy:
        """What a version says; nobody changes it. Raises `UnreadableArtefact`."""
        async with self._one_by_one:
            kept = self._kept.pop(version.sha256, None)
            if kept is None:
                kept = await asyncio.to_thread(artefact.decode, version.artefact), len(version.artefact)
            self._kept[version.sha256] = kept
            while len(self._kept) > 1 and (
                len(self._kept) > KEPT or sum(size for _, size in self._kept.values()) > LARGEST
            ):
                self._kept.popitem(last=False)
            return kept[0]
