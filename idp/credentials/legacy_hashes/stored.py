"""How a hash of another system lies in the database, and how a password is compared with it.

`kept SCHEME SETTING DIGEST`, or `wrapped SCHEME SETTING ARGON2ID`, where argon2id was made over the digest: whoever
gets the database pays for argon2id with each guess, and for the old scheme, too. No part has a blank in it.
"""

from __future__ import annotations

import hmac
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from idp.credentials.legacy_hashes.catalogue import BY_NAME
from idp.credentials.legacy_hashes.scheme import Scheme, Split

KEPT, WRAPPED = "kept", "wrapped"


def is_legacy(stored: str) -> bool:
    """Whether a stored hash is another system's, and not today's argon2id."""
    return not stored.startswith("$")


def kept(scheme: Scheme, split: Split) -> str:
    """As it came."""
    return f"{KEPT} {scheme.name} {split.setting} {split.digest}"


def wrapped(scheme: Scheme, split: Split, over_digest: str) -> str:
    """With argon2id over its digest."""
    return f"{WRAPPED} {scheme.name} {split.setting} {over_digest}"


@dataclass(frozen=True, slots=True)
class LegacyHash:
    """A stored hash, read."""

    how: str
    scheme: Scheme
    setting: str
    rest: str = field(repr=False)

    @classmethod
    def read(cls, stored: str) -> LegacyHash:
        """Raises `ValueError` for anything that `kept` and `wrapped` did not make."""
        how, name, setting, rest = stored.split(" ")
        if how not in (KEPT, WRAPPED) or name not in BY_NAME:
            raise ValueError("no hash of another system")
        return cls(how, BY_NAME[name], setting, rest)

    def is_of(self, password: str, argon2: PasswordHasher) -> bool:
        """Whether the password is the one, as it was typed or as today's hashes compose it."""
        return any(self._is_of(candidate, argon2) for candidate in candidates(password))

    def _is_of(self, password: bytes, argon2: PasswordHasher) -> bool:
        try:
            digest = self.scheme.compute(password, self.setting)
            if self.how == KEPT:
                return hmac.compare_digest(digest.encode(), self.rest.encode())
            return argon2.verify(self.rest, digest)
        except (ValueError, Argon2Error, InvalidHashError):  # no such password has a hash of this scheme, or another's
            return False


def candidates(password: str) -> Sequence[bytes]:
    """What the old system may have hashed: the bytes as they were typed, or composed where that differs."""
    both = (password, unicodedata.normalize("NFC", password))
    return list(dict.fromkeys(one.encode("utf-8", "surrogatepass") for one in both))
