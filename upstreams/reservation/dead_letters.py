"""Requests that could not be decided whenever they were tried: looked at, and tried again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from config.connections import Transaction


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One of them, and why."""

    id: int
    request: UUID
    person: UUID
    error: str
    sqlstate: str | None
    buried_at: datetime
    retried_at: datetime | None
    retried_by: UUID | None


class DeadLetters(Protocol):
    """Those that there are."""

    async def list(self, tx: Transaction, *, before: int | None = None, limit: int = 50) -> Sequence[DeadLetter]:
        """The newest first; from one on where its number is given."""

    async def retry(self, tx: Transaction, ident: int, by: UUID, now: datetime) -> tuple[UUID, UUID, int] | None:
        """Have one tried again: its request is queued as if it came now. Answers request, person and shard.

        None where there is none, or somebody had it tried again before.
        """
