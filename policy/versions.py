"""Versions of the policy: drafts, publishing as signed artefacts, rolling back, loading one that can be trusted (P5).

What is published was linted and compiled, is signed (JWS, purpose `policy`) over its number and over the SHA-256 of its
canonical form and of what it was compiled to, and stands in PostgreSQL together with its event and its audit record, or
not at all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from hmac import compare_digest
from typing import Literal, Protocol

import msgspec

from audit import trail
from config.connections import Transaction
from events import outbox
from jose.keys import KeyRing, PublicKeys, SigningKey
from policy import artefact, compiled_versions, signature
from policy.artefact import Policy
from policy.compiled_versions import CompiledVersions
from policy.crosscheck import disagreements
from policy.lint import Fault, Finding, lint
from policy.signature import UntrustedArtefact as UntrustedArtefact
from policy.snapshot import FORMAT, Snapshot, compiled

State = Literal["draft", "published", "retired"]


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


class Versions(CompiledVersions, Protocol):
    """Where versions are kept; `policy.storage.versions` is it. All within the caller's transaction."""

    async def hold(self, tx: Transaction) -> None:
        """Wait until nobody else publishes, and keep others waiting until the transaction ends."""

    async def current(self, tx: Transaction) -> Version | None:
        """The published one."""

    async def find(self, tx: Transaction, number: int) -> Version | None:
        """One version, whatever its state."""

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


class Act(msgspec.Struct, frozen=True):
    """Who does something to the policy, why and when."""

    who: str
    why: str
    at: datetime
    correlation_id: str
    sid: str = ""


class NoSuchVersion(Exception):
    """There is no version of that number, or none that this can be done with."""


class Overtaken(Exception):
    """A newer version is published; a draft that was made before it would undo it unseen."""


class Refused(Exception):
    """The policy has faults; nothing was changed."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__("; ".join(finding.message for finding in findings[:10]))
        self.findings = tuple(findings)


async def draft(versions: Versions, tx: Transaction, policy: Policy, act: Act) -> tuple[Version, tuple[Finding, ...]]:
    """Store a policy as a draft, with the warnings there are. Raises `Refused`."""
    findings = await _linted(policy)
    made = await versions.save_draft(tx, artefact.encode(policy), author=act.who, why=act.why, at=act.at)
    return made, findings


async def publish(versions: Versions, tx: Transaction, number: int, key: SigningKey, act: Act) -> Version:
    """Sign a draft and publish it. Raises `NoSuchVersion`, `Overtaken`, `Refused`."""
    await versions.hold(tx)
    found = await versions.find(tx, number)
    if found is None or found.state != "draft":
        raise NoSuchVersion(number)
    return await _publish(versions, tx, found, key, act, trail.Kind.POLICY_PUBLISHED)


async def roll_back(versions: Versions, tx: Transaction, number: int, key: SigningKey, act: Act) -> Version:
    """Publish an older version's artefact again, as a new version. Raises `NoSuchVersion`, `Refused`."""
    await versions.hold(tx)
    older = await versions.find(tx, number)
    if older is None or older.state != "retired":
        raise NoSuchVersion(number)
    made = await versions.save_draft(tx, older.artefact, author=act.who, why=act.why, at=act.at, restores=older.number)
    return await _publish(versions, tx, made, key, act, trail.Kind.POLICY_ROLLED_BACK)


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
    versions: Versions, tx: Transaction, made: Version, key: SigningKey, act: Act, kind: trail.Kind
) -> Version:
    current = await versions.current(tx)
    if current is not None and made.number < current.number:
        raise Overtaken(f"version {current.number} is published")
    policy = artefact.decode(made.artefact)
    await _linted(policy)
    compiled = await asyncio.to_thread(_compiled, policy, made.number)
    fingerprint = compiled_versions.fingerprint(compiled)
    signed = signature.sign(key, made.number, made.sha256, act.at.timestamp(), compiled=fingerprint)
    await versions.publish(tx, made.number, signature=signed, publisher=act.who, at=act.at)
    await versions.save_compiled(tx, made.number, FORMAT, compiled)
    if current is not None:  # whoever reads that one now reads it to its end
        await versions.forget_compiled(tx, before=current.number)
    await outbox.append(tx, "policy", "*", {"version": made.number})
    details: dict[str, object] = {"version": made.number, "sha256": made.sha256, "why": act.why}
    if current is not None:
        details["replaces"] = current.number
    if made.restores is not None:
        details["restores"] = made.restores
    await trail.record(
        tx,
        trail.AuditEvent(
            kind=kind,
            correlation_id=act.correlation_id,
            actor=act.who,
            subject=f"policy:{made.number}",
            sid=act.sid,
            details=details,
        ),
    )
    return msgspec.structs.replace(made, state="published", signature=signed, publisher=act.who, published_at=act.at)


async def _linted(policy: Policy) -> tuple[Finding, ...]:
    findings = await asyncio.to_thread(lint, policy)  # a large policy must not hold up the loop
    if any(finding.refuses for finding in findings):
        raise Refused(findings)
    return findings


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
