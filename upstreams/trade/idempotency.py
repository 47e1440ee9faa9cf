"""Asked twice, done once: what an idempotency key stands for (draft-ietf-httpapi-idempotency-key-header).

A key belongs to one person. The same key with the same request gives the same result, with another it is refused.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Protocol
from uuid import UUID

import msgspec

from config.connections import Transaction
from config.problem import Problem, ProblemType

HEADER = "Idempotency-Key"
_KEY = re.compile(r'"?([A-Za-z0-9._:-]{8,64})"?')

KEY_MISSING = ProblemType(
    "MJ-TRD-001",
    HTTPStatus.BAD_REQUEST,
    "The request bears no usable idempotency key",
    "Send a fresh Idempotency-Key of 8 to 64 letters, digits or any of . : _ - with each new request.",
)
KEY_REUSED = ProblemType(
    "MJ-TRD-002",
    HTTPStatus.UNPROCESSABLE_ENTITY,
    "The idempotency key stands for another request",
    "Send what you sent with this key before, or use a new key.",
)


@dataclass(frozen=True, slots=True)
class Earlier:
    """What a key gave when it was first used: the id of what was made, or the code of the refusal."""

    digest: bytes
    result: UUID | None
    refusal: str | None


class IdempotencyKeys(Protocol):
    """The keys that were used."""

    async def claim(
        self, tx: Transaction, person: UUID, key: str, digest: bytes, now: datetime, *, result: UUID | None = None
    ) -> Earlier | None:
        """None to the one who may go on; what was given before to whoever comes later, after waiting for the first.

        `result`: what the key gives, where that is known before.

        Raises the problem `KEY_REUSED` where the key stands for another request.
        """

    async def earlier(self, tx: Transaction, person: UUID, key: str, digest: bytes) -> Earlier | None:
        """What this key gave; None where it was never used. Raises `KEY_REUSED`."""

    async def settle(
        self, tx: Transaction, person: UUID, key: str, *, result: UUID | None = None, refusal: str | None = None
    ) -> None:
        """What this key gave."""


def read_key(sent: str | None) -> str:
    """The key as sent, bare or as a structured string. Raises `KEY_MISSING`."""
    found = _KEY.fullmatch(sent or "")
    if found is None:
        raise Problem(KEY_MISSING)
    return found.group(1)


def digest_of(operation: str, asked: object) -> bytes:
    """What makes two requests the same: the operation and what is asked, whatever the order of its members."""
    return hashlib.sha256(operation.encode() + b"\0" + msgspec.json.encode(asked, order="deterministic")).digest()


def same_request(earlier: Earlier, digest: bytes) -> Earlier:
    """What was given before, to whoever asks the same again. Raises `KEY_REUSED`."""
    if not hmac.compare_digest(earlier.digest, digest):
        raise Problem(KEY_REUSED)
    return earlier
