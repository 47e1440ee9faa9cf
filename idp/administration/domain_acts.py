"""The operator's word about domains: before it, no mail address leads to the provider of whoever names its domain.

An organisation's administrator could otherwise name a domain of others, be led their people, and have accounts made
under their addresses.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from audit.trail import Kind
from config.clock import Clock
from config.connections import Database, Transaction, Valkey
from config.problem import Problem
from events import outbox
from idp.administration import problems
from idp.administration.page import Page
from idp.administration.provider_documents import DomainAsked, DomainEntry, DomainList
from idp.administration.record import record
from idp.administration.registry import UpstreamProviders
from idp.administration.scope import Administrator, NameCursor
from idp.federation.provider import DomainClaim, UpstreamProvider

MOST_DOMAINS: Final = 50
"""Of one provider (`ProviderWanted.domains`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainActs:
    """Lists what is claimed, gives the word, takes it back; all of it for the operator's administrators alone."""

    database: Database
    valkey: Valkey
    clock: Clock
    providers: UpstreamProviders
    operator: UUID
    """The organisation that runs the house."""

    async def claims(self, who: Administrator, page: Page) -> DomainList:
        """Which organisation names which domain, by domain."""
        self._refuse_others(who)
        after = page.cursor(NameCursor.decode)
        async with self.database.connect() as tx:
            found = await self.providers.claims(tx, after=after, limit=page.limit + 1)
        shown, following = page.cut(found, lambda one: NameCursor(one.domain, one.provider_id).encode())
        return DomainList(tuple(_entry(one) for one in shown), following)

    async def prove(self, who: Administrator, asked: DomainAsked) -> DomainEntry:
        """Let a domain lead to the provider that names it."""
        self._refuse_others(who)
        domain = asked.domain.lower()
        async with self.database.begin() as tx:
            provider = await self._claim(tx, asked)
            proven = await self.providers.prove_domain(
                tx, provider, domain, who.user_id, self.clock.now(), by_file=False
            )
            if proven is None:
                raise Problem(problems.NOT_FOUND)
            if not proven:
                raise Problem(problems.PROVIDER_TAKEN, f"domain: {domain} leads elsewhere already")
            entry = await self._told(tx, who, provider, asked, "domain_proven")
        await outbox.poke(self.valkey)
        return entry

    async def withdraw(self, who: Administrator, asked: DomainAsked) -> DomainEntry:
        """Let it lead there no more: it was sold, or never theirs. No file of it is believed after that."""
        self._refuse_others(who)
        async with self.database.begin() as tx:
            provider = await self._claim(tx, asked)
            domain = asked.domain.lower()
            if not await self.providers.withdraw_domain(tx, provider, domain, who.user_id, self.clock.now()):
                raise Problem(problems.NOT_FOUND)
            entry = await self._told(tx, who, provider, asked, "domain_withdrawn")
        await outbox.poke(self.valkey)
        return entry

    def _refuse_others(self, who: Administrator) -> None:
        if self.operator not in who.organisations:
            raise Problem(problems.NOT_FOUND)

    async def _claim(self, tx: Transaction, asked: DomainAsked) -> UpstreamProvider:
        provider = await self.providers.claim(tx, asked.provider_id)
        if provider is None:
            raise Problem(problems.NOT_FOUND)
        return provider

    async def _told(
        self, tx: Transaction, who: Administrator, provider: UpstreamProvider, asked: DomainAsked, act: str
    ) -> DomainEntry:
        """Put it on the record of the organisation whose domain it is."""
        said = {"why": asked.why, "act": act}
        return await put_on_record(tx, self.providers, who, provider, asked.domain.lower(), said)


async def put_on_record(
    tx: Transaction,
    providers: UpstreamProviders,
    who: Administrator,
    provider: UpstreamProvider,
    domain: str,
    said: Mapping[str, str],
) -> DomainEntry:
    """Put what became of a domain on the record of the organisation whose it is to be; what it is now."""
    details = {"changed": ["providers"], "provider": str(provider.id), "domain": domain, **said}
    await record(tx, who, Kind.ORGANISATION_CHANGED, str(provider.organisation_id), details)
    found = await providers.claims(tx, after=None, limit=MOST_DOMAINS, provider_id=provider.id)
    return next(_entry(one) for one in found if one.domain == domain)


def _entry(claim: DomainClaim) -> DomainEntry:
    return DomainEntry(**{name: getattr(claim, name) for name in DomainClaim.__slots__})
