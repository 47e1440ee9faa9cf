"""The keys that the gateway believes and the one that it signs with: kept true by what is told, and by looking."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from gateway.assertion_keys import AssertionKeys
from gateway.relying_party.provider import Provider
from jose.assertion import AssertionSigner
from jose.keys import KeyRing

PROVIDER_EVERY, PROVIDER_AGAIN = 300.0, 2.0
"""Seconds between two looks at the identity provider's keys, and after one that failed."""
BEHIND_AGAIN = 0.25
"""Seconds until the next look at a node of the identity provider that has not heard yet what the gateway was told."""
BEHIND_MOST = 40
"""Such looks: then it is asked as after a failure, and at last as ever."""


class KeyNews:
    """`told` of each event of topic `key`; `follow` does what it asks for, and is to be called again and again."""

    def __init__(
        self,
        *,
        provider: Provider,
        signer: AssertionSigner,
        published: AssertionKeys,
        read_ring: Callable[[], Awaitable[KeyRing]],
        policy_changed: Callable[[], None],
    ) -> None:
        """`read_ring` reads the ring of purpose `assertion`, which `published` shows; `policy_changed` is told of keys
        of purpose `policy`."""
        self.asked = asyncio.Event()
        """Set when `follow` is to be called soon."""
        self._provider = provider
        self._signer = signer
        self._assertion_keys = published
        self._read_ring = read_ring
        self._policy_changed = policy_changed
        self._published: frozenset[str] | None = None
        self._looks = 0

    def told(self, purpose: str, published: frozenset[str]) -> None:
        """The keys of a purpose changed, to these; `*`: those of any may have."""
        if purpose in ("policy", "*"):
            self._policy_changed()
        if purpose == "token":
            self._published, self._looks = published, 0
        if purpose != "policy":
            self.asked.set()

    async def follow(self) -> float:
        """Know the provider's keys, and sign with the active one. Returns the seconds until the next look."""
        answered = await self._provider.fetch(at_once=self._published is not None)
        ring = await self._read_ring()
        self._assertion_keys.replace(ring)
        self._signer.replace(ring)
        if not answered:
            return PROVIDER_AGAIN
        if self._published is None or self._published == self._provider.keys.keys():
            self._published = None
            return PROVIDER_EVERY
        self._looks += 1
        if self._looks < BEHIND_MOST:
            return BEHIND_AGAIN
        self._published = None
        return PROVIDER_AGAIN
