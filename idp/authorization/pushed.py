"""Pushed authorization requests (RFC 9126): checked when they are pushed, redeemed once, when a login begins."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from config.connections import Transaction
from idp.authorization.request import AuthorizationRequest

PREFIX = "urn:ietf:params:oauth:request_uri:"
REFERENCE_SIZE = 32
"""Random bytes of a reference (section 7.1)."""

_REFERENCE = re.compile(re.escape(PREFIX) + r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True, kw_only=True)
class PushedRequest:
    """One request, kept for its own client until a moment."""

    client_id: str
    request: AuthorizationRequest
    expires_at: datetime


def reference_hash(request_uri: str) -> bytes | None:
    """What is kept of a reference; None where this cannot be one of ours."""
    return hashlib.sha256(request_uri.encode("ascii")).digest() if _REFERENCE.fullmatch(request_uri) else None


class PushedRequests(Protocol):
    """Where they are kept."""

    async def add(self, tx: Transaction, digest: bytes, pushed: PushedRequest) -> None:
        """Keep a request that was pushed; of its reference only the hash is."""

    async def find(self, tx: Transaction, digest: bytes, client_id: str, now: datetime) -> AuthorizationRequest | None:
        """The request of a reference of this client, not yet redeemed; None once its time is over."""

    async def redeem(self, tx: Transaction, digest: bytes, client_id: str, now: datetime) -> bool:
        """Redeem a reference, atomically. False where somebody has, or its time is over."""
