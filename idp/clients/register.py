"""Where clients are looked after: with what is kept beside each, and the tokens by which somebody may register one."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

from config.connections import Transaction
from idp.clients.client import Client


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """A client, switched on or off, and what is kept of its registration."""

    client: Client
    version: int
    """Rises with every change."""
    token_hash: bytes | None = field(repr=False)
    """Of its registration access token; None: an administrator registered it, and nobody else looks after it."""
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class InitialAccessToken:
    """What somebody needs to register a client, where not everybody may (RFC 7591, section 3)."""

    id: UUID
    organisation_id: UUID | None
    """Whose clients they become; None: the house's own."""
    label: str
    uses_left: int
    created_by: UUID
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Reach:
    """Whose clients somebody looks after."""

    organisations: Collection[UUID]
    house: bool
    """Also those of no organisation."""

    def holds(self, organisation_id: UUID | None) -> bool:
        return self.house if organisation_id is None else organisation_id in self.organisations


class ClientRegister(Protocol):
    """A storage of clients as they are looked after."""

    async def find(self, tx: Transaction, client_id: str, *, claim: bool = False) -> Registered | None:
        """One client; with `claim` nobody else changes it before the transaction is over."""

    async def add(self, tx: Transaction, client: Client, token_hash: bytes | None, now: datetime) -> Registered | None:
        """Keep a new one; None where its id is taken."""

    async def change(self, tx: Transaction, client: Client, token_hash: bytes | None, now: datetime) -> Registered:
        """Keep what is registered of one that is there."""

    async def remove(self, tx: Transaction, client_id: str) -> bool:
        """Forget one, and with it whatever it could still renew, redeem or be told. False: there is none."""

    async def page(self, tx: Transaction, reach: Reach, *, name: str, after: str, limit: int) -> Sequence[Registered]:
        """Those within reach whose id or name holds `name`, by id, from behind `after`."""


class InitialAccessTokens(Protocol):
    """A storage of initial access tokens."""

    async def add(self, tx: Transaction, token: InitialAccessToken, digest: bytes) -> bool:
        """Keep one; False where there is no such organisation."""

    async def find(self, tx: Transaction, digest: bytes, now: datetime) -> InitialAccessToken | None:
        """One that is good; nothing is used of it."""

    async def use(self, tx: Transaction, digest: bytes, now: datetime) -> InitialAccessToken | None:
        """Use one once, within the transaction of what it is used for; None where it is not good, or not any more."""

    async def page(
        self, tx: Transaction, reach: Reach, now: datetime, *, after: UUID | None, limit: int
    ) -> Sequence[InitialAccessToken]:
        """Those within reach that are good, by id, from behind `after`."""

    async def revoke(self, tx: Transaction, reach: Reach, ident: UUID) -> InitialAccessToken | None:
        """Take one back; None where it is not within reach."""


def hash_token(token: str) -> bytes:
    """What is kept of a token of ours, which has 256 bits of chance."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
