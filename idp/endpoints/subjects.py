"""What tokens and userinfo say of a person, gathered from the directory and their session."""

from __future__ import annotations

from typing import Protocol
from uuid import UUID

from config.connections import Transaction
from idp.devices.device import Device
from idp.directory.account import Directory
from idp.sessions.session import Session
from idp.tokens.issue import Subject


class Devices(Protocol):
    """Where a session's device is found."""

    async def get(self, tx: Transaction, device_id: UUID) -> Device | None:
        """One device."""


class Subjects:
    """Gathers `Subject`s."""

    def __init__(self, directory: Directory, devices: Devices) -> None:
        self._directory = directory
        self._devices = devices

    async def of(self, tx: Transaction, session: Session) -> Subject | None:
        """The person of a session as they are now; None where the account may not sign in any more."""
        account = await self._directory.account(tx, session.user_id)
        if account is None or not account.may_sign_in:
            return None
        membership = await self._directory.find_membership(tx, session.user_id, session.organisation_id)
        device_id = session.visitor.device_id
        device = await self._devices.get(tx, device_id) if device_id is not None else None
        return Subject(
            sub=str(session.user_id),
            sid=session.sid,
            org=str(session.organisation_id),
            roles=membership.roles if membership is not None else (),
            amr=session.amr,
            acr=session.acr,
            authenticated_at=session.authenticated_at,
            device_id=str(device.id) if device is not None else "",
            device_trust=device.trust if device is not None else "unknown",
            claims={
                "name": account.display_name,
                "preferred_username": account.login_name,
                "locale": account.locale,
                "email": account.email,
            },
        )
