"""Versions of a product: what it was at one moment, kept as it was, and what changed between two of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any, Protocol
from uuid import UUID

from config.connections import Transaction
from config.problem import ProblemType

VERSION_TAKEN = ProblemType(
    "MJ-COM-113",
    HTTPStatus.CONFLICT,
    "The product has a version of this number already",
    "A version stays as it is; give the new one a higher number.",
)


@dataclass(frozen=True, slots=True)
class Version:
    """One version. Only when it was released is written later, once."""

    id: UUID
    number: str
    description: str
    snapshot: Mapping[str, Any]
    """The product with its options and SKUs, without counts and without what its life says."""
    created_at: datetime
    created_by: UUID | None
    released_at: datetime | None


@dataclass(frozen=True, slots=True)
class Change:
    """What differs at one place of two snapshots."""

    path: str
    """The names of members from the outside in, with points between them: `options.color.values.red.surcharge`."""
    before: Any
    """None: it was not there."""
    after: Any
    """None: it is there no more."""


def number_of(text: str) -> tuple[int, ...]:
    """A number to compare by: `1.10` comes after `1.9`, and `1.0` is `1`."""
    parts = [int(part) for part in text.split(".")]
    while len(parts) > 1 and parts[-1] == 0:
        parts.pop()
    return tuple(parts)


def higher(number: str, versions: Sequence[Version]) -> bool:
    """Whether a number is above those of every version that there is."""
    return all(number_of(number) > number_of(version.number) for version in versions)


def diff(before: Any, after: Any, path: str = "") -> list[Change]:
    """What differs, place by place. Members of a list that have a `code` are compared by it, wherever they stand."""
    if before == after and type(before) is type(after):
        return []
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        changes = []
        for name in sorted({*before, *after}):
            inside = f"{path}.{name}" if path else str(name)
            changes += diff(before.get(name), after.get(name), inside)
        return changes
    if _coded(before) and _coded(after):
        return diff({one["code"]: one for one in before}, {one["code"]: one for one in after}, path)
    return [Change(path, before, after)]


def _coded(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, Mapping) and "code" in one for one in value)


class Versions(Protocol):
    """Versions that are kept."""

    async def record(self, tx: Transaction, product: UUID, version: Version) -> bool:
        """Write a version; False where the number is taken."""

    async def all(self, tx: Transaction, product: UUID) -> Sequence[Version]:
        """Every version, the newest first."""

    async def release(self, tx: Transaction, version: UUID, now: datetime) -> bool:
        """Write when it was released; False where that is written."""
