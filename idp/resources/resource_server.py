"""A resource server and the words of its scopes, as they are kept."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol
from uuid import UUID

from config.connections import Transaction
from idp.clients.register import Reach
from idp.protocol.access_token import AUDIENCE
from idp.protocol.resource import is_resource
from idp.protocol.scopes import SCOPES
from pages.locale import LOCALES

EVENT_TOPIC: Final = "resource"
SHORTEST_LIFETIME: Final = 10
"""Seconds of an access token: with less it would be over before it was used."""
_SCOPE_TOKEN: Final = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,100}")
_OURS: Final = "urn:munjigi:"


@dataclass(frozen=True, slots=True)
class ResourceScope:
    """A scope, what people read of it, by locale, and on whose behalf it may be had."""

    name: str
    words: Mapping[str, str]
    for_people: bool = True
    for_programs: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceServer:
    """An API that access tokens are for."""

    id: UUID
    identifier: str
    """What clients name by `resource` (RFC 8707, section 2); it never changes."""
    name: Mapping[str, str]
    organisation_id: UUID | None
    """Whose administrators look after it; None: the house's."""
    access_token_lifetime: int | None = None
    """Seconds that a token for it lives at most; None: as long as any."""
    scopes: tuple[ResourceScope, ...] = ()
    version: int = 1
    created_at: datetime
    updated_at: datetime


def faults(server: ResourceServer, *, longest: int) -> list[str]:
    """What keeps it from being kept, in words. `longest`: seconds that any access token lives at most."""
    names = [one.name for one in server.scopes]
    lifetime = server.access_token_lifetime
    found = []
    if not is_resource(server.identifier):
        found.append("identifier: an absolute URI without a fragment is expected")
    if server.identifier.startswith(_OURS) and (server.identifier != AUDIENCE or server.organisation_id is not None):
        found.append(f"identifier: {_OURS} is the house's, which describes {AUDIENCE} alone of it")
    if not _in_both(server.name):
        found.append(f"name: {', '.join(LOCALES)} are expected, none of them empty")
    if lifetime is not None and not SHORTEST_LIFETIME <= lifetime <= longest:
        found.append(f"access_token_lifetime: {SHORTEST_LIFETIME} to {longest} seconds are expected")
    if len(set(names)) < len(names):
        found.append("scopes: each is named once")
    if not all(_SCOPE_TOKEN.fullmatch(one) for one in names):
        found.append("scopes: a name is a scope-token of RFC 6749, section 3.3")
    if standard := sorted(set(names) & set(SCOPES)):
        found.append(f"scopes: {standard[0]} is described by the house")
    if not all(_in_both(one.words) for one in server.scopes):
        found.append(f"scopes: words in {', '.join(LOCALES)} are expected, none of them empty")
    if nobodys := [one.name for one in server.scopes if not (one.for_people or one.for_programs)]:
        found.append(f"scopes: {nobodys[0]} is for nobody")
    return found


def _in_both(words: Mapping[str, str]) -> bool:
    return set(words) == set(LOCALES) and all(text.strip() for text in words.values())


class ResourceServers(Protocol):
    """A storage of resource servers."""

    async def page(self, tx: Transaction, reach: Reach, *, after: UUID | None, limit: int) -> Sequence[ResourceServer]:
        """Those within reach, by id, from behind `after`."""

    async def find(self, tx: Transaction, resource_id: UUID, *, claim: bool = False) -> ResourceServer | None:
        """One; with `claim` nobody else changes it before the transaction is over."""

    async def add(self, tx: Transaction, server: ResourceServer) -> bool:
        """Keep a new one without its scopes. False: there is one of this identifier, or no such organisation."""

    async def change(self, tx: Transaction, server: ResourceServer) -> ResourceServer:
        """Keep what changed in a claimed one, but its scopes; its version rises."""

    async def put_scopes(self, tx: Transaction, server: ResourceServer) -> Collection[str]:
        """Let it have its scopes, and no others. Returns those that another one has already."""

    async def remove(self, tx: Transaction, server: ResourceServer) -> None:
        """Forget one and its scopes."""


class DescribedServers(Protocol):
    """A storage of everything that is described."""

    async def described(self, tx: Transaction) -> Sequence[ResourceServer]:
        """All of them, by identifier."""
