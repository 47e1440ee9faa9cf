"""What the API says of signing keys, and what it is asked of them."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from msgspec import Struct

from idp.administration.documents import Why

KeyState = Literal["next", "active", "retiring", "retired"]


class KeyEntry(Struct, frozen=True):
    """A key that signs or verifies tokens, without the key."""

    kid: str
    algorithm: str
    state: KeyState
    created_at: datetime
    activates_at: datetime | None
    """Of a next key: when it is to sign."""
    activated_at: datetime | None
    retires_at: datetime | None
    """Of a retiring key: when it is to be believed no more."""


class KeyList(Struct, frozen=True):
    """Those that are believed, the oldest first."""

    keys: tuple[KeyEntry, ...]


class KeyChange(Struct, frozen=True):
    """What a key is from now on."""

    kid: str
    algorithm: str
    state: KeyState
    until: datetime | None
    """Of a next key: when it will sign. Of a retiring one: when it will be believed no more."""


class KeysChanged(Struct, frozen=True):
    """What became of each; nothing where a rotation was under way already, or the next key there."""

    changes: tuple[KeyChange, ...]


class RotationRequest(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A rotation that no token notices; with `at_once` nothing is believed any more that any key signed."""

    why: Why
    at_once: bool = False
