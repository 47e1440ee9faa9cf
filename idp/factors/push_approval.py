"""A sign-in that is approved on another device of the person: what is asked, who may answer, what an answer is worth.

A device is a browser with a key that never leaves it; its answer is signed over everything that its person saw. Pure:
time, chance and signatures come as arguments.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final, Literal, Protocol
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from config.connections import Transaction

AMR: Final = ("swk", "mca")
"""A key kept by software, by another channel than the login's (RFC 8176, section 2)."""
LIFETIME: Final = timedelta(minutes=2)
"""For how long a request may be answered."""
MOST_DEVICES: Final = 10
"""Devices of one person that approve."""
KEPT: Final = timedelta(days=1)
"""How long a request is kept after its time, so that a late answer is told what became of it."""
KEY_SIZE: Final = 65
"""Bytes of an uncompressed point of P-256."""
_SIGNATURE_SIZE: Final = 64

State = Literal["pending", "approved", "denied", "not_me", "mismatched", "withdrawn", "used"]
"""`mismatched`: the wrong number was picked. `withdrawn`: another request took its place, or its login went on by
another way. `used`: its approval let somebody go on."""
Decision = Literal["approve", "deny", "not_me"]
Fault = Literal["over", "own_browser", "signature"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalDevice:
    """A browser of a person that may approve."""

    id: UUID
    user_id: UUID
    device_id: UUID
    """The browser, as `idp.devices` knows it by its cookie."""
    label: str
    public_key: bytes
    """An uncompressed point of P-256."""
    created_at: datetime
    last_used_at: datetime | None = None
    sealed_subscription: bytes | None = None
    """Where its pushes go; None: only its open pages are told."""
    push_host: str | None = None
    """The push service."""

    @property
    def thumbprint(self) -> str:
        """By what name the browser keeps the key."""
        return thumbprint(self.public_key)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalRequest:
    """One question to the devices of one person."""

    id: UUID
    user_id: UUID
    bound_to: str
    """What goes on by its approval: `factor:<login>`, `sign-in:<login>`, `confirm:<sid>`, `backchannel:<request>`."""
    asked_by: UUID | None
    """The device where it is wanted: that one may not answer."""
    browser_hash: bytes | None
    """The login cookie of the browser that asks, as the login has it: no browser answers itself under another name."""
    faced: str | None
    """The session that the login faced: an approval counts for that one alone."""
    nonce: str
    match: str
    """What both screens show; empty: there is nothing to compare."""
    choices: tuple[str, ...]
    """Among which it is picked; empty: it is shown, and compared by reading."""
    app: str
    """The client that the person goes on to."""
    message: str = ""
    """What a client wants its person to see beside (CIBA Core 1.0, section 7.1, `binding_message`)."""
    came_from: Mapping[str, str]
    """`device`, `browser`, `place`, `ip` of whoever asks."""
    created_at: datetime
    expires_at: datetime
    state: State = "pending"
    answered_by: UUID | None = None

    def waits(self, now: datetime) -> bool:
        """Whether it may still be answered."""
        return self.state == "pending" and now < self.expires_at

    def shown(self, now: datetime) -> str:
        """How it stands, for whoever waits: a state, or `expired`."""
        return "expired" if self.state == "pending" and now >= self.expires_at else self.state

    def veiled(self, now: datetime) -> str:
        """The same for whoever has shown no password: a "no" looks like no answer, since only people answer."""
        if self.state in ("approved", "used"):
            return self.shown(now)
        return "pending" if now < self.expires_at else "expired"

    def may_be_used(self, now: datetime, faced: str | None) -> bool:
        """Whether its approval lets somebody go on now: once, in its time, for the session that was faced."""
        return self.state == "approved" and now < self.expires_at and self.faced == faced

    def event(self) -> dict[str, object]:
        """The payload of the event `request` (docs/house.md): that something came of it, and whose pages show it."""
        return {"request_id": str(self.id), "sub": str(self.user_id), "state": self.state}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a device sent."""

    decision: Decision
    picked: str
    signature: bytes
    browsers: Sequence[bytes] = ()
    """Hashes of the login cookies that came with it."""


def signed_words(request: ApprovalRequest, device: ApprovalDevice, decision: str, picked: str, *, origin: str) -> bytes:
    """What a device signs: everything that its person saw, and where. A line each; none of them can hold a line."""
    message = sha256(request.message.encode()).hexdigest()
    lines = ("munjigi-approval", origin, str(request.id), request.nonce, decision, picked, request.app, message)
    return "\n".join((*lines, device.thumbprint)).encode()


def enrolment_words(challenge: str, public_key: bytes, *, origin: str) -> bytes:
    """What a new device signs, to show that it holds the key. The challenge is the form's own, of one session."""
    return "\n".join(("munjigi-approval-device", origin, challenge, thumbprint(public_key))).encode()


def subscription_words(device: ApprovalDevice, subscription: str, *, origin: str) -> bytes:
    """What a device signs to be told at another address of its push service from now on."""
    digest = sha256(subscription.encode()).hexdigest()
    return "\n".join(("munjigi-approval-subscription", origin, device.thumbprint, digest)).encode()


def decide(
    request: ApprovalRequest, device: ApprovalDevice, answer: Answer, now: datetime, *, origin: str
) -> ApprovalRequest | Fault:
    """The request after an answer, or why the answer counts for nothing.

    The signature is looked at before anything is: without it nobody ends somebody else's request. An approval with the
    wrong number ends it as well: a second guess would be right every other time.
    """
    if device.user_id != request.user_id or not request.waits(now):
        return "over"
    if device.device_id == request.asked_by or request.browser_hash in answer.browsers:
        return "own_browser"
    words = signed_words(request, device, answer.decision, answer.picked, origin=origin)
    if not verifies(device.public_key, answer.signature, words):
        return "signature"
    state: State = {"approve": "approved", "deny": "denied", "not_me": "not_me"}[answer.decision]  # type: ignore[assignment]
    if answer.decision == "approve" and answer.picked != request.match:
        state = "mismatched"
    return replace(request, state=state, answered_by=device.id)


def verifies(public_key: bytes, signature: bytes, message: bytes) -> bool:
    """Whether this is the key's signature: ECDSA on P-256 with SHA-256, r and s of 32 bytes each, as WebCrypto gives
    it (W3C Web Cryptography API, section 23.7)."""
    if len(signature) != _SIGNATURE_SIZE:
        return False
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    try:
        key = EllipticCurvePublicKey.from_encoded_point(SECP256R1(), public_key)
        key.verify(encode_dss_signature(r, s), message, ECDSA(SHA256()))
    except (InvalidSignature, ValueError):
        return False
    return True


def is_key(public_key: bytes) -> bool:
    """Whether these bytes are a public key that a device may have."""
    if len(public_key) != KEY_SIZE or public_key[0] != 4:
        return False
    try:
        EllipticCurvePublicKey.from_encoded_point(SECP256R1(), public_key)
    except ValueError:
        return False
    return True


def thumbprint(public_key: bytes) -> str:
    """A public key's name."""
    return sha256(public_key).hexdigest()


class ApprovalDevices(Protocol):
    """Where devices are kept."""

    async def add(self, tx: Transaction, device: ApprovalDevice) -> bool:
        """Keep a new one, in place of another of the same browser. False: the person has as many as they may."""

    async def of(self, tx: Transaction, user_id: UUID) -> list[ApprovalDevice]:
        """A person's, the oldest first."""

    async def in_browser(self, tx: Transaction, cookie_hash: bytes) -> list[ApprovalDevice]:
        """Those of a browser, by its device cookie: one for each person who uses it."""

    async def rename(self, tx: Transaction, user_id: UUID, ident: UUID, label: str) -> bool:
        """Call one of a person's otherwise. False: there is none."""

    async def subscribe(self, tx: Transaction, ident: UUID, sealed: bytes, host: str) -> None:
        """Where its pushes go from now on."""

    async def used(self, tx: Transaction, ident: UUID, now: datetime) -> None:
        """It answered."""

    async def remove(self, tx: Transaction, user_id: UUID, ident: UUID) -> bool:
        """Forget one of a person's. False: there is none."""


class ApprovalRequests(Protocol):
    """Where requests are kept."""

    async def ask(self, tx: Transaction, request: ApprovalRequest, *, correlation_id: str) -> int:
        """Keep a new one in place of those that wait for the same, and mark it to be pushed to the person's devices,
        but the one that asks. Returns to how many."""

    async def latest(self, tx: Transaction, bound_to: str) -> ApprovalRequest | None:
        """The newest for one thing, to look at."""

    async def claim_latest(self, tx: Transaction, bound_to: str) -> ApprovalRequest | None:
        """The same, locked: of two that use an approval, the second sees that it was used."""

    async def find(self, tx: Transaction, request_id: UUID) -> ApprovalRequest | None:
        """One, to look at."""

    async def claim(self, tx: Transaction, request_id: UUID) -> ApprovalRequest | None:
        """One, locked: of two that answer, the second sees the first one's answer."""

    async def waiting_for(self, tx: Transaction, user_id: UUID, now: datetime) -> list[ApprovalRequest]:
        """A person's that wait, the oldest first."""

    async def save(self, tx: Transaction, request: ApprovalRequest) -> None:
        """Keep what changed in a claimed one."""
