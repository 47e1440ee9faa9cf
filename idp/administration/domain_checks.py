"""An organisation proves its domains itself: a file on the domain's web site says what it is told here.

The operator's word stands above it (`domain_acts`): a domain that the operator took back is proven by no file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from config.clock import Clock
from config.connections import Database, Transaction, Valkey
from config.entropy import Entropy
from config.envelope import Envelope
from config.outbound import Fetch, NotFetched
from config.problem import Problem
from events import outbox
from idp.administration import problems
from idp.administration.domain_acts import put_on_record
from idp.administration.provider_documents import ChallengeEntry, ChallengeList, DomainCheck, DomainEntry
from idp.administration.registry import SharedSecrets, UpstreamProviders
from idp.administration.scope import Administrator
from idp.federation import domain_proof
from idp.federation.provider import UpstreamProvider

SECRET: Final = "domain-proofs"  # noqa: S105 - its name


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainChecks:
    """Says what the file must have, and looks at it."""

    database: Database
    valkey: Valkey
    clock: Clock
    entropy: Entropy
    envelope: Envelope
    secrets: SharedSecrets
    providers: UpstreamProviders
    fetch: Fetch

    async def challenges(self, who: Administrator, organisation_id: UUID, provider_id: UUID) -> ChallengeList:
        """Of each domain that a provider of the caller's organisation names."""
        async with self.database.begin() as tx:
            provider = await self._provider(tx, who, organisation_id, provider_id)
            secret = await self._secret(tx)
        return ChallengeList(
            tuple(
                ChallengeEntry(
                    domain=domain,
                    proven=domain in provider.domains,
                    address=domain_proof.address_of(domain),
                    line=domain_proof.line_of(secret, provider_id, domain),
                )
                for domain in provider.claimed_domains
            )
        )

    async def check(
        self, who: Administrator, organisation_id: UUID, provider_id: UUID, asked: DomainCheck
    ) -> DomainEntry:
        """Look at the file of a domain, and let the domain lead to the provider if it says so."""
        domain = asked.domain.lower()
        async with self.database.begin() as tx:
            await self._open(tx, who, organisation_id, provider_id, domain)
            secret = await self._secret(tx)
        try:  # between two transactions: none waits for another's machine
            document = await self.fetch(domain_proof.address_of(domain), most=domain_proof.LARGEST)
        except NotFetched as error:
            raise Problem(problems.DOMAIN_UNPROVEN, f"{domain_proof.address_of(domain)}: {error}") from None
        if not domain_proof.says(document, domain_proof.line_of(secret, provider_id, domain)):
            raise Problem(problems.DOMAIN_UNPROVEN, f"{domain_proof.address_of(domain)}: the line is not in it")
        async with self.database.begin() as tx:
            provider = await self._open(tx, who, organisation_id, provider_id, domain)
            if not await self.providers.prove_domain(tx, provider, domain, who.user_id, self.clock.now(), by_file=True):
                raise Problem(problems.PROVIDER_TAKEN, f"domain: {domain} leads elsewhere already")
            entry = await put_on_record(
                tx, self.providers, who, provider, domain, {"why": asked.why, "act": "domain_proven", "by": "file"}
            )
        await outbox.poke(self.valkey)
        return entry

    async def _open(
        self, tx: Transaction, who: Administrator, organisation_id: UUID, provider_id: UUID, domain: str
    ) -> UpstreamProvider:
        """The provider, claimed, if a file may prove the domain for it."""
        provider = await self._provider(tx, who, organisation_id, provider_id)
        if domain not in provider.claimed_domains:
            raise Problem(problems.NOT_FOUND)
        if await self.providers.is_withdrawn(tx, domain):
            raise Problem(problems.DOMAIN_UNPROVEN, f"{domain}: whoever runs the house took it back; ask them")
        return provider

    async def _provider(
        self, tx: Transaction, who: Administrator, organisation_id: UUID, provider_id: UUID
    ) -> UpstreamProvider:
        provider = await self.providers.claim(tx, provider_id) if organisation_id in who.organisations else None
        if provider is None or provider.organisation_id != organisation_id:
            raise Problem(problems.NOT_FOUND)
        return provider

    async def _secret(self, tx: Transaction) -> bytes:
        return await self.secrets.ensure(tx, SECRET, self.envelope, self.entropy, self.clock.now())
