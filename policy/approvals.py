"""Two people release a policy, where that is asked for: somebody else than its authors approves its exact content."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

import msgspec

from config.connections import Transaction


class Approval(msgspec.Struct, frozen=True):
    """Somebody's word that a content may be published."""

    who: str
    why: str
    at: datetime
    sha256: str
    """Of the content that was approved; no other counts."""


class Approvals(Protocol):
    """Where they are kept; `policy.storage.releases` is it."""

    async def approvals(self, tx: Transaction, number: int) -> Sequence[Approval]:
        """Those of a version, the first first."""

    async def authors(self, tx: Transaction, number: int) -> frozenset[str]:
        """Whoever drafted or edited it."""


async def missing(approvals: Approvals, tx: Transaction, number: int, sha256: str, needed: int) -> int:
    """How many approvals of this content by somebody else than its authors are missing."""
    if needed <= 0:
        return 0
    authors = await approvals.authors(tx, number)
    given = {each.who for each in await approvals.approvals(tx, number) if each.sha256 == sha256}
    return max(0, needed - len(given - authors))
