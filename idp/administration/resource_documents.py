"""APIs of others and their scopes, as the API says and asks of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from idp.administration.documents import Line, Why
from idp.resources.resource_server import SHORTEST_LIFETIME, ResourceScope, ResourceServer

ScopeToken = Annotated[str, Meta(min_length=1, max_length=100, pattern=r"^[\x21\x23-\x5b\x5d-\x7e]+$")]
TokenLifetime = Annotated[int, Meta(ge=SHORTEST_LIFETIME, le=86_400, description="Seconds.")]
ResourceIdentifier = Annotated[str, Meta(min_length=1, max_length=512)]


class ScopeDescribed(Struct, frozen=True, forbid_unknown_fields=True):
    """A scope of an API."""

    name: ScopeToken
    words: Mapping[str, Line]
    """What people read where an app asks for it, in both languages."""
    for_people: bool = True
    """Whether it may be had on behalf of a person who signed in."""
    for_programs: bool = True
    """Whether a program may have it for itself."""


class ResourceEntry(Struct, frozen=True, kw_only=True):
    """An API that access tokens are for."""

    id: UUID
    identifier: str
    """What clients name by `resource` (RFC 8707)."""
    name: Mapping[str, str]
    organisation_id: UUID | None
    """Whose administrators look after it; null: those of the organisation that runs the house."""
    access_token_lifetime: int | None
    """Seconds that an access token for it lives at most; null: as long as any."""
    scopes: tuple[ScopeDescribed, ...]
    version: int
    created_at: datetime
    updated_at: datetime


def entry(server: ResourceServer) -> ResourceEntry:
    """One as it is shown."""
    return ResourceEntry(
        id=server.id,
        identifier=server.identifier,
        name=server.name,
        organisation_id=server.organisation_id,
        access_token_lifetime=server.access_token_lifetime,
        scopes=tuple(ScopeDescribed(one.name, one.words, one.for_people, one.for_programs) for one in server.scopes),
        version=server.version,
        created_at=server.created_at,
        updated_at=server.updated_at,
    )


def as_scopes(asked: Sequence[ScopeDescribed]) -> tuple[ResourceScope, ...]:
    """The scopes of a document."""
    return tuple(ResourceScope(one.name, one.words, one.for_people, one.for_programs) for one in asked)


class ResourceList(Struct, frozen=True):
    resources: tuple[ResourceEntry, ...]
    next: UUID | None


class ResourceWanted(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An API, as it is to be; a scope that is left out is described no longer."""

    why: Why
    name: Mapping[str, Line]
    scopes: Annotated[tuple[ScopeDescribed, ...], Meta(max_length=100)]
    access_token_lifetime: TokenLifetime | None = None


class ResourceRequest(ResourceWanted, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A new one. Its identifier and whose it is never change."""

    organisation_id: UUID | None
    identifier: ResourceIdentifier


class ResourceChange(ResourceWanted, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All that can be changed of one."""

    version: int


class ResourceRemoved(Struct, frozen=True):
    """One that is no more; its scopes are shown by their bare names."""

    id: UUID


class ScopeEntry(Struct, frozen=True):
    """A scope, the claims that it shows, and what people read of it."""

    scope: str
    claims: tuple[str, ...]
    words: Mapping[str, str]
    """By language; empty for a standard one, whose words are the pages' own."""
    resource: str | None
    """The identifier of its API; null: a standard one."""
    for_people: bool
    for_programs: bool


class ScopeList(Struct, frozen=True):
    scopes: tuple[ScopeEntry, ...]
