"""What an administrator does to their organisation's own identity providers, each act with its record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from audit.trail import Kind
from config.clock import Clock
from config.connections import Database, Transaction, Valkey
from config.entropy import Entropy
from config.envelope import Envelope
from config.problem import Problem
from events import outbox
from idp.administration import problems
from idp.administration.provider_documents import (
    ProviderChange,
    ProviderEntry,
    ProviderList,
    ProviderRemoved,
    ProviderRequest,
    ProviderWanted,
)
from idp.administration.record import record
from idp.administration.registry import UpstreamProviders
from idp.administration.scope import ADMINISTRATOR, Administrator
from idp.federation.provider import METHODS, UpstreamProvider, callback_of, is_domain, secret_context
from idp.federation.targets import Targets
from pages.locale import LOCALES

MOST: Final = 20
"""Providers of one organisation."""
OPENID: Final = "openid"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderActs:
    """Lists, shows, makes, changes and removes providers."""

    database: Database
    valkey: Valkey
    clock: Clock
    entropy: Entropy
    envelope: Envelope
    providers: UpstreamProviders
    targets: Targets
    issuer: str

    async def list(self, who: Administrator, organisation_id: UUID) -> ProviderList:
        """Those of an organisation of the caller's, the oldest first."""
        _within(who, organisation_id)
        async with self.database.connect() as tx:
            found = await self.providers.of_organisation(tx, organisation_id)
        return ProviderList(tuple(self._entry(one) for one in found))

    async def show(self, who: Administrator, organisation_id: UUID, provider_id: UUID) -> ProviderEntry:
        """One."""
        _within(who, organisation_id)
        async with self.database.connect() as tx:
            return self._entry(_found(await self.providers.find(tx, provider_id), organisation_id))

    async def create(self, who: Administrator, organisation_id: UUID, asked: ProviderRequest) -> ProviderEntry:
        """Keep a new one."""
        _within(who, organisation_id)
        if not self.targets.allows_uri(asked.issuer) or set("?#") & set(asked.issuer):
            raise _refused("issuer: an https address without query is expected")
        new = UpstreamProvider(
            id=self.entropy.uuid(),
            organisation_id=organisation_id,
            issuer=asked.issuer,
            client_id=asked.client_id,
            auth_method=asked.auth_method,
            sealed_secret=None,
            scopes=(OPENID,),
            name={},
        )
        provider = self._as_asked(new, asked)
        async with self.database.begin() as tx:
            await self.providers.hold(tx, organisation_id)
            if await self.providers.count(tx, organisation_id) >= MOST:
                raise Problem(problems.TOO_MANY_PROVIDERS)
            if not await self.providers.add(tx, provider, self.clock.now()):
                raise Problem(problems.PROVIDER_TAKEN, "issuer, client_id: the organisation has these already")
            await self.providers.put_domains(tx, provider, provider.claimed_domains)
            await self._record(tx, who, provider, asked.why, "added")
        await outbox.poke(self.valkey)
        return self._entry(provider)

    async def change(
        self, who: Administrator, organisation_id: UUID, provider_id: UUID, asked: ProviderChange
    ) -> ProviderEntry:
        """Make one what is asked."""
        _within(who, organisation_id)
        async with self.database.begin() as tx:
            before = _found(await self.providers.claim(tx, provider_id), organisation_id)
            if before.version != asked.version:
                raise Problem(problems.CHANGED_MEANWHILE)
            provider = self._as_asked(before, asked)
            if not await self.providers.change(tx, provider):
                raise Problem(problems.PROVIDER_TAKEN, "client_id: the organisation has another one of it")
            await self.providers.put_domains(tx, provider, provider.claimed_domains)
            await self._record(tx, who, provider, asked.why, "changed")
            after = _found(await self.providers.find(tx, provider_id), organisation_id)
        await outbox.poke(self.valkey)
        return self._entry(after)

    async def remove(self, who: Administrator, organisation_id: UUID, provider_id: UUID, why: str) -> ProviderRemoved:
        """Forget one, and all links to it."""
        _within(who, organisation_id)
        async with self.database.begin() as tx:
            provider = _found(await self.providers.claim(tx, provider_id), organisation_id)
            links = await self.providers.remove(tx, provider)
            await self._record(tx, who, provider, why, "removed", links=links)
        await outbox.poke(self.valkey)
        return ProviderRemoved(provider_id, links)

    def _as_asked(self, provider: UpstreamProvider, asked: ProviderWanted) -> UpstreamProvider:
        """The provider as it is to be. Raises `PROVIDER_REFUSED` for what cannot be."""
        for wrong, words in _faults(asked):
            if wrong:
                raise _refused(words)
        sealed = provider.sealed_secret if asked.auth_method != "none" else None
        if asked.client_secret is not None:
            sealed = self.envelope.seal(asked.client_secret.encode(), secret_context(provider.id))
        if (asked.auth_method == "none") != (sealed is None):
            raise _refused("client_secret: it goes with every auth_method but none")
        return replace(
            provider,
            client_id=asked.client_id,
            auth_method=asked.auth_method,
            sealed_secret=sealed,
            scopes=tuple(dict.fromkeys(asked.scopes)),
            name={locale: asked.name[locale].strip() for locale in LOCALES},
            claimed_domains=tuple(sorted({domain.lower() for domain in asked.domains})),
            just_in_time=asked.just_in_time,
            roles=tuple(dict.fromkeys(asked.roles)),
            name_claim=asked.name_claim,
            counts=asked.counts,
            enabled=asked.enabled,
        )

    async def _record(
        self, tx: Transaction, who: Administrator, provider: UpstreamProvider, why: str, act: str, **more: object
    ) -> None:
        details = {"why": why, "changed": ["providers"], "provider": str(provider.id), "act": act, **more}
        await record(tx, who, Kind.ORGANISATION_CHANGED, str(provider.organisation_id), details)

    def _entry(self, provider: UpstreamProvider) -> ProviderEntry:
        return ProviderEntry(
            id=provider.id,
            organisation_id=provider.organisation_id,
            version=provider.version,
            issuer=provider.issuer,
            client_id=provider.client_id,
            auth_method=provider.auth_method,
            has_secret=provider.sealed_secret is not None,
            scopes=provider.scopes,
            name=provider.name,
            domains=provider.claimed_domains,
            proven_domains=provider.domains,
            just_in_time=provider.just_in_time,
            roles=provider.roles,
            name_claim=provider.name_claim,
            counts=provider.counts,
            enabled=provider.enabled,
            callback=callback_of(self.issuer, provider.id),
        )


def _faults(asked: ProviderWanted) -> Sequence[tuple[bool, str]]:
    counted = [*asked.counts.acr.values(), *asked.counts.amr.values()]
    values = [*asked.counts.acr, *asked.counts.amr]
    return (
        (OPENID not in asked.scopes, "scopes: openid is expected among them"),
        (set(asked.name) != set(LOCALES), f"name: {', '.join(LOCALES)} are expected"),
        (not all(name.strip() for name in asked.name.values()), "name: it is empty in a language"),
        (not all(is_domain(domain.lower()) for domain in asked.domains), "domains: a domain has labels of ASCII"),
        (ADMINISTRATOR in asked.roles, "roles: administrators are made by hand"),
        (any("\0" in value or len(value) > 200 for value in values) or len(values) > 50, "counts: too much"),
        (not all(set(methods) <= set(METHODS) for methods in counted), f"counts: of {', '.join(METHODS)}"),
    )


def _refused(words: str) -> Problem:
    return Problem(problems.PROVIDER_REFUSED, words)


def _within(who: Administrator, organisation_id: UUID) -> None:
    if organisation_id not in who.organisations:
        raise Problem(problems.NOT_FOUND)


def _found(provider: UpstreamProvider | None, organisation_id: UUID) -> UpstreamProvider:
    if provider is None or provider.organisation_id != organisation_id:
        raise Problem(problems.NOT_FOUND)
    return provider
