"""An organisation's own identity provider, as a value, and what storage must answer about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal, Protocol
from uuid import UUID

import msgspec

from config.connections import Transaction
from idp.protocol.assurance import FEDERATED

AuthMethod = Literal["client_secret_basic", "client_secret_post", "none"]
METHODS: Final = ("face", "fpt", "hwk", "iris", "mfa", "otp", "pin", "pwd", "sms", "swk", "user")
"""The values of RFC 8176, section 2, that an upstream's own may count as; `mfa` is two factors."""
LOGIN_LIFETIME_AT_UPSTREAM: Final = 12 * 3600
"""Seconds that a sign-in at an upstream may lie back where nothing fresher is demanded: it must tell `auth_time` then
(OpenID Connect Core 1.0, section 2)."""


class Counts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How what an upstream says of an authentication counts here: its `acr` and `amr` values, each as which methods of
    RFC 8176. What is not named counts for nothing, so a sign-in there is one factor."""

    acr: Mapping[str, tuple[str, ...]] = {}
    amr: Mapping[str, tuple[str, ...]] = {}

    def methods(self, acr: str, amr: tuple[str, ...]) -> tuple[str, ...]:
        """The `amr` of a sign-in that the upstream describes so."""
        counted = [*self.acr.get(acr, ()), *(method for value in amr for method in self.amr.get(value, ()))]
        return tuple(dict.fromkeys((FEDERATED, *(method for method in counted if method in METHODS))))


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamProvider:
    """One upstream of one organisation. Its issuer never changes: links are to accounts of this issuer."""

    id: UUID
    organisation_id: UUID
    issuer: str
    client_id: str
    auth_method: AuthMethod
    sealed_secret: bytes | None = field(repr=False)
    """Sealed for `secret_context`; None where `auth_method` is `none`."""
    scopes: tuple[str, ...]
    name: Mapping[str, str]
    """What its button says, by language."""
    domains: tuple[str, ...] = ()
    """Domains of mail addresses whose people are led there, and whose addresses it is believed about: proven ones."""
    claimed_domains: tuple[str, ...] = ()
    """All that its organisation names, proven or not."""
    just_in_time: bool = False
    """Whether an account is made for whoever comes from there first; otherwise only links lead in."""
    roles: tuple[str, ...] = ()
    """The roles of accounts that are made so."""
    name_claim: str = "name"
    counts: Counts = field(default_factory=Counts)
    enabled: bool = True
    version: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainClaim:
    """A domain that an organisation says is its own, for one of its providers."""

    domain: str
    provider_id: UUID
    organisation_id: UUID
    issuer: str
    proven_at: datetime | None
    """When it was proven; None: it leads nobody anywhere yet."""
    by_file: bool
    """Whether by a file of the domain; otherwise by the operator's word."""


def secret_context(provider_id: UUID) -> str:
    """Where the secret of a provider belongs, for `config.envelope`."""
    return f"idp.upstream_provider:{provider_id}"


def callback_of(issuer: str, provider_id: UUID) -> str:
    """The redirect URI of one provider at the house of this issuer.

    Each has its own, so that an answer of one is never taken for another's, even where neither says whose it is (RFC
    9700, section 4.4.2.2).
    """
    return f"{issuer}/sign-in/upstream/{provider_id}/callback"


def domain_of(typed: str) -> str | None:
    """The domain of what may be a mail address, lower case; None where it is none."""
    local, at, domain = typed.strip().rpartition("@")
    return domain.lower() if local and at and is_domain(domain.lower()) else None


def is_domain(text: str) -> bool:
    """Whether this is a domain as it is kept: lower case, A-labels, with a dot (RFC 5890, section 2.3.1)."""
    labels = text.split(".")
    return (
        text.isascii()
        and len(text) <= 253
        and len(labels) > 1
        and all(
            0 < len(label) <= 63
            and label[0] != "-"
            and label[-1] != "-"
            and all(c.islower() or c.isdigit() or c == "-" for c in label)
            for label in labels
        )
    )


class Providers(Protocol):
    """Where upstream providers are kept, as a login asks."""

    async def find(self, tx: Transaction, provider_id: UUID) -> UpstreamProvider | None:
        """One provider, enabled or not."""

    async def claim(self, tx: Transaction, provider_id: UUID) -> UpstreamProvider | None:
        """`find`, and nobody else claims it before this transaction is over."""

    async def enabled_of(self, tx: Transaction, organisation_id: UUID) -> list[UpstreamProvider]:
        """The enabled ones of an organisation, the oldest first."""

    async def enabled_for_domain(self, tx: Transaction, domain: str) -> UpstreamProvider | None:
        """The enabled one where a proven domain leads; no two have the same."""
