"""The answers of authenticators: what is asked, and what of an answer counts (Level 3, sections 7.1 and 7.2). Pure.

User verification is always asked for, and nothing counts without it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any
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

from idp.factors.attestation import ANY_KEY, AttestationPolicy, android_roots, refusal, weigh
from idp.factors.metadata import Metadata
from idp.factors.passkey import CloneSuspected, KeyNotTaken, Passkey, PasskeyRefused, RelyingParty

_LONGEST_ANSWER = 20_000
_UNREADABLE = (WebAuthnException, ValueError, KeyError, TypeError, RecursionError)
"""What the parsers below raise for what an authenticator never sends; the last one where it is nested too deeply."""


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
