"""Refresh tokens: each is used once and followed by one successor; all that came of one code are a family.

The successor of a token is derived from it under a key that all nodes share, so that whoever asks again because the
answer was lost gets the same one, although nothing but hashes is kept.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, Protocol
from uuid import UUID

from config.connections import Transaction
from idp.protocol.claims_request import NO_CLAIMS, RequestedClaims

TOKEN_SIZE = 32
"""Random bytes of a refresh token."""
RETRY_WINDOW = timedelta(seconds=10)
"""So long after its use a token may be presented once more by the same client: its answer may have been lost (S3)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """All refresh tokens that came of one code."""

    id: UUID
    client_id: str
    user_id: UUID
    sid: str
    scope: tuple[str, ...]
    expires_at: datetime
    revoked_at: datetime | None = None
    claims: RequestedClaims = NO_CLAIMS
    resources: tuple[str, ...] = ()
    """What the authorization request named (RFC 8707)."""
    confirmation: Mapping[str, str] = field(default_factory=dict)
    """The key that must be proven with each of them (RFC 9449, section 5); empty: the client's own proof is enough."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Presented:
    """A refresh token that somebody presents, as storage knows it."""

    family: Family
    rotated_at: datetime | None
    """When it was used and its successor issued; None: it is the family's current one."""


Judgement = Literal["rotate", "retry", "reuse", "dead"]


def judge(presented: Presented, *, successor_is_current: bool, now: datetime) -> Judgement:
    """What to do with a refresh token that the right client presents.

    `retry`: its answer may have been lost, give the same successor again. `reuse`: two hold it, one of them a thief
    (RFC 9700, section 4.14.2). `dead`: its family is revoked or over; there is nothing left to protect.
    """
    family = presented.family
    if family.revoked_at is not None or now >= family.expires_at:
        return "dead"
    if presented.rotated_at is None:
        return "rotate"
    if successor_is_current and now - presented.rotated_at < RETRY_WINDOW:
        return "retry"
    return "reuse"


def token_hash(token: str) -> bytes:
    """What is kept of a refresh token."""
    return hashlib.sha256(token.encode()).digest()


class Successors:
    """Derives the successor of a refresh token."""

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        self._key = key

    def __repr__(self) -> str:
        return "Successors(key=[secret])"

    def of(self, token: str) -> str:
        """The one successor of a token; nobody without the key can tell it."""
        digest = hmac.digest(self._key, b"munjigi-refresh\0" + token.encode(), "sha256")
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


class Families(Protocol):
    """Where families are kept."""

    async def begin(self, tx: Transaction, family: Family, digest: bytes, now: datetime) -> None:
        """Keep a new family with its first token."""

    async def present(self, tx: Transaction, digest: bytes) -> Presented | None:
        """A token and its family, which nobody else can change before this transaction is over."""

    async def look(self, tx: Transaction, digest: bytes) -> Presented | None:
        """A token and its family as they are, to say something about them alone."""

    async def is_current(self, tx: Transaction, digest: bytes) -> bool:
        """Whether this is a token that has not been used."""

    async def rotate(self, tx: Transaction, used: bytes, successor: bytes, family_id: UUID, now: datetime) -> None:
        """A token was used; its successor is the current one now."""

    async def revoke(self, tx: Transaction, family_id: UUID, now: datetime) -> bool:
        """End a family for good. False where it had ended before."""
