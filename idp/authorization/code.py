"""Authorization codes: what each stands for, and what redeeming one may find."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from config.connections import Transaction
from idp.protocol.claims_request import NO_CLAIMS, RequestedClaims

CODE_SIZE = 32
"""Random bytes of a code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeGrant:
    """What a code stands for."""

    client_id: str
    user_id: UUID
    sid: str
    redirect_uri: str
    code_challenge: str | None
    """None: asked for without one; then it is redeemed without a verifier, and never with one."""
    scope: tuple[str, ...]
    nonce: str | None
    expires_at: datetime
    claims: RequestedClaims = NO_CLAIMS
    resources: tuple[str, ...] = ()
    """What the authorization request named (RFC 8707)."""
    dpop_jkt: str | None = None
    """The key that must be proven with it (RFC 9449, section 10)."""


@dataclass(frozen=True, slots=True)
class Redeemed:
    """The code was redeemed now, by this transaction and no other."""

    grant: CodeGrant


@dataclass(frozen=True, slots=True)
class Replayed:
    """The code had been redeemed before: somebody has it who should not (RFC 6749, section 4.1.2)."""

    grant: CodeGrant
    family_id: UUID | None
    """The refresh family that came of it."""


def code_hash(code: str) -> bytes:
    """What is kept of a code."""
    return hashlib.sha256(code.encode()).digest()


class Codes(Protocol):
    """Where codes are kept."""

    async def add(self, tx: Transaction, digest: bytes, grant: CodeGrant) -> None:
        """Keep a code that is issued; only its hash is."""

    async def consume(self, tx: Transaction, digest: bytes, now: datetime) -> Redeemed | Replayed | None:
        """Redeem a code atomically; None if there is none, or its time is over."""

    async def led_to(self, tx: Transaction, digest: bytes, family_id: UUID) -> None:
        """Remember which refresh family came of a code, so that a replay can end it."""
