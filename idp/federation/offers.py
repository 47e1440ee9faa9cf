"""Which upstream providers a sign-in page offers, in the memory of a node: forgotten by an event (A7)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from config.clock import Clock
from config.connections import Database
from idp.federation.provider import Providers, UpstreamProvider, domain_of

EVENT_TOPIC: Final = "organisation"
"""Topic in the outbox, key = organisation id, payload `{"organisation_id"}`."""
LONGEST = 60.0
"""Seconds that offers are believed although no event came: the bound on what a lost event can cost."""
MOST = 4096
"""Entries; with more, all are forgotten."""


@dataclass(frozen=True, slots=True)
class Offers:
    """What a sign-in page offers."""

    led: UpstreamProvider | None = None
    """Where the domain of the typed mail address leads: the first thing that the page offers."""
    others: tuple[UpstreamProvider, ...] = ()
    """The others of the organisation whose app is signed in to."""

    def find(self, provider_id: UUID) -> UpstreamProvider | None:
        """The offered provider of this id."""
        offered = (*((self.led,) if self.led is not None else ()), *self.others)
        return next((one for one in offered if one.id == provider_id), None)


class OfferCache:
    """`of_login` for endpoints."""

    def __init__(self, providers: Providers, database: Database, clock: Clock) -> None:
        self._providers = providers
        self._database = database
        self._clock = clock
        self._known: dict[UUID | str, tuple[tuple[UpstreamProvider, ...], float]] = {}
        self._changes = 0

    async def of_login(self, organisation_id: UUID | None, typed: str) -> Offers:
        """What is offered for an app of this organisation (None: the house's) to whoever typed this name.

        In an organisation's own apps only its own providers have a say about domains.
        """
        own = await self._find(organisation_id) if organisation_id is not None else ()
        domain = domain_of(typed)
        led = None
        if domain is not None and organisation_id is not None:
            led = next((one for one in own if domain in one.domains), None)
        elif domain is not None:
            led = next(iter(await self._find(domain)), None)
        return Offers(led, tuple(one for one in own if one != led))

    def on_event(self, topic: str, payload: Mapping[str, object]) -> None:
        """Forget what changed."""
        if topic == EVENT_TOPIC:
            self.on_reset()

    def on_reset(self) -> None:
        """Something changed, or events may have been lost: forget all. It is little, and changes seldom."""
        self._changes += 1
        self._known.clear()

    async def _find(self, key: UUID | str) -> tuple[UpstreamProvider, ...]:
        now = self._clock.monotonic()
        known = self._known.get(key)
        if known is not None and now < known[1]:
            return known[0]
        changes = self._changes
        async with self._database.connect() as tx:
            if isinstance(key, UUID):
                found = tuple(await self._providers.enabled_of(tx, key))
            else:
                led = await self._providers.enabled_for_domain(tx, key)
                found = (led,) if led is not None else ()
        if changes == self._changes:  # otherwise what was read may be older than the change
            if len(self._known) >= MOST:
                self._known.clear()
            self._known[key] = (found, now + LONGEST)
        return found
