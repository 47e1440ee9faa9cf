"""Shadowing: live requests are decided a second time by a version that is not published, to see what it would change.

It is signed as what it is (JWS, purpose `policy`, a type of its own), so that no gateway spends time on what nobody
asked for, and no signature of a shadow makes a policy. It has an end from the beginning.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

import msgspec

from config.connections import Transaction
from events import outbox
from jose.keys import PublicKeys, SigningKey
from policy import artefact
from policy.compiled_versions import CompiledVersions, Head, fingerprint, read
from policy.history import Act, Deed, tell
from policy.signature import sign
from policy.snapshot import FORMAT, Snapshot, compiled
from policy.versions import NoSuchVersion, Version, Versions, published_number

TYPE = "munjigi-policy-shadow+jwt"
MOST_TOLD = 500
"""Differences of one report, the most frequent first."""


class Shadow(msgspec.Struct, frozen=True):
    """One time that a version shadows live traffic."""

    id: int
    version: int
    sha256: str
    signature: str
    share: float
    """Of the requests that are decided, which part is decided again: above 0, at most 1."""
    who: str
    why: str
    since: datetime
    until: datetime
    ended_at: datetime | None = None
    """When somebody ended it before its time."""

    def running(self, at: datetime) -> bool:
        return self.ended_at is None and self.since <= at < self.until


class Count(msgspec.Struct, frozen=True):
    """So many decisions that were alike, and would be alike."""

    was: str
    would_be: str
    zone: str
    rule: str
    """The id of the rule that would decide; where none would, of the one that did."""
    same: bool
    """Whether nothing at all would change: not only the effect, but the obligations and the step-up, too."""
    count: int
    example: str
    """The correlation id of one of them."""


class Differing(msgspec.Struct, frozen=True):
    """So many decisions that would be others."""

    was: str
    would_be: str
    zone: str
    rule: str
    count: int
    example_decision_id: str


class Report(msgspec.Struct, frozen=True):
    """What shadowing has shown so far."""

    version: int
    sha256: str
    running: bool
    share: float
    who: str
    why: str
    since: datetime
    until: datetime
    decided: int
    """Decisions that were made a second time."""
    same: int
    differing: tuple[Differing, ...]
    """The most frequent first, at most 500."""


class Shadows(Protocol):
    """Where shadows are kept; `policy.storage.shadows` is it."""

    async def begin(self, tx: Transaction, shadow: Shadow) -> Shadow:
        """Keep it; its id is the storage's."""

    async def running(self, tx: Transaction, at: datetime) -> Shadow | None:
        """The one that runs at a moment."""

    async def newest(self, tx: Transaction, number: int) -> Shadow | None:
        """The last one of a version."""

    async def totals(self, tx: Transaction, shadow: int) -> tuple[int, int]:
        """How many decisions were made again, and of how many nothing would change."""

    async def differing(self, tx: Transaction, shadow: int, limit: int) -> Sequence[Count]:
        """Those that would be others, the most frequent first."""


class AnotherShadow(Exception):
    """A version is shadowed already, and gateways decide by one beside the published."""


class NoShadow(Exception):
    """The version is not shadowed, or never was."""


async def begin(
    versions: Versions,
    shadows: Shadows,
    tx: Transaction,
    number: int,
    key: SigningKey,
    act: Act,
    *,
    share: float,
    seconds: float,
) -> Shadow:
    """Let gateways decide a share of live requests by a draft, or by a retired version, too.

    Raises `NoSuchVersion`, `AnotherShadow`.
    """
    await versions.hold(tx)
    found = await versions.find_to_change(tx, number)
    if found is None or found.state not in ("draft", "retired"):
        raise NoSuchVersion(number)
    if (other := await shadows.running(tx, act.at)) is not None:
        raise AnotherShadow(f"version {other.version} is shadowed until {other.until.isoformat()}")
    made = await asyncio.to_thread(_compiled, found)
    at, prints = act.at.timestamp(), fingerprint(made)
    signed = sign(key, number, found.sha256, at, compiled=prints, typ=TYPE, lifetime=seconds)
    await versions.save_compiled(tx, number, FORMAT, made)
    until = act.at + timedelta(seconds=seconds)
    begun = Shadow(0, number, found.sha256, signed, share, act.who, act.why, act.at, until)
    begun = await shadows.begin(tx, begun)
    await tell(versions, tx, Deed.SHADOW_BEGAN, number, found.sha256, act, share=share, until=until.isoformat())
    await _told(versions, tx)
    return begun


def _compiled(version: Version) -> bytes:
    return compiled(artefact.decode(version.artefact))


async def end(versions: Versions, tx: Transaction, number: int, act: Act) -> None:
    """Before its time. Raises `NoShadow`."""
    await versions.hold(tx)
    found = await versions.find(tx, number)
    if found is None or not await versions.end_shadows(tx, number, act.at):
        raise NoShadow(number)
    await tell(versions, tx, Deed.SHADOW_ENDED, number, found.sha256, act)
    await _told(versions, tx)


async def report(shadows: Shadows, tx: Transaction, number: int, at: datetime) -> Report:
    """Of the last time that a version shadowed. Raises `NoShadow`."""
    found = await shadows.newest(tx, number)
    if found is None:
        raise NoShadow(number)
    decided, same = await shadows.totals(tx, found.id)
    differing = tuple(
        Differing(each.was, each.would_be, each.zone, each.rule, each.count, each.example)
        for each in await shadows.differing(tx, found.id, MOST_TOLD)
    )
    until = found.ended_at or found.until
    running = found.running(at)
    return Report(
        number, found.sha256, running, found.share, found.who, found.why, found.since, until, decided, same, differing
    )


async def load(
    versions: CompiledVersions, shadow: Shadow, tx: Transaction, keys: PublicKeys, *, now: float
) -> Snapshot:
    """Take up what is to be shadowed. Raises `UntrustedArtefact`. `now`: epoch seconds."""
    size = await versions.compiled_size(tx, shadow.version, FORMAT)
    return await read(versions, tx, Head(shadow.version, shadow.signature, size), keys, now=now, typ=TYPE)


async def _told(versions: Versions, tx: Transaction) -> None:
    """Gateways look for what they decide by."""
    await outbox.append(tx, "policy", "*", {"version": await published_number(versions, tx)})
