"""A user of `firebase auth:export --format=json`, as a person.

Firebase encrypts a key of the project, the signer key, by each password: without it no hash can be compared. Its
console shows it with the other parameters, as `hash_config`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from idp.importing.person import Entry, Fault


class HashParameters(msgspec.Struct, frozen=True, kw_only=True):
    """`hash_config`, as JSON."""

    base64_signer_key: str
    base64_salt_separator: str
    rounds: int
    mem_cost: int

    def __repr__(self) -> str:
        return "HashParameters(…)"


def entry_of(user: Any, hashes: HashParameters | None) -> Entry:
    """Raises `Fault`."""
    if not isinstance(user, Mapping):
        raise Fault("a user of Firebase is a JSON object")
    said = {name: user.get(name) or "" for name in ("localId", "email", "displayName", "passwordHash", "salt")}
    if not all(isinstance(one, str) for one in said.values()):
        raise Fault("a user of Firebase whose members are not text")
    if not said["email"]:
        raise Fault("email: nobody can sign in by name without one")
    if said["passwordHash"] and hashes is None:
        raise Fault("passwordHash: the hash parameters of the project are needed")
    hashed = ""
    if said["passwordHash"] and hashes is not None:
        parts = (hashes.rounds, hashes.mem_cost, hashes.base64_salt_separator, said["salt"], hashes.base64_signer_key)
        hashed = ":".join(("firebase", *map(str, parts), said["passwordHash"]))
    return Entry(
        login_name=said["email"],
        id=said["localId"],
        display_name=said["displayName"],
        email=said["email"],
        email_verified=user.get("emailVerified") is True,
        state="locked" if user.get("disabled") is True else "active",
        password_hash=hashed,
    )
