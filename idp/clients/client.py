"""What is registered of a client (RFC 7591, section 2), and where clients are kept."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, Protocol
from uuid import UUID

from config.connections import Transaction
from idp.clients.metadata import NOTHING_MORE, ClientMetadata
from idp.protocol.redirect_uri import is_registrable

AuthMethod = Literal[
    "client_secret_basic",
    "client_secret_post",
    "private_key_jwt",
    "tls_client_auth",
    "self_signed_tls_client_auth",
    "none",
]

ACCOUNT: Final = "munjigi-account"
"""The client id of the account pages, which register themselves."""
EVENT_TOPIC: Final = "client"
"""Topic in the outbox, key = client id, payload `{"client_id"}`: what is registered of a client changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """One relying app. `none` is a public client: it has no secret to keep."""

    client_id: str
    name: Mapping[str, str]
    """By locale: what people are told where they are going."""
    auth_method: AuthMethod
    secret_hash: bytes | None
    redirect_uris: tuple[str, ...]
    post_logout_redirect_uris: tuple[str, ...]
    grant_types: tuple[str, ...]
    scopes: tuple[str, ...]
    backchannel_logout_uri: str | None = None
    """Where it wants to be told of ends (OpenID Connect Back-Channel Logout 1.0, section 2.2)."""
    backchannel_logout_session_required: bool = False
    """Whether it counts on a `sid` in the logout token; every one of ours has it."""
    organisation_id: UUID | None = None
    """Whose administrators look after it; None: it is the house's own."""
    enabled: bool = True
    """One that is switched off is found by administrators alone."""
    metadata: ClientMetadata = NOTHING_MORE

    def __post_init__(self) -> None:
        """Raises `ValueError` where logouts could not be sent safely; this machine posts to no other address."""
        if self.backchannel_logout_uri is not None and not is_registrable(self.backchannel_logout_uri):
            raise ValueError(f"{self.client_id}: backchannel_logout_uri may not be registered")

    @property
    def proof(self) -> tuple[object, ...]:
        """What it proves itself by."""
        return proof(self.auth_method, self.secret_hash, self.metadata)

    def has_secret(self, secret: str) -> bool:
        """Whether this is the client's secret, compared in constant time."""
        return self.secret_hash is not None and hmac.compare_digest(hash_secret(secret), self.secret_hash)


def proof(auth_method: str, secret_hash: bytes | None, registered: ClientMetadata) -> tuple[object, ...]:
    """What a client proves itself by: whatever it is changed to, nothing is owed to what it was before."""
    return (
        auth_method,
        secret_hash,
        registered.jwks,
        registered.jwks_uri,
        registered.tls_client_auth_subject_dn,
        registered.tls_client_auth_san_dns,
        registered.tls_client_auth_san_uri,
        registered.tls_client_auth_san_ip,
        registered.tls_client_auth_san_email,
    )


def hash_secret(secret: str) -> bytes:
    """What is kept of a client secret: they are ours to make, 256 bits of chance, so one plain SHA-256 serves."""
    return hashlib.sha256(secret.encode()).digest()


class Clients(Protocol):
    """Where clients are kept."""

    async def find(self, tx: Transaction, client_id: str) -> Client | None:
        """One client that is switched on."""
