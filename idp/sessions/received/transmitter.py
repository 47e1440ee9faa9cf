"""A transmitter of an organisation's, and what follows from what it says."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID

from idp.protocol.redirect_uri import is_registrable

DeliveryKind = Literal["push", "poll"]
TransmitterStatus = Literal["enabled", "disabled"]
EndOrRecord = Literal["end", "record"]
OnDevice = Literal["end", "step_up", "distrust", "record"]
"""What follows where a device is not compliant. All but `record` let its trust fall to unknown in the organisation's
sessions; `step_up` takes the second factor from a session that lives on it, `end` ends that session."""
MOST_TRANSMITTERS = 16
"""Of one organisation."""
LONGEST = 1024
"""Characters of an address, of an issuer, of an audience."""
TOKEN_SIZE = 32
"""Bytes of randomness in the token that a push shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effects:
    """What an organisation lets follow from a transmitter's events; everything else is recorded only."""

    session_revoked: EndOrRecord = "end"
    credential_change: EndOrRecord = "end"
    device_compliance_change: OnDevice = "end"


@dataclass(frozen=True, slots=True, kw_only=True)
class Transmitter:
    """Another identity provider, a device manager, a detector: whoever an organisation listens to."""

    id: UUID
    organisation_id: UUID
    name: str
    issuer: str
    """The `iss` of its tokens."""
    jwks_uri: str
    audience: str
    """The `aud` of its tokens that names this stream."""
    delivery: DeliveryKind
    poll_uri: str | None
    token_digest: bytes | None = field(repr=False)
    """SHA-256 of the token that it shows with every push."""
    sealed_authorization: bytes | None = field(repr=False)
    """What stands in `Authorization` at every poll."""
    status: TransmitterStatus
    effects: Effects
    version: int
    created_at: datetime
    received_at: datetime | None = None
    """When something of it was taken last."""
    problem: str = ""
    """What was wrong last."""
    problem_at: datetime | None = None
    poll_failures: int = 0

    def shows(self, token: str) -> bool:
        """Whether this is the token that its pushes show; compared in constant time."""
        return hmac.compare_digest(digest_of(token), self.token_digest or NOBODY_S)


NOBODY_S = bytes(32)
"""The digest of no token at all."""


def digest_of(token: str) -> bytes:
    """What is kept of a token: it is ours to make, 256 bits of chance, so one plain SHA-256 serves."""
    return hashlib.sha256(b"munjigi-signal\0" + token.encode()).digest()


def push_address(issuer: str, transmitter_id: UUID) -> str:
    """Where a transmitter pushes to."""
    return f"{issuer}/signals/receive/{transmitter_id}"


def authorization_context(transmitter_id: UUID) -> str:
    """The place that a sealed header is bound to."""
    return f"idp.signal_transmitter:{transmitter_id}"


def fault_of(*, issuer: str, jwks_uri: str, poll_uri: str | None, authorization: str | None) -> str:
    """Which of what an administrator typed cannot be; empty: nothing."""
    for name, uri in (("issuer", issuer), ("jwks_uri", jwks_uri), ("poll_uri", poll_uri)):
        if uri is not None and not (len(uri) <= LONGEST and is_registrable(uri)):
            return f"{name}: an https address is expected"
    sendable = authorization is None or (authorization.isascii() and authorization.isprintable())
    if not sendable or not 0 < len(authorization or " ") <= LONGEST:
        return "authorization: text that can stand in a header is expected"
    return ""
