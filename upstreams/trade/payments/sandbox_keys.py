"""What the sandbox and its callers share on this machine: two secrets, made by whoever comes first, and its address."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field

from config.made_secret import made_secret
from config.settings import Settings

FILE = "payment-sandbox.secret"


@dataclass(frozen=True, slots=True)
class SandboxKeys:
    """The key that callers show, and the one that webhooks are signed with."""

    api: str = field(repr=False)
    webhook: bytes = field(repr=False)


def sandbox_keys(settings: Settings) -> SandboxKeys:
    """Both, from one secret of 256 bits in a file (0600)."""
    secret = made_secret(settings, FILE).encode()
    return SandboxKeys(
        hmac.new(secret, b"api", hashlib.sha256).hexdigest(), hmac.new(secret, b"webhook", hashlib.sha256).digest()
    )


def sandbox_origin(settings: Settings) -> str:
    """Where browsers and callers find it."""
    return f"http://localhost:{settings.payments.listen.rpartition(':')[2]}"
