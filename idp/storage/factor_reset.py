"""Taking away all second factors of a person who lost theirs, in PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import delete, update

from config.connections import Transaction
from idp.administration.documents import SecondFactor
from idp.sessions.signals.changes import CredentialChange, passkey_type
from idp.storage import approval_devices, factors, phones, recovery_codes, remembered
from idp.storage.approval_tables import approval_device
from idp.storage.directory_tables import passkey, totp, user_account
from idp.storage.phone_tables import phone
from idp.storage.recovery_code_tables import recovery_code

_KEPT_IN = {"totp": totp, "passkey": passkey, "push": approval_device, "sms": phone, "recovery_code": recovery_code}


async def revoked(tx: Transaction, user_id: UUID) -> Sequence[CredentialChange]:
    """What a reset takes away, as subscribers of shared signals are told of it; recovery codes are one credential."""
    changes = [
        CredentialChange(passkey_type(found.transports), "revoke", "reset", found.label, found.aaguid)
        for found in await factors.passkeys(tx, user_id)
    ]
    changes += [
        CredentialChange("app", "revoke", "reset", found.label) for found in await factors.authenticators(tx, user_id)
    ]
    if await phones.phone(tx, user_id) is not None:
        changes.append(CredentialChange("phone-sms", "revoke", "reset"))
    changes += [
        CredentialChange("app", "revoke", "reset", found.label) for found in await approval_devices.of(tx, user_id)
    ]
    if await recovery_codes.left(tx, user_id):
        changes.append(CredentialChange("recovery-code", "revoke", "reset"))
    return changes


async def reset(tx: Transaction, user_id: UUID) -> Sequence[SecondFactor]:
    """Forget them, and the browsers that were remembered by one of them; returns the kinds that there were.

    An app or a number whose enrolment was only begun goes too, and is no kind of its own.
    """
    removed: list[SecondFactor] = []
    kinds: tuple[SecondFactor, ...] = ("totp", "passkey", "push", "sms", "recovery_code")
    for kind in kinds:
        table = _KEPT_IN[kind]
        counts = table.c.confirmed_at.is_not(None) if kind in ("totp", "sms") else table.c.user_id == user_id
        gone = (await tx.execute(delete(table).where(table.c.user_id == user_id).returning(counts))).scalars().all()
        if any(gone):
            removed.append(kind)
    if removed:
        await remembered.forget_person(tx, user_id)
        await tx.execute(
            update(user_account).where(user_account.c.id == user_id).values(version=user_account.c.version + 1)
        )
    return removed
