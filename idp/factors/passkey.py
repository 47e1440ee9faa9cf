"""Passkeys (Web Authentication Level 3): registration and authentication, always with user verification.

A challenge is consumed once, in PostgreSQL, before the answer to it is verified. The relying party is the issuer.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, Protocol
from urllib.parse import urlsplit
from uuid import UUID

import webauthn
from webauthn.helpers import (
    base64url_to_bytes,
    parse_authentication_credential_json,
    parse_client_data_json,
    parse_registration_credential_json,
)
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    CredentialDeviceType,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from config.connections import Transaction

CHALLENGE_LIFETIME = timedelta(minutes=10)
CHALLENGE_SIZE = 32
"""Bytes (Level 3, section 13.4.3, asks for 16 at least)."""
_LONGEST_ANSWER = 20_000
_UNREADABLE = (WebAuthnException, ValueError, KeyError, TypeError, RecursionError)
"""What the parsers below raise for what an authenticator never sends; the last one where it is nested too deeply."""

Ceremony = Literal["registration", "authentication"]


class PasskeyRefused(Exception):
    """An answer of an authenticator that does not count; the message is for the log."""


class CloneSuspected(PasskeyRefused):
    """The signature counter did not rise: there may be two copies of this key (Level 3, section 6.1.1)."""


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """Who asks for passkeys: the issuer's origin, and its host as the RP ID."""

    id: str
    origin: str
    name: str

    @classmethod
    def of_issuer(cls, issuer: str, name: str) -> RelyingParty:
        parts = urlsplit(issuer)
        return cls(parts.hostname or "", f"{parts.scheme}://{parts.netloc}", name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Passkey:
    """One passkey of a person."""

    credential_id: bytes
    user_id: UUID
    public_key: bytes = field(repr=False)
    sign_count: int
    transports: tuple[str, ...]
    aaguid: str
    label: str
    user_verified: bool
    backup_eligible: bool
    """It may be on several devices of the person (a synced passkey)."""
    backed_up: bool
    created_at: datetime
    last_used_at: datetime | None = None
    clone_suspected_at: datetime | None = None

    @property
    def amr(self) -> tuple[str, ...]:
        """How an authentication by it is named (RFC 8176): a key in software that is synced, or in one device."""
        return ("swk" if self.backup_eligible else "hwk", "user")


class PasskeyStorage(Protocol):
    """What a storage of passkeys must do."""

    async def passkeys(self, tx: Transaction, user_id: UUID) -> list[Passkey]:
        """The person's passkeys, the oldest first."""

    async def passkey(self, tx: Transaction, credential_id: bytes) -> Passkey | None:
        """One passkey, locked: its counter is compared and raised by one login at a time."""

    async def add_passkey(self, tx: Transaction, passkey: Passkey) -> bool:
        """Keep a new passkey. False where its credential id is known already."""

    async def used(self, tx: Transaction, passkey: Passkey) -> None:
        """Keep what changed by a use: counter, backup state, moment, suspicion."""

    async def remove_passkey(self, tx: Transaction, user_id: UUID, credential_id: bytes) -> bool:
        """Forget one of the person's passkeys. False where there is none."""


class ChallengeStorage(Protocol):
    """What a storage of challenges must do."""

    async def add_challenge(
        self, tx: Transaction, digest: bytes, ceremony: Ceremony, bound_to: str, expires_at: datetime
    ) -> None:
        """Keep the digest of a challenge for one ceremony of one login or session."""

    async def consume_challenge(
        self, tx: Transaction, digest: bytes, ceremony: Ceremony, bound_to: str, now: datetime
    ) -> bool:
        """Use a challenge up. True once, for exactly one of many at once, and never after its time."""


def challenge_digest(challenge: bytes) -> bytes:
    """What is kept of a challenge."""
    return hashlib.sha256(challenge).digest()


def challenge_of(answer: str) -> bytes:
    """The challenge that an answer says it answers. Raises `PasskeyRefused` for what is no answer at all."""
    try:
        if len(answer) > _LONGEST_ANSWER:
            raise PasskeyRefused("an answer longer than any authenticator's")
        response = json.loads(answer)["response"]
        said = parse_client_data_json(base64url_to_bytes(response["clientDataJSON"]))
    except _UNREADABLE as error:
        raise PasskeyRefused(f"not an answer of an authenticator: {type(error).__name__}") from error
    if said.cross_origin:  # our pages stand in no frame (Level 3, sections 7.1 and 7.2)
        raise PasskeyRefused("the answer was given in a frame of another origin")
    return said.challenge


def credential_id_of(answer: str) -> bytes:
    """The credential that an answer is of. Raises `PasskeyRefused`."""
    try:
        return parse_authentication_credential_json(answer).raw_id
    except _UNREADABLE as error:
        raise PasskeyRefused(f"not an authentication: {type(error).__name__}") from error


def registration_options(
    party: RelyingParty,
    *,
    user_id: UUID,
    login_name: str,
    display_name: str,
    challenge: bytes,
    existing: list[Passkey],
) -> dict[str, Any]:
    """What `navigator.credentials.create` is asked: a discoverable credential, with user verification."""
    options = webauthn.generate_registration_options(
        rp_id=party.id,
        rp_name=party.name,
        user_id=user_id.bytes,
        user_name=login_name,
        user_display_name=display_name,
        challenge=challenge,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=_descriptors(existing),
    )
    return dict(json.loads(webauthn.options_to_json(options)))


def authentication_options(party: RelyingParty, *, challenge: bytes, allowed: list[Passkey]) -> dict[str, Any]:
    """What `navigator.credentials.get` is asked; none `allowed` means whichever passkey the person picks."""
    options = webauthn.generate_authentication_options(
        rp_id=party.id,
        challenge=challenge,
        allow_credentials=_descriptors(allowed),
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return dict(json.loads(webauthn.options_to_json(options)))


def verify_registration(
    answer: str, *, expected_party: RelyingParty, expected_challenge: bytes, user_id: UUID, label: str, now: datetime
) -> Passkey:
    """The new passkey of an answer. Raises `PasskeyRefused`."""
    try:
        credential = parse_registration_credential_json(answer)
        verified = webauthn.verify_registration_response(
            credential=credential,
            expected_challenge=expected_challenge,
            expected_rp_id=expected_party.id,
            expected_origin=expected_party.origin,
            require_user_verification=True,
        )
    except _UNREADABLE as error:
        raise PasskeyRefused(f"registration: {error}") from error
    return Passkey(
        credential_id=verified.credential_id,
        user_id=user_id,
        public_key=verified.credential_public_key,
        sign_count=verified.sign_count,
        transports=tuple(transport.value for transport in credential.response.transports or ()),
        aaguid=verified.aaguid,
        label=label,
        user_verified=verified.user_verified,
        backup_eligible=verified.credential_device_type is CredentialDeviceType.MULTI_DEVICE,
        backed_up=verified.credential_backed_up,
        created_at=now,
    )


def verify_authentication(
    answer: str, *, expected_party: RelyingParty, expected_challenge: bytes, passkey: Passkey
) -> tuple[int, bool]:
    """The new counter and backup state of a passkey that answered. Raises `PasskeyRefused`, `CloneSuspected`."""
    try:
        credential = parse_authentication_credential_json(answer)
        verified = webauthn.verify_authentication_response(
            credential=credential,
            expected_challenge=expected_challenge,
            expected_rp_id=expected_party.id,
            expected_origin=expected_party.origin,
            credential_public_key=passkey.public_key,
            credential_current_sign_count=0,  # compared below, where a clone is told from a forgery
            require_user_verification=True,
        )
    except _UNREADABLE as error:
        raise PasskeyRefused(f"authentication: {error}") from error
    if verified.credential_id != passkey.credential_id:
        raise PasskeyRefused("the answer is of another credential")
    synced = verified.credential_device_type is CredentialDeviceType.MULTI_DEVICE
    if synced is not passkey.backup_eligible:  # it never changes (Level 3, section 6.1.3)
        raise PasskeyRefused("what is synced now was not when it was registered, or the reverse")
    handle = credential.response.user_handle
    if handle is not None and handle != passkey.user_id.bytes:
        raise PasskeyRefused("the answer is of another person's credential")
    if (verified.new_sign_count or passkey.sign_count) and verified.new_sign_count <= passkey.sign_count:
        raise CloneSuspected(f"counter {verified.new_sign_count} after {passkey.sign_count}")
    return verified.new_sign_count, verified.credential_backed_up


def _descriptors(passkeys: list[Passkey]) -> list[PublicKeyCredentialDescriptor]:
    known = {transport.value for transport in AuthenticatorTransport}
    return [
        PublicKeyCredentialDescriptor(
            id=passkey.credential_id,
            transports=[AuthenticatorTransport(name) for name in passkey.transports if name in known],
        )
        for passkey in passkeys
    ]
