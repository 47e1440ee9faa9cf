"""What one scheme is: how its hashes look, and how a password is hashed anew by the setting of one.

Every scheme is the same two steps: a hash falls into its setting (salt, costs) and its digest, and a password and a
setting give a digest. So all of them are compared, and wrapped, alike.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

LONGEST = 1024
"""Characters of a hash that are looked at; a longer one is none."""


class NotAHash(ValueError):
    """A hash that its scheme does not understand, or whose costs are beyond reason; the message is for people."""


@dataclass(frozen=True, slots=True)
class Split:
    """A hash in two: only the digest has to do with the password."""

    setting: str
    digest: str


Compute = Callable[[bytes, str], str]
"""The digest of a password under a setting. Raises `ValueError` for a password that the scheme cannot take."""


@dataclass(frozen=True, slots=True)
class Scheme:
    """One scheme. `name` is stable: it stands in the database."""

    name: str
    of: str
    """Whose hashes these are, in words."""
    split: Callable[[str], Split | None]
    """`None`: the text is no hash of this scheme. Raises `NotAHash`: it is one, and cannot be taken."""
    compute: Compute
    strong: Callable[[str], bool]
    """Whether a hash of this setting may lie as it came."""
    kept_if: str = "never"
    """The same in words."""
    named_only: bool = False
    """Whether its hashes look like others', so that somebody has to say what they are."""


def never(_setting: str) -> bool:
    """Of schemes that no setting makes slow enough."""
    return False


def bounded(name: str, value: int, most: int) -> int:
    """A cost, unless it is beyond reason: no hash that is brought may stop a node. Raises `NotAHash`."""
    if not 0 < value <= most:
        raise NotAHash(f"{name} {value} is not between 1 and {most}")
    return value
