"""Organisations' own identity providers, as the API says and asks of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from idp.administration.documents import Line, Why
from idp.federation.provider import AuthMethod, Counts

Secret = Annotated[str, Meta(min_length=8, max_length=512, pattern=r"^[\x21-\x7e]+$")]
Token = Annotated[str, Meta(min_length=1, max_length=100, pattern=r"^[\x21\x23-\x5b\x5d-\x7e]+$")]
Identifier = Annotated[str, Meta(min_length=1, max_length=255, pattern=r"^[\x21-\x7e]+$")]
Address = Annotated[str, Meta(max_length=512)]
Domain = Annotated[str, Meta(max_length=253)]


class ProviderEntry(Struct, frozen=True, kw_only=True):
    """An organisation's own identity provider."""

    id: UUID
    organisation_id: UUID
    version: int
    issuer: str
    client_id: str
    auth_method: AuthMethod
    has_secret: bool
    scopes: tuple[str, ...]
    name: Mapping[str, str]
    """What its button says, in both languages."""
    domains: tuple[str, ...]
    """Domains of mail addresses whose people are to be led there."""
    proven_domains: tuple[str, ...]
    """Those of them that a file or the operator's word proved: these lead there."""
    just_in_time: bool
    """Whether an account is made for whoever comes from there first."""
    roles: tuple[str, ...]
    """The roles of accounts that are made so."""
    name_claim: str
    counts: Counts
    """Its `acr` and `amr` values, each as which methods (RFC 8176); what is not named is one factor."""
    enabled: bool
    callback: str
    """What must be registered there as the redirect URI."""


class ProviderList(Struct, frozen=True):
    providers: tuple[ProviderEntry, ...]


class ProviderWanted(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A provider, as it is to be."""

    why: Why
    client_id: Identifier
    auth_method: AuthMethod
    client_secret: Secret | None = None
    """null: the one that is kept, if there is one."""
    scopes: Annotated[tuple[Token, ...], Meta(max_length=20)] = ("openid", "profile", "email")
    name: Mapping[str, Line]
    domains: Annotated[tuple[Domain, ...], Meta(max_length=50)] = ()
    just_in_time: bool = False
    roles: Annotated[tuple[Token, ...], Meta(max_length=20)] = ()
    name_claim: Token = "name"
    counts: Counts = Counts()
    enabled: bool = True


class ProviderRequest(ProviderWanted, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A new provider."""

    issuer: Address


class ProviderChange(ProviderWanted, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All that can be changed of a provider. Its issuer never changes: links are to its accounts."""

    version: int


class ProviderRemoved(Struct, frozen=True):
    """A provider that is gone, with its links."""

    id: UUID
    links: int
    """How many accounts it was linked to."""


class DomainEntry(Struct, frozen=True, kw_only=True):
    """A domain that an organisation says is its own, for one of its providers."""

    domain: str
    provider_id: UUID
    organisation_id: UUID
    issuer: str
    proven_at: datetime | None
    """null: it leads nobody anywhere yet."""
    by_file: bool
    """Whether a file of the domain proved it, and not the operator's word."""


class DomainList(Struct, frozen=True):
    domains: tuple[DomainEntry, ...]
    next: str | None


class ChallengeEntry(Struct, frozen=True, kw_only=True):
    """How an organisation proves a domain itself."""

    domain: str
    proven: bool
    address: str
    """Where a file must stand; no redirect is followed."""
    line: str
    """What must be a line of it, among others or alone."""


class ChallengeList(Struct, frozen=True):
    domains: tuple[ChallengeEntry, ...]


class DomainCheck(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A domain whose file is to be looked at."""

    why: Why
    domain: Domain


class DomainAsked(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The operator's word about a domain, or that it is taken back."""

    why: Why
    """How it was proven."""
    provider_id: UUID
    domain: Domain
