"""What becomes of a draft before it is published: edited, approved, given up. Each act is one transaction's (P5).

Whatever changes a draft holds its row, so that nobody publishes what is being edited, and nobody approves what is no
longer there.
"""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Protocol

from config.connections import Transaction
from events import outbox
from policy import artefact
from policy.approvals import Approval
from policy.artefact import Policy
from policy.difference import summary
from policy.history import Act, Deed, tell
from policy.lint import Finding
from policy.versions import (
    Match,
    NoSuchVersion,
    Overtaken,
    Version,
    Versions,
    published_number,
    published_policy,
    storable,
)


class OwnDraft(Exception):
    """Whoever wrote a draft does not approve it."""


class Drafts(Versions, Protocol):
    """Where drafts are kept; `policy.storage.versions` is it."""

    async def rewrite(self, tx: Transaction, number: int, policy: bytes) -> Version:
        """Give a draft another content; whatever was approved is not approved any more."""

    async def withdraw(self, tx: Transaction, number: int) -> None:
        """A draft is given up."""

    async def approve(self, tx: Transaction, number: int, approval: Approval) -> None:
        """Keep an approval, in the place of an earlier one by the same person."""

    async def retract(self, tx: Transaction, number: int, who: str) -> bool:
        """Take somebody's approval away; whether there was one."""


async def to_change(drafts: Drafts, tx: Transaction, number: int, match: Match) -> Version:
    """A draft that nobody else changes until the transaction ends. Raises `NoSuchVersion`, and what `match` raises."""
    found = await drafts.find_to_change(tx, number)
    if found is None or found.state != "draft":
        raise NoSuchVersion(number)
    match(found)
    return found


async def edit(
    drafts: Drafts, tx: Transaction, found: Version, policy: Policy, act: Act
) -> tuple[Version, tuple[Finding, ...]]:
    """Give a draft, held by `to_change`, another content. Raises `Refused`, and `Overtaken` for one that can never be
    published any more."""
    current = await published_number(drafts, tx)
    if found.number < current:
        raise Overtaken(f"version {current} is published")
    findings = await storable(policy, await published_policy(drafts, tx))
    content = await asyncio.to_thread(artefact.encode, policy)
    if artefact.digest(content) == found.sha256:
        return found, findings
    made = await drafts.rewrite(tx, found.number, content)
    changes = await asyncio.to_thread(_changes, found.artefact, policy)
    await tell(drafts, tx, Deed.EDITED, made.number, made.sha256, act, changes=changes, was=found.sha256)
    await _end_shadows(drafts, tx, made.number, act.at)
    return made, findings


def _changes(before: bytes, policy: Policy) -> dict[str, object]:
    return summary(artefact.decode(before), policy)


async def withdraw(drafts: Drafts, tx: Transaction, found: Version, act: Act) -> None:
    """Give up a draft, held by `to_change`."""
    await drafts.withdraw(tx, found.number)
    await tell(drafts, tx, Deed.WITHDRAWN, found.number, found.sha256, act)
    await _end_shadows(drafts, tx, found.number, act.at)


async def approve(drafts: Drafts, tx: Transaction, found: Version, act: Act) -> None:
    """Approve the content of a draft, held by `to_change`. Raises `OwnDraft`."""
    if act.who in await drafts.authors(tx, found.number):
        raise OwnDraft(act.who)
    await drafts.approve(tx, found.number, Approval(act.who, act.why, act.at, found.sha256))
    await tell(drafts, tx, Deed.APPROVED, found.number, found.sha256, act)


async def retract(drafts: Drafts, tx: Transaction, found: Version, act: Act) -> None:
    """Take one's own approval of a draft, held by `to_change`, back; nothing happens where there is none."""
    if await drafts.retract(tx, found.number, act.who):
        await tell(drafts, tx, Deed.APPROVAL_WITHDRAWN, found.number, found.sha256, act)


async def _end_shadows(drafts: Drafts, tx: Transaction, number: int, at: datetime) -> None:
    """What is shadowed is a content, not a number."""
    if await drafts.end_shadows(tx, number, at):
        await outbox.append(tx, "policy", "*", {"version": await published_number(drafts, tx)})
