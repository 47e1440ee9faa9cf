"""Passkeys (Web Authentication Level 3): registration and authentication, always with user verification.

A challenge is consumed once, in PostgreSQL, before the answer to it is verified. The relying party is the issuer.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
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
    AttestationConveyancePreference,
    AttestationFormat,
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    CredentialDeviceType,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from config.connections import Transaction
from idp.factors.attestation import ANY_KEY, AttestationPolicy, Evidence, Refusal, android_roots, refusal, weigh
from idp.factors.metadata import Metadata
from idp.protocol.assurance import ATTESTED, Method, methods_of

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

    def __init__(self, message: str, passkey: Passkey, *, anew: bool) -> None:
        """`anew`: it was not suspected before."""
        super().__init__(message)
        self.passkey = passkey
        self.anew = anew


class KeyNotTaken(PasskeyRefused):
    """A sound answer of a key that the person's organisation does not take."""

    def __init__(self, why: Refusal, evidence: Evidence) -> None:
        super().__init__(f"{why}: {evidence.format} of {evidence.aaguid}, {evidence.why_not or 'attested'}")
        self.why = why
        self.evidence = evidence


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
    """Since then it is refused, whatever its counter says: a copy may have signed often enough to be ahead."""
    attestation_format: str = "none"
    attested: bool = False
    """When it was registered, its maker vouched for its model."""

    @property
    def amr(self) -> tuple[str, ...]:
        """How an authentication by it is named (RFC 8176): a key in software that is synced, or in one device."""
        return self.named_by()

    def named_by(self, *, broken: bool = False) -> tuple[str, ...]:
        """`amr`; of a `broken` model, whose keys can be copied, it is a key in software, for which nobody vouches."""
        if self.backup_eligible or broken:
            return ("swk", "user")
        return ("hwk", "user", ATTESTED) if self.attested else ("hwk", "user")

    def methods(self, *, broken: bool = False) -> frozenset[Method]:
        """What it is to the mapping of assurance."""
        return methods_of(self.named_by(broken=broken))


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

    async def rename_passkey(self, tx: Transaction, user_id: UUID, credential_id: bytes, label: str) -> bool:
        """Call one of the person's passkeys otherwise. False where there is none."""

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
    attestation: bool = False,
) -> dict[str, Any]:
    """What `navigator.credentials.create` is asked: a discoverable credential, with user verification.

    `attestation`: whether the browser is to hand on what the maker of the key says of it.
    """
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
        attestation=AttestationConveyancePreference.DIRECT if attestation else AttestationConveyancePreference.NONE,
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
    answer: str,
    *,
    expected_party: RelyingParty,
    expected_challenge: bytes,
    user_id: UUID,
    label: str,
    now: datetime,
    metadata: Metadata | None = None,
    policies: Sequence[AttestationPolicy] = (),
) -> Passkey:
    """The new passkey of an answer; without a `label` it is called as its model is.

    `policies` are those of the person's organisations: every one of them must take the key. Raises `PasskeyRefused`,
    and `KeyNotTaken` where one does not.
    """
    models = metadata.models.values() if metadata is not None else ()
    try:
        credential = parse_registration_credential_json(answer)
        verified = webauthn.verify_registration_response(
            credential=credential,
            expected_challenge=expected_challenge,
            expected_rp_id=expected_party.id,
            expected_origin=expected_party.origin,
            require_user_verification=True,
            pem_root_certs_bytes_by_fmt={AttestationFormat.ANDROID_KEY: android_roots(models)} if models else None,
        )
        evidence = weigh(verified.attestation_object, verified.aaguid, metadata, now)
    except _UNREADABLE as error:
        raise PasskeyRefused(f"registration: {error}") from error
    for policy in policies or (ANY_KEY,):
        why = refusal(policy, evidence, now)
        if why is not None:
            raise KeyNotTaken(why, evidence)
    return Passkey(
        credential_id=verified.credential_id,
        user_id=user_id,
        public_key=verified.credential_public_key,
        sign_count=verified.sign_count,
        transports=tuple(transport.value for transport in credential.response.transports or ()),
        aaguid=verified.aaguid,
        label=label or (evidence.model.name if evidence.model is not None else ""),
        user_verified=verified.user_verified,
        backup_eligible=verified.credential_device_type is CredentialDeviceType.MULTI_DEVICE,
        backed_up=verified.credential_backed_up,
        created_at=now,
        attestation_format=evidence.format,
        attested=evidence.attested,
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
        message = f"counter {verified.new_sign_count} after {passkey.sign_count}"
        raise CloneSuspected(message, passkey, anew=passkey.clone_suspected_at is None)
    if passkey.clone_suspected_at is not None:
        raise CloneSuspected("suspected before", passkey, anew=False)
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
