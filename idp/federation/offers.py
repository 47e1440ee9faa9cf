"""Which upstream providers a sign-in page offers, in the memory of a node: forgotten by an event (A7)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final
from uuid import UUID

from config.clock import Clock
from config.connections import Database
from config.recollection import Lease, Recollection
from idp.federation.provider import Providers, UpstreamProvider, domain_of

EVENT_TOPIC: Final = "organisation"
"""Topic in the outbox, key = organisation id, payload `{"organisation_id"}`."""


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

    def __init__(self, providers: Providers, database: Database, clock: Clock, lease: Lease) -> None:
        self._providers = providers
        self._database = database
        self._own: Recollection[UUID, tuple[UpstreamProvider, ...]] = Recollection(clock, lease=lease)
        self._led: Recollection[str, UpstreamProvider | None] = Recollection(clock, lease=lease)

    async def of_login(self, organisation_id: UUID | None, typed: str) -> Offers:
        """What is offered for an app of this organisation (None: the house's) to whoever typed this name.

        In an organisation's own apps only its own providers have a say about domains.
        """
        own: tuple[UpstreamProvider, ...] = ()
        if organisation_id is not None:
            own = await self._own.of(organisation_id, partial(self._read_own, organisation_id))
        domain = domain_of(typed)
        led = None
        if domain is not None and organisation_id is not None:
            led = next((one for one in own if domain in one.domains), None)
        elif domain is not None:
            led = await self._led.of(domain, partial(self._read_led, domain))
        return Offers(led, tuple(one for one in own if one != led))

    def on_event(self, topic: str, payload: Mapping[str, object]) -> None:
        """Forget what changed."""
        if topic == EVENT_TOPIC:
            self.on_reset()

    def on_reset(self) -> None:
        """Something changed, or events may have been lost: forget all. It is little, and changes seldom."""
        self._own.forget_all()
        self._led.forget_all()

    async def _read_own(self, organisation_id: UUID) -> tuple[UpstreamProvider, ...]:
        async with self._database.connect() as tx:
            return tuple(await self._providers.enabled_of(tx, organisation_id))

    async def _read_led(self, domain: str) -> UpstreamProvider | None:
        async with self._database.connect() as tx:
            return await self._providers.enabled_for_domain(tx, domain)
