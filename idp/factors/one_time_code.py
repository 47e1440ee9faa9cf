"""One-time codes by mail and by text: what is kept of one, whether a given one is right, how an address is shown. Pure.

A code is bound to one login, to the address or number that it went to and, for a takeover, to the session that the
login faces: no other login, person, address or takeover accepts it. What is kept is a keyed digest; six digits alone
could be tried out from a copy of the database.
"""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, Protocol
from uuid import UUID

from config.connections import Transaction
from config.entropy import Entropy

DIGITS = 6
LIFETIME = timedelta(minutes=10)
"""The longest that NIST SP 800-63B-4, section 3.1.3.2, lets an out-of-band secret live."""
TRIES = 5
"""Wrong codes after which the right one is refused, too."""
SENDS = 5
"""Codes that one login gets."""
RESEND_AFTER = timedelta(seconds=30)
AMR = ("email",)
"""Not of RFC 8176, which has `sms` and nothing for mail; values of one's own are allowed (section 2)."""

_CODE = re.compile(r"[0-9]{6}")
_BLANKS = re.compile(r"[\s-]")
Verdict = Literal["right", "wrong", "spent"]
SendRefusal = Literal["too_soon", "too_many"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SentCode:
    """What is kept of the code that a login was last sent."""

    login_id: UUID
    user_id: UUID
    faced: str | None
    """The live session (sid) that the login faced when it was sent."""
    digest: bytes = field(repr=False)
    wrong: int
    """Wrong codes since it was sent."""
    sends: int
    """How many codes this login was sent, this one included."""
    sent_at: datetime
    expires_at: datetime

    def usable(self, user_id: UUID, faced: str | None, now: datetime) -> bool:
        """Whether a code can still be right: for this person, about this session, in time, not guessed at too often."""
        return self.user_id == user_id and self.faced == faced and now < self.expires_at and self.wrong < TRIES


class CodeStorage(Protocol):
    """What a storage of codes must do."""

    async def sent_code(self, tx: Transaction, login_id: UUID) -> SentCode | None:
        """The code that a login was last sent, locked until the transaction is over."""

    async def put_code(self, tx: Transaction, code: SentCode) -> bool:
        """Keep a code in place of the one before. False where another transaction sent one of as many sends first."""

    async def count_wrong(self, tx: Transaction, login_id: UUID) -> None:
        """A wrong code was given."""

    async def consume_code(self, tx: Transaction, code: SentCode) -> bool:
        """Use a code up. True once, for exactly one of many at once."""


class CodeDigests:
    """Makes codes and their digests, by a key that all nodes share."""

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        if len(key) < 32:
            raise ValueError("the key of the codes needs 32 bytes")
        self._key = key

    def __repr__(self) -> str:
        return "CodeDigests(key=[secret])"

    def digest(self, code: str, login_id: UUID, user_id: UUID, address: str, faced: str | None) -> bytes:
        """What is kept of a code: HMAC-SHA256 over it and all that it is bound to."""
        to = (address.encode(), (faced or "").encode())
        bound = b"\0".join((b"munjigi-mail-code", login_id.bytes, user_id.bytes, *to))
        return hmac.digest(self._key, bound + b"\0" + code.encode(), "sha256")

    def judge(
        self, kept: SentCode | None, given: str, user_id: UUID, address: str, faced: str | None, now: datetime
    ) -> Verdict:
        """What a given code is worth of a person who has this address now; `spent` where none could be right."""
        if kept is None or not kept.usable(user_id, faced, now):
            return "spent"
        code = _BLANKS.sub("", given)
        sound = _CODE.fullmatch(code) is not None and code.isascii()
        digest = self.digest(code if sound else "", kept.login_id, user_id, address, faced)
        return "right" if hmac.compare_digest(digest, kept.digest) and sound else "wrong"


def new_code(entropy: Entropy) -> str:
    """Six digits, each equally likely: numbers are drawn again rather than folded (`Entropy.digits`)."""
    return entropy.digits(DIGITS)


def may_send(last: SentCode | None, faced: str | None, now: datetime) -> SendRefusal | None:
    """Why this login gets no new code now; `None` if it may. Another session to face is a reason to send at once."""
    if last is None:
        return None
    if last.sends >= SENDS:
        return "too_many"
    if last.faced == faced and now - last.sent_at < RESEND_AFTER:
        return "too_soon"
    return None


def masked(address: str) -> str:
    """A mail address as it is shown to somebody who has not proven that it is theirs: `m***@example.com`."""
    local, at, domain = address.rpartition("@")
    return f"{local[:1]}***{at}{domain}" if at else "***"
