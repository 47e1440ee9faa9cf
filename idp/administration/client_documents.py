"""What the API says and asks of clients, as types."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from msgspec import Meta, Struct

from idp.administration.documents import Why

ClientId = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{2,63}$")]
Label = Annotated[str, Meta(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*$")]


class ClientEntry(Struct, frozen=True, kw_only=True):
    """A client in a list."""

    client_id: str
    name: Mapping[str, str]
    """By language; under the empty one without any."""
    organisation_id: UUID | None
    """null: one of the house itself."""
    auth_method: str
    grant_types: tuple[str, ...]
    profile: str
    enabled: bool
    self_registered: bool
    created_at: datetime
    updated_at: datetime


class ClientList(Struct, frozen=True):
    clients: tuple[ClientEntry, ...]
    next: str | None


class ClientDocument(Struct, frozen=True, kw_only=True):
    """One client, whole."""

    client_id: str
    version: int
    organisation_id: UUID | None
    """Whose administrators look after it; null: those of the organisation that runs the house."""
    enabled: bool
    self_registered: bool
    """Whether it looks after itself as well (RFC 7592)."""
    created_at: datetime
    updated_at: datetime
    metadata: Mapping[str, Any]
    """The members of RFC 7591, section 2, and its registries, and `consent_required`, `profile`, `code_protection`,
    `resources`."""


class ClientIssued(Struct, frozen=True, kw_only=True):
    """What came of a change of a client."""

    client: ClientDocument
    client_secret: str | None
    """Shown this once; null: it has the one that it had, or none."""


class ClientRequest(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A new client."""

    why: Why
    organisation_id: UUID | None
    client_id: ClientId | None = None
    """null: one is made."""
    metadata: dict[str, Any]


class ClientChange(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All that is registered of a client, as it is to be; what is left out is taken away."""

    why: Why
    version: int
    metadata: dict[str, Any]


class ClientRemoved(Struct, frozen=True):
    """A client that is no more."""

    client_id: str


class InitialTokenEntry(Struct, frozen=True, kw_only=True):
    """A token by which clients may be registered; never what it is."""

    id: UUID
    organisation_id: UUID | None
    """Whose clients they become."""
    label: str
    uses_left: int
    created_by: UUID
    created_at: datetime
    expires_at: datetime


class InitialTokenList(Struct, frozen=True):
    tokens: tuple[InitialTokenEntry, ...]
    next: str | None


class InitialTokenRequest(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A new one."""

    why: Why
    organisation_id: UUID | None
    label: Label
    uses: Annotated[int, Meta(ge=1, le=10_000)] = 1
    expires_in: Annotated[int, Meta(ge=60, le=366 * 86_400, description="Seconds.")] = 86_400


class InitialTokenIssued(Struct, frozen=True, kw_only=True):
    token: InitialTokenEntry
    initial_access_token: str
    """Shown this once."""


class InitialTokenRevoked(Struct, frozen=True):
    id: UUID
