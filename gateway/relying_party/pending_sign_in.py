"""A sign-in under way."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class PendingSignIn:
    """What must be remembered between leading somebody to the identity provider and their coming back."""

    state_sha256: bytes
    browser_sha256: bytes
    """Of the secret in the browser's sign-in cookie: only that browser may finish it."""
    authority: str
    nonce_sha256: bytes
    verifier_sealed: bytes
    return_to: str
    acr: str | None
    max_age: int | None
    expires_at: datetime
    person: str | None = None
    """The `sub` that alone may finish it: of a step-up, after which a page goes on in that person's name."""
