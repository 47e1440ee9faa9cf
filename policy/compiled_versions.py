"""Versions as gateways take them up: compiled where they are published, verified and swapped where they decide (P5).

What is published is compiled to the format of the code that publishes it. A gateway takes up its own format only. While
an installation is upgraded, the policy service goes first: when it starts it compiles what is published to its format
too, beside the older one, which gateways of older code still find. A version that was not compiled to a gateway's
format is refused, and the last good one kept.
"""

from __future__ import annotations

import asyncio
from hashlib import sha256
from hmac import compare_digest
from typing import Protocol

import msgspec

from config.connections import Transaction
from jose.keys import PublicKeys
from policy import signature
from policy.compiled_memory import taken
from policy.signature import UntrustedArtefact
from policy.snapshot import FORMAT, Snapshot

LARGEST = 1024 * 1024 * 1024 - 1
"""Bytes of a compiled policy: PostgreSQL holds no more in one value."""
PART = 256 * 1024
"""Bytes that are read at a time, so that a gateway which reads a large policy serves requests in between."""
REST = 0.001
"""Seconds between two parts, which are there for all else."""


class Head(msgspec.Struct, frozen=True):
    """A version as it is found before its bytes are read."""

    number: int
    signature: str | None
    size: int | None
    """Bytes of it in the format that was asked for; None: it is not compiled to that."""


class CompiledVersions(Protocol):
    """Where compiled versions are kept; `policy.storage.versions` is it. All within the caller's transaction."""

    async def published_head(self, tx: Transaction, format_: int) -> Head | None:
        """The published version."""

    async def compiled_size(self, tx: Transaction, number: int, format_: int) -> int | None:
        """Bytes of a compiled version, whatever its state; None: it is not compiled to that format."""

    async def compiled_part(self, tx: Transaction, number: int, format_: int, offset: int, length: int) -> bytes | None:
        """So many bytes of a compiled version, or fewer at its end; None: there is none."""

    async def save_compiled(self, tx: Transaction, number: int, format_: int, compiled: bytes) -> None:
        """Keep what a version was compiled to, in the place of what there may be."""

    async def forget_compiled(self, tx: Transaction, *, before: int) -> None:
        """Forget compiled versions below a number; their documents stay."""


def fingerprint(compiled: bytes) -> dict[str, str]:
    """What the signature says of a compiled policy."""
    return {str(FORMAT): sha256(compiled).hexdigest()}


async def take_up(
    versions: CompiledVersions, tx: Transaction, keys: PublicKeys, *, now: float, newer_than: int = 0
) -> Snapshot | None:
    """The published version; None where it is the one in use (`newer_than`) already.

    Raises `UntrustedArtefact`, for no version at all too: the caller keeps the last good one. `now`: epoch seconds.
    """
    head = await versions.published_head(tx, FORMAT)
    if head is None:
        raise UntrustedArtefact("no policy is published")
    if newer_than and head.number == newer_than:
        return None
    if head.number < newer_than:
        raise UntrustedArtefact(f"version {head.number} is not newer than {newer_than}, which is in use")
    return await read(versions, tx, head, keys, now=now)


async def read(
    versions: CompiledVersions,
    tx: Transaction,
    head: Head,
    keys: PublicKeys,
    *,
    now: float,
    typ: str = signature.TYPE,
) -> Snapshot:
    """Read, verify and take up one version, signed as a `typ`. Raises `UntrustedArtefact`."""
    number = head.number
    signed = signature.believed(head.signature, number, keys, now=now, typ=typ)
    expected = signed.compiled.get(str(FORMAT))
    if expected is None or head.size is None:
        others = ", ".join(sorted(signed.compiled)) or "none"
        raise UntrustedArtefact(f"version {number} is compiled to format {others}; this code reads {FORMAT}")
    if head.size > LARGEST:
        raise UntrustedArtefact(f"version {number} is larger than {LARGEST} bytes")
    compiled, hashed = taken(head.size), sha256()
    for offset in range(0, head.size, PART):
        if offset:
            await asyncio.sleep(REST)
        part = await versions.compiled_part(tx, number, FORMAT, offset, PART)
        if part is None or len(part) != min(PART, head.size - offset):
            raise UntrustedArtefact(f"version {number} went away while it was read")
        compiled[offset : offset + len(part)] = part
        hashed.update(part)
    if not compare_digest(hashed.hexdigest(), expected):
        raise UntrustedArtefact(f"version {number} is not what was signed")
    try:
        return Snapshot(number, compiled)
    except ValueError as error:
        raise UntrustedArtefact(f"version {number} cannot be used: {error}") from error
