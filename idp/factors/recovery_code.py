"""Saved recovery codes: ten codes that a person keeps on paper for the day when app and passkey are gone. Pure.

Each works once (NIST SP 800-63B-4, section 4.2.1.1, asks for 64 random bits at least; these have 80). They are shown
when they are made and never again: what is kept is a hash, bound to the person. Eighty bits of chance cannot be tried
out from a copy of the database, so one plain SHA-256 serves.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Collection
from datetime import datetime
from typing import Protocol
from uuid import UUID

from config.connections import Transaction
from config.entropy import Entropy

COUNT = 10
"""Codes that are made together."""
FEW = 2
"""So many left are worth a reminder."""
AMR = ("otp",)
"""RFC 8176 has no value for a look-up secret. Each code is a password that works once, which is what its `otp` means
(RFC 4949, "one-time password"; the RFCs it names for apps are examples), and a client that demands more than a password
gets no less by it. `sc`, `hwk` and `swk` would claim a device, `kba` something that others could know."""
_SIZE = 10
"""Random bytes: sixteen symbols of five bits each."""
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base32: no I, L, O or U, which are read for others."""
_READ = str.maketrans("ILO", "110")
_BLANKS = re.compile(r"[\s-]")
_CODE = re.compile(rf"[{_ALPHABET}]{{16}}")


class RecoveryCodeStorage(Protocol):
    """Where codes are kept."""

    async def replace(self, tx: Transaction, user_id: UUID, digests: Collection[bytes], now: datetime) -> None:
        """Keep new codes; the person's earlier ones are gone. None: they have no codes any more."""

    async def consume(self, tx: Transaction, user_id: UUID, digest: bytes) -> bool:
        """Use a code up. True once, for exactly one of many at once."""

    async def left(self, tx: Transaction, user_id: UUID) -> int:
        """How many of the person's codes still work."""


def new_codes(entropy: Entropy) -> tuple[str, ...]:
    """Ten codes as they are shown: `7KQ2-M9XF-0B3D-W8HN`."""
    return tuple(_new_code(entropy) for _ in range(COUNT))


def digest_of(user_id: UUID, typed: str) -> bytes | None:
    """What is kept of a code of this person, however it is typed; `None` for what cannot be one."""
    code = _BLANKS.sub("", typed[:64]).upper().translate(_READ)
    if not _CODE.fullmatch(code):
        return None
    return hashlib.sha256(b"munjigi-recovery-code\0" + user_id.bytes + code.encode()).digest()


def _new_code(entropy: Entropy) -> str:
    number = int.from_bytes(base64.urlsafe_b64decode(entropy.token(_SIZE) + "=="))
    code = "".join(_ALPHABET[number >> 5 * place & 31] for place in range(16))
    return "-".join(code[at : at + 4] for at in range(0, 16, 4))
