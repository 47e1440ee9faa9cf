"""Links by mail that sign in: bound to the login that asked, single use, and of no use to whoever only looks at them.

The address changes nothing when it is opened: mail scanners open every address. In the browser that asked it leads to a
page whose one button signs in; anywhere else to six digits, which its person types in the browser that asked. The other
browser never gets in. What is kept is a hash of the token and a keyed digest of the digits, which follow from the
token. Pure.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Protocol
from uuid import UUID

from config.connections import Transaction
from config.entropy import Entropy

AMR: Final = ("email",)
"""As a code by mail: both show that somebody reads it."""
TOKEN_SIZE: Final = 32
"""Random bytes of a link."""
DIGITS: Final = 6
TRIES: Final = 5
"""Wrong digits after which the right ones are refused, too."""
_BLANKS = re.compile(r"[\s-]")
_CODE = re.compile(r"[0-9]{6}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInLink:
    """What is kept of the link that a login was last sent."""

    login_id: UUID
    token_hash: bytes = field(repr=False)
    code_digest: bytes = field(repr=False)
    user_id: UUID
    sent_to: str
    """The mail address: the link proves it, and works for as long as it is the person's."""
    asked_from: Mapping[str, str]
    """`device`, `browser`, `place`, `network` of the browser that asked."""
    wrong: int = 0
    """Wrong digits since it was sent."""
    created_at: datetime
    expires_at: datetime


class SignInLinks(Protocol):
    """Where links are kept."""

    async def put_link(self, tx: Transaction, link: SignInLink) -> None:
        """Keep a link in place of the one that the login was sent before."""

    async def find_link(self, tx: Transaction, token_hash: bytes, now: datetime) -> SignInLink | None:
        """A link that still works, to look at."""

    async def link_of_login(self, tx: Transaction, login_id: UUID, now: datetime) -> SignInLink | None:
        """The link of a login that still works, locked until the transaction is over."""

    async def count_wrong_digits(self, tx: Transaction, login_id: UUID) -> None:
        """Wrong digits were typed."""

    async def consume_link(self, tx: Transaction, link: SignInLink) -> bool:
        """Use a link up. True once, for exactly one of many at once."""


class LinkKey:
    """Makes tokens and the digits that follow from them, by a key that all nodes share."""

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        if len(key) < 32:
            raise ValueError("the key of the links needs 32 bytes")
        self._key = key

    def __repr__(self) -> str:
        return "LinkKey(key=[secret])"

    def digits(self, token: str) -> str:
        """What another browser shows that opens the link: the same each time."""
        digest = hmac.digest(self._key, b"munjigi-link-digits\0" + _bytes(token), "sha256")
        return str(int.from_bytes(digest) % 10**DIGITS).zfill(DIGITS)

    def code_digest(self, digits: str, login_id: UUID, user_id: UUID) -> bytes:
        """What is kept of them."""
        bound = b"munjigi-link-kept\0" + login_id.bytes + user_id.bytes
        return hmac.digest(self._key, bound + digits.encode(), "sha256")

    def are_right(self, link: SignInLink, typed: str) -> bool:
        """Whether these are the digits of a link, which was not guessed at too often."""
        digits = _BLANKS.sub("", typed[:64])
        sound = _CODE.fullmatch(digits) is not None
        given = self.code_digest(digits if sound else "", link.login_id, link.user_id)
        return hmac.compare_digest(given, link.code_digest) and sound and link.wrong < TRIES


def new_token(entropy: Entropy) -> str:
    """The secret of a new link."""
    return entropy.token(TOKEN_SIZE)


def token_hash(token: str) -> bytes:
    """What is kept of it."""
    return hashlib.sha256(b"munjigi-sign-in-link\0" + _bytes(token)).digest()


def _bytes(token: str) -> bytes:
    return token[:256].encode("utf-8", "surrogatepass")
