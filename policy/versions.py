"""Versions of the policy: drafts, publishing as signed artefacts, rolling back, loading one that can be trusted (P5).

What is published was linted and compiled, passed its own tests, has the approvals that are asked for, is signed (JWS,
purpose `policy`) over its number and over the SHA-256 of its canonical form and of what it was compiled to, and stands
in PostgreSQL together with its event, its line of the history and its audit record, or not at all. How drafts come to
that stands in `policy.drafts`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from hmac import compare_digest
from typing import Literal, Protocol

import msgspec

from config.connections import Transaction
from events import outbox
from jose.keys import KeyRing, PublicKeys, SigningKey
from policy import artefact, compiled_versions, signature
from policy.approvals import Approvals, missing
from policy.artefact import Policy
from policy.checks import findings as check
from policy.compiled_versions import CompiledVersions
from policy.crosscheck import disagreements
from policy.difference import summary
from policy.history import Act as Act
from policy.history import Deed, History, tell
from policy.lint import Fault, Finding, Severity
from policy.signature import UntrustedArtefact as UntrustedArtefact
from policy.snapshot import FORMAT, Snapshot, compiled

State = Literal["draft", "published", "retired", "withdrawn"]


class Version(msgspec.Struct, frozen=True):
    """One version as it is stored."""

    number: int
    state: State
    artefact: bytes
    sha256: str
    author: str
    why: str
    created_at: datetime
    signature: str | None = None
    publisher: str | None = None
    published_at: datetime | None = None
    restores: int | None = None
    """The version whose artefact this one brings back."""


class Versions(CompiledVersions, Approvals, History, Protocol):
    """Where versions are kept; `policy.storage.versions` is it. All within the caller's transaction."""

    async def hold(self, tx: Transaction) -> None:
        """Wait until nobody else publishes, and keep others waiting until the transaction ends."""

    async def current(self, tx: Transaction) -> Version | None:
        """The published one."""

    async def find(self, tx: Transaction, number: int) -> Version | None:
        """One version, whatever its state."""

    async def find_to_change(self, tx: Transaction, number: int) -> Version | None:
        """The same, and nobody else changes it until the transaction ends."""

    async def latest(self, tx: Transaction, *, before: int, limit: int) -> Sequence[Version]:
        """Versions below a number, the newest first."""

    async def save_draft(
        self, tx: Transaction, policy: bytes, *, author: str, why: str, at: datetime, restores: int | None = None
    ) -> Version:
        """Store a draft under the next number."""

    async def sign_anew(self, tx: Transaction, number: int, signature: str) -> None:
        """Replace the signature of the published one."""

    async def publish(self, tx: Transaction, number: int, *, signature: str, publisher: str, at: datetime) -> None:
        """Retire the published one and publish this draft in its place."""

    async def end_shadows(self, tx: Transaction, number: int, at: datetime) -> bool:
        """Shadow live traffic by this version no longer; whether it did."""


class NoSuchVersion(Exception):
    """There is no version of that number, or none that this can be done with."""


class Overtaken(Exception):
    """A newer version is published; a draft that was made before it would undo it unseen."""


class Refused(Exception):
    """The policy has faults; nothing was changed."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__("; ".join(finding.message for finding in findings[:10]))
        self.findings = tuple(findings)


class NotApproved(Exception):
    """So many approvals of somebody else are missing."""

    def __init__(self, missing: int) -> None:
        super().__init__(f"{missing} approvals are missing")
        self.missing = missing


Match = Callable[[Version], None]
"""Raises what it likes where a version is not the one that was meant; it is asked once nobody else can change it."""


def _any(_version: Version) -> None:
    pass


async def draft(versions: Versions, tx: Transaction, policy: Policy, act: Act) -> tuple[Version, tuple[Finding, ...]]:
    """Store a policy as a draft, with what keeps it from being published, and the warnings. Raises `Refused`."""
    former = await published_policy(versions, tx)
    found = await storable(policy, former)
    content = await asyncio.to_thread(artefact.encode, policy)
    made = await versions.save_draft(tx, content, author=act.who, why=act.why, at=act.at)
    changes = await asyncio.to_thread(summary, former, policy)
    await tell(versions, tx, Deed.DRAFTED, made.number, made.sha256, act, changes=changes)
    return made, found


async def publish(
    versions: Versions,
    tx: Transaction,
    number: int,
    key: SigningKey,
    act: Act,
    *,
    match: Match = _any,
    confirmed: Collection[str] = (),
    approvals: int = 0,
) -> Version:
    """Sign a draft and publish it, with so many approvals of somebody else than its authors.

    `confirmed`: what `policy.guard` need not ask about. Raises `NoSuchVersion`, `Overtaken`, `NotApproved`, `Refused`.
    """
    await versions.hold(tx)
    found = await versions.find_to_change(tx, number)
    if found is None or found.state != "draft":
        raise NoSuchVersion(number)
    match(found)
    if (lacking := await missing(versions, tx, number, artefact.digest(found.artefact), approvals)) > 0:
        raise NotApproved(lacking)
    return await _publish(versions, tx, found, key, act, Deed.PUBLISHED, confirmed)


async def roll_back(
    versions: Versions, tx: Transaction, number: int, key: SigningKey, act: Act, *, confirmed: Collection[str] = ()
) -> Version:
    """Publish an older version's artefact again, as a new version; in an emergency, so nobody need approve it, and its
    own tests are told of, but keep nothing back. Raises `NoSuchVersion`, `Refused`.
    """
    await versions.hold(tx)
    older = await versions.find(tx, number)
    if older is None or older.state != "retired":
        raise NoSuchVersion(number)
    made = await versions.save_draft(tx, older.artefact, author=act.who, why=act.why, at=act.at, restores=older.number)
    return await _publish(versions, tx, made, key, act, Deed.ROLLED_BACK, confirmed)


async def published_policy(versions: Versions, tx: Transaction) -> Policy | None:
    """What is published, to compare with; None: nothing is, or nothing that can be read any more."""
    current = await versions.current(tx)
    return None if current is None else await asyncio.to_thread(_readable, current)


async def published_number(versions: CompiledVersions, tx: Transaction) -> int:
    """The number of what is published; 0: nothing is."""
    head = await versions.published_head(tx, FORMAT)
    return 0 if head is None else head.number


def _readable(version: Version) -> Policy | None:
    try:
        return artefact.decode(version.artefact)
    except artefact.UnreadableArtefact:
        return None


async def storable(policy: Policy, former: Policy | None) -> tuple[Finding, ...]:
    """What is found in a policy that may be stored. Raises `Refused` for one that may not."""
    found = await asyncio.to_thread(check, policy, former)  # a large policy must not hold up the loop
    if any(finding.refuses for finding in found):
        raise Refused(found)
    return found


def verified(version: Version, keys: PublicKeys, *, now: float) -> Policy:
    """The policy of a version whose signature is sound and speaks of it. Raises `UntrustedArtefact`."""
    signed = signature.believed(version.signature, version.number, keys, now=now)
    if not compare_digest(signed.sha256, artefact.digest(version.artefact)):
        raise UntrustedArtefact(f"version {version.number} is not what was signed")
    try:
        return artefact.decode(version.artefact)
    except artefact.UnreadableArtefact as error:
        raise UntrustedArtefact(f"version {version.number} cannot be read: {error}") from error


async def _publish(
    versions: Versions,
    tx: Transaction,
    made: Version,
    key: SigningKey,
    act: Act,
    deed: Deed,
    confirmed: Collection[str],
) -> Version:
    current = await versions.current(tx)
    if current is not None and made.number < current.number:
        raise Overtaken(f"version {current.number} is published")
    policy = await asyncio.to_thread(artefact.decode, made.artefact)
    former = await published_policy(versions, tx)
    found = await asyncio.to_thread(check, policy, former, confirmed=confirmed)
    failing = sum(finding.fault is Fault.TEST_FAILED for finding in found)
    if deed is Deed.ROLLED_BACK:
        found = tuple(finding for finding in found if finding.fault is not Fault.TEST_FAILED)
    if any(finding.severity is Severity.ERROR for finding in found):
        raise Refused([finding for finding in found if finding.severity is Severity.ERROR])
    compiled = await asyncio.to_thread(_compiled, policy, made.number)
    fingerprint = compiled_versions.fingerprint(compiled)
    signed = signature.sign(key, made.number, made.sha256, act.at.timestamp(), compiled=fingerprint)
    await versions.publish(tx, made.number, signature=signed, publisher=act.who, at=act.at)
    await versions.save_compiled(tx, made.number, FORMAT, compiled)
    if current is not None:  # whoever reads that one now reads it to its end
        await versions.forget_compiled(tx, before=current.number)
    await versions.end_shadows(tx, made.number, act.at)
    await outbox.append(tx, "policy", "*", {"version": made.number})
    details: dict[str, object] = {"changes": await asyncio.to_thread(summary, former, policy)}
    if current is not None:
        details["replaces"] = current.number
    if made.restores is not None:
        details |= {"restores": made.restores, "failing_tests": failing}
    if confirmed:
        details["confirmed"] = sorted(confirmed)
    await tell(versions, tx, deed, made.number, made.sha256, act, **details)
    return msgspec.structs.replace(made, state="published", signature=signed, publisher=act.who, published_at=act.at)


async def compile_published(versions: Versions, tx: Transaction, ring: KeyRing, at: datetime) -> int | None:
    """Compile what is published to this code's format where code of another one published it; its number, or None
    where there is nothing to do. Call it when the service starts, with the lock of publishing held before the ring was
    read. Raises `UntrustedArtefact`.
    """
    found, head = await versions.current(tx), await versions.published_head(tx, FORMAT)
    if found is None or head is None:
        return None
    signed = signature.believed(found.signature, found.number, ring.public, now=at.timestamp())
    if head.size is not None and str(FORMAT) in signed.compiled:
        return None
    policy = await asyncio.to_thread(verified, found, ring.public, now=at.timestamp())
    try:
        made = await asyncio.to_thread(compiled, policy)
    except ValueError as error:
        raise UntrustedArtefact(f"version {found.number} cannot be used: {error}") from error
    fingerprints = {**signed.compiled, **compiled_versions.fingerprint(made)}
    anew = signature.sign(ring.active, found.number, signed.sha256, at.timestamp(), compiled=fingerprints)
    await versions.save_compiled(tx, found.number, FORMAT, made)
    await versions.sign_anew(tx, found.number, anew)
    await outbox.append(tx, "policy", "*", {"version": found.number})
    return found.number


def _compiled(policy: Policy, number: int) -> bytes:
    """Compile. Raises `Refused` where what came out does not mean what Casbin makes of the same rules."""
    made = compiled(policy)
    found = disagreements(policy, Snapshot(number, made))
    if found:
        message = "the compiled policy and Casbin decide differently; this is a fault of ours, please report it"
        raise Refused([Finding(Fault.ENGINES_DISAGREE, message, rule) for rule in found])
    return made
