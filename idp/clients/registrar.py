"""Acts upon clients, each within the caller's transaction: whoever asks, by whichever way, it is done alike.

The caller decides whether it may be done, and puts it on record; nodes that have the client in memory are told here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, Literal, Protocol
from uuid import UUID

import structlog

from config.connections import Transaction
from config.entropy import Entropy
from events import outbox
from idp.clients.client import EVENT_TOPIC, Client, hash_secret
from idp.clients.invalid import InvalidRegistration
from idp.clients.register import ClientRegister, Registered, hash_token
from idp.clients.registration import SECRET_METHODS, Terms, read_registration
from idp.clients.sector import Sectors

SECRET_SIZE: Final = 32
"""Bytes of chance in secrets and tokens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """What came of an act; secrets are shown this once."""

    registered: Registered
    secret: str | None = field(default=None, repr=False)
    """The new one; None: it has the one that it had, or none."""
    token: str | None = field(default=None, repr=False)
    """The registration access token that is good from now on (RFC 7592, section 3)."""


class MachineEnds(Protocol):
    """What ends when a client loses what it proves itself by: the session of its own, and every token of it."""

    async def end_machine_sessions(
        self,
        tx: Transaction,
        client_id: str,
        reason: Literal["client_disabled", "client_credentials_replaced"],
        *,
        correlation_id: str,
    ) -> object:
        """Call it after the client itself was changed, in the same transaction."""


class Allowed(Protocol):
    """What else a client must be like to be kept."""

    async def check(self, tx: Transaction, client: Client) -> None:
        """Raises `InvalidRegistration`."""


class Registrar:
    """Reads what is asked for, and does it."""

    def __init__(
        self,
        register: ClientRegister,
        sectors: Sectors,
        machines: MachineEnds,
        entropy: Entropy,
        allowed: Allowed | None = None,
    ) -> None:
        self._allowed = allowed
        self._register = register
        self._sectors = sectors
        self._machines = machines
        self._entropy = entropy

    async def read(
        self,
        asked: Mapping[str, object],
        terms: Terms,
        *,
        client_id: str | None = None,
        organisation_id: UUID | None = None,
        current: Client | None = None,
    ) -> Client:
        """The client that is asked for; no transaction is open meanwhile, another machine may be asked.

        Raises `InvalidRegistration`.
        """
        if client_id is not None and _is_uuid(client_id):
            # people are called so, and a program's tokens have its id for their `sub` (RFC 9700, section 4.15.2)
            raise InvalidRegistration("invalid_client_metadata", "client_id must not look like the id of a person")
        named = current.client_id if current is not None else client_id or str(self._entropy.uuid())
        client = read_registration(asked, terms, client_id=named, organisation_id=organisation_id, current=current)
        await self._sectors.check(client)
        return client

    async def add(self, tx: Transaction, client: Client, now: datetime, *, own_token: bool = False) -> Issued | None:
        """Keep a new client; None where its id is taken. With `own_token` it looks after itself (RFC 7592).

        Raises `InvalidRegistration`.
        """
        await self._check(tx, client)
        client, secret = self._with_secret(client)
        token = self._entropy.token(SECRET_SIZE) if own_token else None
        registered = await self._register.add(tx, client, hash_token(token) if token is not None else None, now)
        if registered is None:
            return None
        await _tell(tx, client.client_id)
        return Issued(registered=registered, secret=secret, token=token)

    async def change(
        self, tx: Transaction, claimed: Registered, client: Client, now: datetime, *, new_token: bool = False
    ) -> Issued:
        """Keep what `read` made for a client that was claimed; it gets a secret where it needs one and had none.

        Raises `InvalidRegistration`.
        """
        await self._check(tx, client)
        return await self._keep(tx, claimed, client, now, new_token=new_token)

    async def _keep(
        self, tx: Transaction, claimed: Registered, client: Client, now: datetime, *, new_token: bool = False
    ) -> Issued:
        client, secret = self._with_secret(client)
        token = self._entropy.token(SECRET_SIZE) if new_token else None
        token_hash = hash_token(token) if token is not None else claimed.token_hash
        registered = await self._register.change(tx, client, token_hash, now)
        if client.proof != claimed.client.proof:
            await self._end_machine(tx, client.client_id, "client_credentials_replaced")
        await _tell(tx, client.client_id)
        return Issued(registered=registered, secret=secret, token=token)

    async def new_secret(self, tx: Transaction, claimed: Registered, now: datetime) -> Issued:
        """Another secret in place of the one that it had, which is good no longer. Raises `InvalidRegistration`."""
        if claimed.client.auth_method not in SECRET_METHODS:
            raise InvalidRegistration("invalid_client_metadata", "this client proves itself without a secret")
        return await self._keep(tx, claimed, replace(claimed.client, secret_hash=None), now)

    async def switch(self, tx: Transaction, claimed: Registered, now: datetime, *, enabled: bool) -> Registered:
        """Let every endpoint take it for nobody's, or know it again."""
        changed = replace(claimed.client, enabled=enabled)
        registered = await self._register.change(tx, changed, claimed.token_hash, now)
        if not enabled:
            await self._end_machine(tx, changed.client_id, "client_disabled")
        await _tell(tx, changed.client_id)
        return registered

    async def remove(self, tx: Transaction, client_id: str) -> bool:
        """Forget a client and all that it has. False: there is none."""
        if not await self._register.remove(tx, client_id):
            return False
        await self._end_machine(tx, client_id, "client_disabled")
        await _tell(tx, client_id)
        return True

    async def _check(self, tx: Transaction, client: Client) -> None:
        if self._allowed is not None:
            await self._allowed.check(tx, client)

    async def _end_machine(
        self, tx: Transaction, client_id: str, reason: Literal["client_disabled", "client_credentials_replaced"]
    ) -> None:
        exchange = str(structlog.contextvars.get_contextvars().get("correlation_id", ""))
        await self._machines.end_machine_sessions(tx, client_id, reason, correlation_id=exchange)

    def _with_secret(self, client: Client) -> tuple[Client, str | None]:
        if client.auth_method not in SECRET_METHODS or client.secret_hash is not None:
            return client, None
        secret = self._entropy.token(SECRET_SIZE)
        return replace(client, secret_hash=hash_secret(secret)), secret


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


async def _tell(tx: Transaction, client_id: str) -> None:
    await outbox.append(tx, EVENT_TOPIC, client_id, {"client_id": client_id})
